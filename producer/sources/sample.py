"""Invented tweets in the shape X v2 sends them. The same seed gives the same tweets, byte for byte,
on every machine."""

from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from random import Random
from typing import Any

import msgspec

from config.errors import ConfigError
from config.settings import Settings
from producer.sources import Memory, Record, Records, State
from producer.sources.identity import record_of
from producer.sources.phrases import COMPACT, EMOJI, ENGLISH, OTHERS, PLACES, TOPICS
from producer.sources.x.ids import EPOCH_MS

_BEGIN = datetime(2026, 1, 1, tzinfo=timezone.utc)
_BEGIN_MS = int(_BEGIN.timestamp()) * 1000
_TWEET_CHARACTERS, _NOTE_CHARACTERS = 280, 4_000
_LANGUAGES = ["en"] * len(OTHERS) + list(OTHERS)  # half of all tweets are English
_RULES = [
    [{"id": str(1_700_000_000_000_000_001 + n), "tag": tag}]
    for n, tag in enumerate(("coffee", "weather", "trains"))
]
_NAMES = (
    "Ana",
    "Bo",
    "Chidi",
    "Dilnoza",
    "Émile",
    "Fatima",
    "Giórgos",
    "Hana",
    "Ines",
    "Jun",
    "Kofi",
    "Лена",
    "美咲",
    "نور",
)
_encode = msgspec.json.Encoder().encode


class _Dice:
    """Few, quick, portable draws; `Random.choice` and its like are slower and differ between Python
    versions."""

    def __init__(self, seed: int) -> None:
        self.roll = Random(seed).random

    def below(self, limit: int) -> int:
        return int(self.roll() * limit)

    def one(self, items: Any) -> Any:
        return items[int(self.roll() * len(items))]


def open(chosen: Settings, state: State, _memory: Memory) -> Records:
    """See `sample`."""
    state.now = "reading"
    return sample(chosen.seed, chosen.malformed)


def question(_chosen: Settings) -> None:
    """None: every run begins with the first tweet of its seed."""


def sample(seed: int, malformed: float = 0.0) -> Records:
    """Invented records without end. `malformed` is the share (0 to 1) of those that no consumer
    should be able to read.

    Values average about 1.1 KB; the time in them begins with 2026 and grows by a few milliseconds
    per tweet. Raises ConfigError at once for a share above 1.
    """
    if malformed > 1:
        raise ConfigError(
            f"a share of {malformed} is more than everything", "--malformed", "give 0 to 1"
        )
    return _sample(seed, malformed)


def _sample(seed: int, malformed: float) -> Records:
    dice = _Dice(seed)
    users = [_user(dice, n) for n in range(500)]
    previous = "0"
    for id, created_at in _ids(dice):
        value = _encode(_tweet(dice, id, created_at, dice.one(users), previous))
        if malformed and dice.roll() < malformed:
            yield _spoilt(dice, value, previous)
        else:
            yield Record(id, value)
            previous = id


