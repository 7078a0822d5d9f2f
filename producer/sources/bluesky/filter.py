"""Which of Bluesky's posts and deletions are handed on."""

from dataclasses import dataclass

from producer.sources.bluesky.jetstream import Event


@dataclass(frozen=True)
class Wanted:
    """Which posts: those with one of the keywords (any, without regard to case) and in the language
    (any); and deletions or not.

    A deletion says nothing of the post but its id. So it is all of Bluesky's deletions or none,
    whatever the keywords.
    """

    keywords: tuple[str, ...] = ()
    lang: str = ""
    deletions: bool = True

    def has(self, event: Event) -> bool:
        """Whether this event must be handed on."""
        if event.record.value is None:
            return self.deletions
        if event.post is None:
            return True
        langs = [lang.lower().partition("-")[0] for lang in event.post.langs or ()]
        if self.lang and self.lang.lower() not in langs:
            return False
        text = event.post.text.casefold()
        return not self.keywords or any(keyword in text for keyword in self.keywords)


def wanted(keywords: str, lang: str, deletions: str = "all") -> Wanted:
    """The filter that `--keywords "coffee,climate change"`, `--lang en` and `--deletions none`
    mean."""
    words = tuple(word.strip().casefold() for word in keywords.split(",") if word.strip())
    return Wanted(words, lang.strip(), deletions == "all")
