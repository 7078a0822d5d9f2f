"""The source `bluesky`: posts of Bluesky by its Jetstream, as the settings ask for them. Needs no
key."""

from config.settings import Settings
from producer.sources import Check, Memory, Records, State
from producer.sources.bluesky import check, posts
from producer.sources.bluesky.filter import wanted


def open(chosen: Settings, state: State, memory: Memory) -> Records:
    """See `posts.tweets`."""
    want = wanted(chosen.keywords, chosen.lang, chosen.deletions)
    return posts.tweets(chosen.jetstream_url, want, memory.position, state)


def question(chosen: Settings) -> object:
    """The filter; all deletions are read, whether they are wanted or not."""
    return (chosen.keywords, chosen.lang)


def checks(chosen: Settings) -> list[Check]:
    """Does a server send anything?"""
    return [("Jetstream", lambda: f", {check.look(chosen.jetstream_url)}")]
