"""The stub's answers against the fields that X documents: nothing that X would not send, nothing
missing that we read."""

import json
import time
from email.utils import parsedate_to_datetime
from itertools import islice
from typing import Any

import pytest
import requests

from local.stub_servers.x import TOKEN, XStub
from producer.sources.x.ids import id_at
from producer.sources.x.wire import FIELDS

ALWAYS = {"id", "text", "edit_history_tweet_ids"}
ASKED = {kind: set(FIELDS[f"{kind}_fields"].split(",")) for kind in ("tweet", "user", "place")}
METRICS = {
    "retweet_count",
    "reply_count",
    "like_count",
    "quote_count",
    "bookmark_count",
    "impression_count",
}
PROBLEM = {"title", "detail", "type"}


def get(x: XStub, path: str, **query: str) -> requests.Response:
    return requests.get(
        f"{x.url}/2/{path}", query, headers={"Authorization": f"Bearer {TOKEN}"}, timeout=10
    )


def check_post(data: dict[str, Any], includes: dict[str, Any]) -> None:
    assert ALWAYS <= set(data) <= ALWAYS | ASKED["tweet"]
    assert set(data["public_metrics"]) == METRICS
    assert data["id"].isdigit() and data["created_at"].endswith(".000Z")
    assert set(data.get("geo", {})) <= {"place_id", "coordinates"}
    assert data["author_id"] in [user["id"] for user in includes["users"]]
    for user in includes["users"]:
        assert {"id", "name", "username"} <= set(user) <= {"id"} | ASKED["user"]
    for place in includes.get("places", []):
        assert {"id", "full_name"} <= set(place) <= {"id"} | ASKED["place"]
        west, south, east, north = place["geo"]["bbox"]
        assert -180 <= west < east <= 180 and -90 <= south < north <= 90


def test_the_stream() -> None:
    with XStub() as x:
        x.world.change_rules({"add": [{"value": "coffee", "tag": "t"}]}, dry_run=False)
        x.world.invent(200)
        address, head = f"{x.url}/2/tweets/search/stream", {"Authorization": f"Bearer {TOKEN}"}
        with requests.get(address, headers=head, stream=True, timeout=10) as answer:
            lines = list(islice((line for line in answer.iter_lines() if line), 200))
    for line in lines:
        post = json.loads(line)
        assert set(post) == {"data", "includes", "matching_rules"}
        assert post["matching_rules"] == [{"id": x.world.rules[0]["id"], "tag": "t"}]
        check_post(post["data"], post["includes"])


def test_recent_search_and_counts() -> None:
    with XStub() as x:
        x.world.invent(150, ago_s=40)
        assert x.world.invent(5), "what X does not find yet"
        page = get(x, "tweets/search/recent", query="coffee", max_results="100").json()
        assert set(page) == {"data", "includes", "meta"}
        assert set(page["meta"]) == {"result_count", "newest_id", "oldest_id", "next_token"}
        assert page["meta"]["result_count"] == len(page["data"]) == 100
        assert [post["id"] for post in page["data"]] == sorted(
            (post["id"] for post in page["data"]), reverse=True
        )
        for post in page["data"]:
            check_post(post, page["includes"])
        last = get(
            x,
            "tweets/search/recent",
            query="coffee",
            max_results="100",
            next_token=page["meta"]["next_token"],
        ).json()
        assert (last["meta"]["result_count"], "next_token" in last["meta"]) == (50, False)
        counts = get(x, "tweets/counts/recent", query="coffee").json()
        assert counts["meta"] == {"total_tweet_count": 150}
        assert set(counts["data"][0]) == {"start", "end", "tweet_count"}
        assert get(x, "tweets/search/recent", query="nothing lang:xx").json() == {
            "meta": {"result_count": 0}
        }