def _ids(dice: _Dice) -> Iterator[tuple[str, str]]:
    """Ever increasing (id, created_at); X writes the time without its milliseconds."""
    now_ms = _BEGIN_MS
    second, written = -1, ""
    while True:
        now_ms += 1 + dice.below(8)
        if now_ms // 1000 != second:
            second = now_ms // 1000
            written = (_BEGIN + timedelta(seconds=second - _BEGIN_MS // 1000)).strftime(
                "%Y-%m-%dT%H:%M:%S.000Z"
            )
        yield str((now_ms - EPOCH_MS) << 22 | dice.below(4096)), written


def _user(dice: _Dice, number: int) -> dict[str, Any]:
    name = dice.one(_NAMES)
    user = {
        "id": str(10_000_000 + number * 7_919),
        "name": f"{name} {dice.one(EMOJI)}" if dice.roll() < 0.2 else f"{name} Sample",
        "username": f"invented_{number}",
        "public_metrics": {
            "followers_count": dice.below(9_000),
            "following_count": dice.below(900),
            "tweet_count": dice.below(90_000),
        },
    }
    return user | {"location": dice.one(PLACES)[0]} if dice.roll() < 0.6 else user


def _tweet(
    dice: _Dice, id: str, created_at: str, author: dict[str, Any], previous: str
) -> dict[str, Any]:
    """One response object of X v2: the tweet, its includes, and the rule it matched."""
    lang = dice.one(_LANGUAGES)
    data: dict[str, Any] = {
        "id": id,
        "edit_history_tweet_ids": [id],
        "author_id": author["id"],
        "conversation_id": id,
        "created_at": created_at,
        "lang": lang,
        "possibly_sensitive": dice.roll() < 0.01,
        "public_metrics": {
            "retweet_count": dice.below(20),
            "reply_count": dice.below(9),
            "like_count": dice.below(300),
            "quote_count": dice.below(4),
            "bookmark_count": dice.below(5),
            "impression_count": dice.below(50_000),
        },
    }
    prefix = _reference(dice, data, previous)
    _write(dice, data, lang, prefix)
    includes: dict[str, Any] = {"users": [author]}
    if dice.roll() < 0.1:
        includes["places"] = [_locate(dice, data)]
    return {"data": data, "includes": includes, "matching_rules": dice.one(_RULES)}


def _reference(dice: _Dice, data: dict[str, Any], previous: str) -> str:
    """Make some of them replies, reposts and quotes; returns what the text then begins with."""
    kind = dice.roll()
    if kind > 0.4 or previous == "0":
        return ""
    if kind < 0.2:
        data["referenced_tweets"] = [{"type": "replied_to", "id": previous}]
        data["conversation_id"] = previous
        return f"@invented_{dice.below(500)} "
    if kind < 0.35:
        data["referenced_tweets"] = [{"type": "retweeted", "id": previous}]
        return f"RT @invented_{dice.below(500)}: "
    data["referenced_tweets"] = [{"type": "quoted", "id": previous}]
    return ""


def _write(dice: _Dice, data: dict[str, Any], lang: str, prefix: str) -> None:
    """Give the tweet its text and the entities that point into it (in characters)."""
    room = _TWEET_CHARACTERS // 2 if lang in COMPACT else _TWEET_CHARACTERS
    tail, entities = _tail(dice)
    if prefix:
        at = prefix.index("@")
        entities["mentions"] = [
            {
                "start": at,
                "end": len(prefix) - (1 if at == 0 else 2),
                "username": prefix[at + 1 :].rstrip(": "),
            }
        ]
    least = room * 3 // 8 + dice.below(room // 2)
    long = dice.roll() < 0.02
    if long:
        least = room + dice.below(_NOTE_CHARACTERS - room * 2)
    body = prefix + _sentences(dice, lang, least - len(prefix) - len(tail))
    if long:
        data["note_tweet"] = {"text": (body + tail)[:_NOTE_CHARACTERS]}
        data["text"] = body[: room - 1] + "…"
        return
    body = body[: room - len(tail)]
    for entity in entities.get("hashtags", []) + entities.get("urls", []):
        entity["start"] += len(body)
        entity["end"] += len(body)
    data["text"] = body + tail
    if entities:
        data["entities"] = entities


def _sentences(dice: _Dice, lang: str, least: int) -> str:
    phrases = OTHERS.get(lang, ENGLISH)
    parts = [dice.one(phrases)]
    length = len(parts[0])
    while length < least:
        parts.append(dice.one(EMOJI) if dice.roll() < 0.25 else dice.one(phrases))
        length += len(parts[-1]) + 1
    return " ".join(parts)


def _tail(dice: _Dice) -> tuple[str, dict[str, Any]]:
    """Hashtags and a link at the end of the text, with their places counted from the tail's own
    beginning."""
    tail = ""
    entities: dict[str, Any] = {}
    if dice.roll() < 0.3:
        entities["hashtags"] = []
        for _ in range(1 + dice.below(3)):
            tag = dice.one(TOPICS)
            entities["hashtags"].append(
                {"start": len(tail) + 1, "end": len(tail) + 2 + len(tag), "tag": tag}
            )
            tail += f" #{tag}"
    if dice.roll() < 0.2:
        path = f"{dice.below(10**10):010d}"
        url = {"start": len(tail) + 1, "end": len(tail) + 24, "url": f"https://t.co/{path}"}
        entities["urls"] = [
            url
            | {"expanded_url": f"https://example.org/{path}", "display_url": f"example.org/{path}"}
        ]
        tail += f" https://t.co/{path}"
    return tail, entities


def _locate(dice: _Dice, data: dict[str, Any]) -> dict[str, Any]:
    """Put the tweet into a place, one in five at an exact point of it (longitude first); returns
    the place."""
    number = dice.below(len(PLACES))
    name, country, code, west, south, east, north = PLACES[number]
    data["geo"] = {"place_id": f"{number:016x}"}
    if dice.roll() < 0.2:
        point = [
            round(west + dice.roll() * (east - west), 6),
            round(south + dice.roll() * (north - south), 6),
        ]
        data["geo"]["coordinates"] = {"type": "Point", "coordinates": point}
    return {
        "id": f"{number:016x}",
        "full_name": name if name == country else f"{name}, {country}",
        "country": country,
        "country_code": code,
        "place_type": "country" if name == country else "city",
        "geo": {"type": "Feature", "bbox": [west, south, east, north], "properties": {}},
    }


def _spoilt(dice: _Dice, value: bytes, previous: str) -> Record:
    """A record of a kind that a stream must survive; the first one, a tombstone, says that an
    earlier tweet was deleted."""
    kind = dice.below(7)
    if kind == 0:
        return Record(previous, None)
    middle = value.index(b'"text":"') + 8
    return record_of(
        (
            value[:middle] + b"\xff\xfe\xc3" + value[middle:],  # not UTF-8
            b"this is not JSON",
            b"",
            dice.one((b'{"hello":"world"}', b"[1,2,3]", b"42", b"null")),  # JSON, but no tweet
            value[: len(value) // 2],
            b"[" * 100_000 + b"]" * 100_000,
        )[kind - 1]
    )
