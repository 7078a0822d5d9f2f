"""What the stub of X knows: invented posts, rules, and how it answers about them in X's shapes."""

import json
import re
import threading
import time
from collections.abc import Iterator
from datetime import datetime, timezone
from typing import Any

from local.stub_servers.x_bill import DAY_S, Bill
from local.stub_servers.x_window import PROBLEMS, Refused, window
from producer.sources.sample import sample
from producer.sources.x.ids import id_at

Post = dict[str, Any]  # data, includes and matching_rules, as a line of the stream has them
REPOST_CHARACTERS = 140  # longer reposts are cut off, with "…" (tweepy #1915, DocNow/twarc #452)
REFERENCED = "referenced_tweets.id"  # the expansion that brings the whole text


class World:
    """Posts, oldest first, and rules. Every post matches every rule and every word; languages,
    likes and times count.

    X's clock is this machine's, `ahead_s` seconds on, and runs `pace` times as fast; its answers'
    Date says so.
    """

    def __init__(self, seed: int = 1, pace: float = 1.0) -> None:
        self.ahead_s, self._pace, self._begun = 0.0, pace, time.time()
        self.bill = Bill()
        self.posts: list[Post] = []
        self.rules: list[dict[str, str]] = []
        self.said = threading.Condition()  # notified when there are posts
        self._invented = (json.loads(record.value) for record in sample(seed) if record.value)
        self._last_id = 0

    def now(self) -> float:
        """X's time, seconds since 1970."""
        return self._begun + (time.time() - self._begun) * self._pace + self.ahead_s

    @property
    def day(self) -> int:
        """X's UTC day since 1970."""
        return int(self.now() // DAY_S)

    def say(self, *posts: Post) -> None:
        """Let these be posted, now and in this order."""
        with self.said:
            self.posts += posts
            self.said.notify_all()

    def invent(self, count: int, ago_s: float = 0.0) -> list[Post]:
        """Post this many invented ones; their ids and times are of now, or `ago_s` back where no
        younger ones are there."""
        with self.said:
            posts = [
                self._dated(post, ago_s)
                for post, _ in zip(self._invented, range(count), strict=False)
            ]
            self.say(*posts)
            return posts

    def _dated(self, post: Post, ago_s: float) -> Post:
        self._last_id = max(id_at(self.now() - ago_s), self._last_id + 1)
        id = str(self._last_id)
        now = datetime.fromtimestamp(self.now() - ago_s, timezone.utc).strftime(
            "%Y-%m-%dT%H:%M:%S.000Z"
        )
        _refer(post)
        matching = [
            {"id": rule["id"], **({"tag": rule["tag"]} if "tag" in rule else {})}
            for rule in self.rules[:1]
        ]
        post["data"] |= {
            "id": id,
            "edit_history_tweet_ids": [id],
            "conversation_id": id,
            "created_at": now,
        }
        return post | {"matching_rules": matching or post["matching_rules"]}

    def change_rules(self, body: dict[str, Any], dry_run: bool) -> dict[str, Any]:
        """The answer to a change of rules. Raises Refused."""
        sent = datetime.now(timezone.utc).isoformat()
        if "delete" in body:
            gone = set(body["delete"].get("ids", []))
            deleted = len([rule for rule in self.rules if rule["id"] in gone])
            if not dry_run:
                self.rules[:] = [rule for rule in self.rules if rule["id"] not in gone]
            return {
                "meta": {
                    "sent": sent,
                    "summary": {"deleted": deleted, "not_deleted": len(gone) - deleted},
                }
            }
        added: list[dict[str, str]] = []
        for rule in body.get("add", []):
            value = rule["value"]
            if value in [known["value"] for known in self.rules]:
                return {
                    "errors": [
                        {
                            "value": value,
                            "title": "DuplicateRule",
                            "type": PROBLEMS + "duplicate-rules",
                        }
                    ]
                }
            if value.count("(") != value.count(")") or len(value) > 1_024 or "min_faves:" in value:
                details = [
                    "unbalanced \x1b[31mparentheses, too long, or an operator that is not available"
                ]
                return {
                    "errors": [
                        {
                            "value": value,
                            "details": details,
                            "title": "UnprocessableEntity",
                            "type": PROBLEMS + "invalid-rules",
                        }
                    ]
                }
            added.append({**rule, "id": str(id_at(self.now()) + len(self.rules) + len(added))})
        if not dry_run:
            self.rules += added
        summary = {"created": len(added), "not_created": 0, "valid": len(added), "invalid": 0}
        return {"data": added, "meta": {"sent": sent, "summary": summary}}

    def found(self, query: dict[str, str]) -> list[Post]:
        """The posts that a search or a count finds, newest first. Raises Refused where X would
        refuse the query."""
        text = query.get("query", "")
        if not text or len(text) > 512 or "min_faves:" in text:
            raise Refused(
                400,
                "Invalid Request: one or more parameters to your request was invalid.",
                "invalid-request",
            )
        since_id, until_id = window(query, self.now())
        likes = int(next(iter(re.findall(r"min_likes:(\d+)", text)), "0"))
        language = next(iter(re.findall(r"(?<!-)lang:(\w+)", text)), "")
        chosen = [post for post in self.posts if since_id < int(post["data"]["id"]) < until_id]
        chosen = [
            post
            for post in chosen
            if post["data"].get("public_metrics", {}).get("like_count", 0) >= likes
        ]
        chosen = [post for post in chosen if language in ("", post["data"].get("lang"))]
        return sorted(chosen, key=lambda post: int(post["data"]["id"]), reverse=True)

    def page(self, query: dict[str, str], page_size: int) -> dict[str, Any]:
        """One page of a search, with the users and places of all its posts in one includes."""
        size = int(query.get("max_results", "10"))
        if not 10 <= size <= 100:
            raise Refused(
                400,
                f"Invalid Request: 'max_results' [{size}] is not between 10 and 100",
                "invalid-request",
            )
        found = self.found(query)
        # "the same results, regardless of when": docs.x.com, posts/search/integrate/paginate
        if "next_token" in query:
            found = [post for post in found if int(post["data"]["id"]) < int(query["next_token"])]
        page = found[: min(size, page_size)]
        meta: dict[str, Any] = {"result_count": len(page)}
        if not page:
            return {"meta": meta}
        meta |= {"newest_id": page[0]["data"]["id"], "oldest_id": page[-1]["data"]["id"]}
        if len(page) < len(found):
            meta["next_token"] = meta["oldest_id"]
        includes: dict[str, dict[str, Any]] = {"users": {}, "places": {}, "tweets": {}}
        for post in page:
            for kind, known in includes.items():
                known.update(
                    {
                        included["id"]: included
                        for included in asked_for(post, query)["includes"].get(kind, [])
                    }
                )
        shared = {kind: list(known.values()) for kind, known in includes.items() if known}
        self.bill.add(self.day, [post["data"] for post in page], shared)
        errors = [error for post in page for error in post.get("errors", [])]
        beside = {"errors": errors} if errors else {}
        return {"data": [post["data"] for post in page], "includes": shared, **beside, "meta": meta}

    def counts(self, query: dict[str, str]) -> dict[str, Any]:
        """How many posts a search would find, in one bucket."""
        found = self.found(query)
        self.bill.add_count(self.day)
        now = datetime.fromtimestamp(self.now(), timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.000Z")
        bucket = {
            "start": query.get("start_time", now),
            "end": query.get("end_time", now),
            "tweet_count": len(found),
        }
        return {"data": [bucket], "meta": {"total_tweet_count": len(found)}}


def _refer(post: Post) -> None:
    """Put what the post refers to into its includes; a long repost keeps the beginning only, the
    whole is there."""
    data = post["data"]
    for reference in data.get("referenced_tweets", []):
        other = {
            "id": reference["id"],
            "text": "Invented: what another one has answered.",
            "author_id": data["author_id"],
        }
        if reference["type"] == "retweeted":
            prefix, _, other["text"] = data["text"].partition(": ")
            if "note_tweet" in data:
                other["note_tweet"] = {"text": data.pop("note_tweet")["text"].partition(": ")[2]}
            data.pop("entities", None)
            if len(data["text"]) > REPOST_CHARACTERS:
                data["text"] = data["text"][: REPOST_CHARACTERS - 1] + "…"
        post["includes"]["tweets"] = [other | {"edit_history_tweet_ids": [reference["id"]]}]


def asked_for(post: Post, query: dict[str, str]) -> Post:
    """The post as this request gets it: other posts come only with their expansion."""
    if REFERENCED in query.get("expansions", "").split(","):
        return post
    return post | {
        "includes": {kind: found for kind, found in post["includes"].items() if kind != "tweets"}
    }


def partly(post: Post) -> Post:
    """The post with an error beside its data, as where what it refers to is gone: docs.x.com,
    response-codes-and-errors."""
    gone = {
        "resource_type": "tweet",
        "title": "Not Found Error",
        "type": PROBLEMS + "resource-not-found",
        "value": "17",
    }
    return {
        "data": post["data"],
        "includes": post["includes"],
        "errors": [gone],
        "matching_rules": post["matching_rules"],
    }


def renamed(post: Post) -> Post:
    """The post with the names that X's new OpenAPI document has."""
    names = {
        "edit_history_tweet_ids": "edit_history_post_ids",
        "referenced_tweets": "referenced_posts",
        "note_tweet": "note_post",
    }
    data = {names.get(name, name): value for name, value in post["data"].items()}
    metrics = data.get("public_metrics", {})
    data["public_metrics"] = {
        "repost_count" if name == "retweet_count" else name: value
        for name, value in metrics.items()
    }
    return post | {"data": data}


def untagged(post: Post) -> Post:
    """The post as one that an untagged rule matched."""
    return post | {"matching_rules": [{"id": rule["id"]} for rule in post["matching_rules"]]}


def lines_of(posts: list[Post]) -> Iterator[tuple[str, bytes]]:
    """(id, line of the stream) of each."""
    for post in posts:
        yield (
            post["data"]["id"],
            json.dumps(post, ensure_ascii=False, separators=(",", ":")).encode(),
        )