def test_the_whole_of_a_repost_comes_with_its_expansion_only() -> None:
    with XStub() as x:
        x.world.invent(300, ago_s=40)
        asked = {"query": "coffee", "max_results": "100"}
        assert "tweets" not in get(x, "tweets/search/recent", **asked).json()["includes"]
        page = get(x, "tweets/search/recent", **asked, expansions=FIELDS["expansions"]).json()
        whole = {tweet["id"]: tweet for tweet in page["includes"]["tweets"]}
        cut = 0
        for post in page["data"]:
            for reference in post.get("referenced_tweets", []):
                assert reference["id"] in whole
                if reference["type"] == "retweeted" and post["text"].endswith("…"):
                    cut += 1
                    begun = post["text"].partition(": ")[2][:-1]
                    assert len(post["text"]) == 140
                    assert whole[reference["id"]]["text"].startswith(begun[:50])
        assert cut


def test_every_answer_says_its_limit_and_its_time() -> None:
    with XStub() as x:
        x.world.ahead_s = 6 * 86_400
        answers = [get(x, "usage/tweets") for _ in range(51)]
        assert [answer.headers["x-rate-limit-remaining"] for answer in answers[:2]] == ["49", "48"]
        assert (answers[-1].status_code, answers[-1].headers["x-rate-limit-remaining"]) == (
            429,
            "0",
        )
        assert parsedate_to_datetime(answers[0].headers["Date"]).timestamp() == pytest.approx(
            x.world.now(), abs=5
        )
        x.world.ahead_s += 901
        assert get(x, "usage/tweets").status_code == 200


def test_the_bill_has_each_post_once_per_day() -> None:
    with XStub() as x:
        x.world.invent(20, ago_s=40)
        for _ in range(2):
            page = get(
                x,
                "tweets/search/recent",
                query="coffee",
                max_results="100",
                expansions=FIELDS["expansions"],
            ).json()
        get(x, "tweets/counts/recent", query="coffee")
        own = {post["id"] for post in page["data"] + page["includes"]["tweets"]}
        bill = requests.post(f"{x.url}/_bill", timeout=10).json()
        assert bill == {
            "posts": len(own),
            "users": len(page["includes"]["users"]),
            "counts": 1,
            "usd": pytest.approx(0.005 * len(own) + 0.010 * len(page["includes"]["users"]) + 0.005),
        }
        x.world.ahead_s += 86_400
        get(x, "tweets/search/recent", query="coffee", max_results="100")
        assert x.world.bill.table()["posts"] == len(own) + 20


def test_rules() -> None:
    with XStub() as x:
        assert get(x, "tweets/search/stream/rules").json() == {"meta": {}}
        added = x.world.change_rules({"add": [{"value": "coffee"}]}, dry_run=False)
        assert set(added["meta"]["summary"]) == {"created", "not_created", "valid", "invalid"}
        assert set(get(x, "tweets/search/stream/rules").json()["data"][0]) == {"id", "value"}, (
            "no tag where none was given"
        )
        deleted = x.world.change_rules(
            {"delete": {"ids": [added["data"][0]["id"], "0"]}}, dry_run=False
        )
        assert deleted["meta"]["summary"] == {"deleted": 1, "not_deleted": 1}


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ({"query": "min_faves:10"}, 400),
        ({"query": "x" * 513}, 400),
        ({"query": "coffee", "max_results": "9"}, 400),
        ({"query": "coffee", "since_id": "17"}, 400),
        ({"query": "coffee", "until_id": "17"}, 400),
        ({"query": "coffee", "start_time": "2020-01-01T00:00:00Z"}, 400),
        ({"query": "coffee", "end_time": "2100-01-01T00:00:00Z"}, 400),
        (
            {
                "query": "coffee",
                "since_id": str(id_at(time.time() - 60)),
                "end_time": "2026-01-01T00:00:00Z",
            },
            400,
        ),
        (
            {
                "query": "coffee",
                "until_id": str(id_at(time.time() - 60)),
                "start_time": "2026-01-01T00:00:00Z",
            },
            400,
        ),
    ],
)
def test_problems_have_xs_shape(query: dict[str, str], status: int) -> None:
    with XStub() as x:
        answer = get(x, "tweets/search/recent", **query)
        assert (answer.status_code, set(answer.json())) == (status, PROBLEM)
        x.fault("too_many_connections")
        answer = get(x, "tweets/search/stream")
        assert answer.status_code == 429
        assert set(answer.json()) == PROBLEM | {"connection_issue"}
