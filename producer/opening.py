"""Which source the settings name."""

from collections.abc import Iterable

from config import settings
from producer.sources import Record, State, bluesky
from producer.sources.replay import Replay
from producer.sources.sample import sample


def open_source(chosen: settings.Settings, state: State, position: str = "") -> Iterable[Record]:
    """The source the settings name, telling `state` what it does; `position` is the newest one that the spool has of it.

    Raises ConfigError or CredentialsError for what can be seen before reading.
    """
    if chosen.source in ("replay", "sample"):
        state.now = "reading"
    if chosen.source == "replay":
        return Replay(chosen.file, chosen.loop)
    if chosen.source == "sample":
        return sample(chosen.seed, chosen.malformed)
    if chosen.source == "bluesky":
        return bluesky.tweets(chosen.jetstream_url, bluesky.wanted(chosen.keywords, chosen.lang), position, state)
    from producer.sources import x_search, x_stream, x_wire  # here: the other two need no tweepy

    account = x_wire.Account(chosen.x_bearer_token, chosen.x_base_url)
    if chosen.source == "stream":
        return x_stream.tweets(account, x_stream.phrases(chosen.track), state)
    return x_search.tweets(account, chosen.query, chosen.interval, state)
