"""The parts of the X sources that need no server: rules, queries, schedules, the purse, old
names."""

import math
import time
from dataclasses import replace
from pathlib import Path

import pytest

from config.errors import ConfigError
from local.stub_servers.x import TOKEN, XStub
from producer.opening import OLD_FLAGS, refuse_old_flags
from producer.sources import State
from producer.sources.x.ids import id_at, seconds_of
from producer.sources.x.kept import NAME, Kept
from producer.sources.x.purse import REMEMBERED, Purse
from producer.sources.x.query import duration_s, query
from producer.sources.x.reconnects import CONNECTS, LIMITED, NETWORK, SERVER, WINDOW_S, Reconnects
from producer.sources.x.rules import OURS, Plan, Rule, Rules, wanted
from producer.sources.x.wire import Account
from tests.kit.x_tries import PRICES

FOREIGN = {"id": "1", "value": "cats", "tag": "somebody else's"}
HAS = [
    FOREIGN,
    {"id": "2", "value": "old", "tag": OURS + "old"},
    {"id": "3", "value": "coffee", "tag": OURS + "coffee"},
    {"id": "4", "value": "untagged"},
]


def test_the_schedules_are_xs_own() -> None:
    assert [NETWORK.pause_s(n) for n in (0, 1, 2, 64, 65, 1000)] == [0, 0.25, 0.5, 16, 16, 16]
    assert [SERVER.pause_s(n) for n in (0, 1, 5, 6, 7, 5000)] == [5, 10, 160, 320, 320, 320]
    assert [LIMITED.pause_s(n) for n in (0, 1, 2, 3, 4)] == [60, 120, 240, 480, 900]


def test_reconnects_start_over_after_a_steady_connection_only() -> None:
    now = [0.0]
    reconnects = Reconnects(lambda: now[0])
    pauses = []
    for held_s in (1.0, 1.0, 30.0, 1.0):
        reconnects.connected()
        now[0] += held_s
        pauses.append(reconnects.pause_s(NETWORK))
    assert pauses == [0.0, 0.25, 0.0, 0.25]


def test_reconnects_stay_below_xs_limit_and_give_up() -> None:
    now = [0.0]
    reconnects = Reconnects(lambda: now[0])
    connects = []
    while now[0] < 3 * WINDOW_S:  # X opens each connection and closes it at once
        reconnects.connected()
        connects.append(now[0])
        now[0] += reconnects.pause_s(NETWORK) or 0.0
    assert (
        max(sum(at <= other < at + WINDOW_S for other in connects) for at in connects)
        <= CONNECTS + 1
        < 50
    )
    for _ in range(100):
        pause_s = reconnects.pause_s(SERVER)
        assert pause_s is not None, "what has worked is waited for without end"
        now[0] += pause_s
    never = Reconnects(lambda: now[0])
    begin = now[0]
    while (pause_s := never.pause_s(SERVER)) is not None:
        now[0] += pause_s
    assert now[0] > begin + 1800


def test_what_x_says_goes_before_the_schedule() -> None:
    assert Reconnects(lambda: 0.0).pause_s(LIMITED, reset_in_s=7.0) == 7.0


@pytest.mark.parametrize(("replace", "gone"), [(False, ["2"]), (True, ["1", "2", "4"])])
def test_rules_of_others_are_deleted_only_when_asked(replace: bool, gone: list[str]) -> None:
    with XStub() as x:
        x.world.rules += HAS
        rules = Rules(Account(TOKEN, x.url), State())
        plan = rules.plan(wanted("coffee, climate change", ""), replace)
        assert [rule.id for rule in plan.delete] == gone
        assert [rule.value for rule in plan.add] == ["climate change"]
        assert plan.lines()[0] == f"+ climate change  ({OURS}climate change)"
        assert x.world.rules == HAS, "a plan changes nothing"
        rules.carry_out(plan)
        assert [rule["value"] for rule in x.world.rules if rule["id"] in "1234"] == [
            rule["value"] for rule in HAS if rule["id"] not in gone
        ]
        assert x.world.rules[-1]["tag"] == OURS + "climate change"
        assert rules.plan(wanted("coffee, climate change", ""), replace).add == []


def test_a_rule_that_x_refuses_changes_nothing() -> None:
    with XStub() as x:
        x.world.rules += HAS
        rules = Rules(Account(TOKEN, x.url), State())
        with pytest.raises(ConfigError, match="unbalanced") as raised:
            rules.carry_out(Plan([Rule(OURS + "a", "(a")], [Rule(OURS + "old", "old", "2")], []))
        assert "\x1b" not in str(raised.value)
        assert x.world.rules == HAS


def test_rules_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "rules.toml"
    file.write_text('coffee = "coffee lang:en -is:retweet"\n"two words" = "#tea OR #chai"\n')
    assert [(rule.tag, rule.value) for rule in wanted("", str(file))] == [
        (OURS + "coffee", "coffee lang:en -is:retweet"),
        (OURS + "two words", "#tea OR #chai"),
    ]


@pytest.mark.parametrize(
    ("track", "content"),
    [
        ("", None),
        (" , ", None),
        ("a", "a = 'b'"),
        ("", "a = 1"),
        ("", "nonsense"),
        ("x" * 1_025, None),
        ("a min_likes:5", None),
    ],
)
def test_rules_that_cannot_be(track: str, content: str | None, tmp_path: Path) -> None:
    file = tmp_path / "rules.toml"
    if content is not None:
        file.write_text(content)
    with pytest.raises(ConfigError) as raised:
        wanted(track, str(file) if content is not None else "")
    assert raised.value.remedy


def test_a_query_in_todays_words() -> None:
    assert query("coffee", "", "", "", 0).written() == "coffee"
    assert (
        query("coffee OR tea", "en", "", "", 10).written() == "(coffee OR tea) lang:en min_likes:10"
    )
    made = query("coffee", "", "2h", "1h", 0)
    assert made.until - made.since == pytest.approx(3600, abs=5)
    assert made.ended(time.time())
    assert made.above(100).written() == "coffee min_likes:100"


@pytest.mark.parametrize(
    ("arguments", "remedy"),
    [
        (("", "en", "", "", 0), "--query"),
        (("coffee min_faves:10", "", "", "", 0), "--min-likes"),
        (("coffee since:2026-01-01", "", "", "", 0), "--since"),
        (("coffee", "english", "", "", 0), "code"),
        (("coffee", "", "2020-01-01", "", 0), "later"),
        (("coffee", "", "soon", "", 0), "2h"),
        (("coffee", "", "1h", "2h", 0), "exclusive"),
        (("x" * 513, "", "", "", 0), "shorten"),
    ],
)
def test_queries_that_cannot_be(arguments: tuple[str, str, str, str, int], remedy: str) -> None:
    with pytest.raises(ConfigError) as raised:
        query(*arguments)
    assert remedy in raised.value.remedy


def test_ids_are_times() -> None:
    assert abs(seconds_of(id_at(1.8e9)) - 1.8e9) < 0.001


@pytest.mark.parametrize(
    ("text", "seconds"), [("0", 0), ("30s", 30), ("15m", 900), ("2h", 7_200), ("7d", 604_800)]
)
def test_durations(text: str, seconds: float) -> None:
    assert duration_s(text, "--fill-gaps") == seconds
    with pytest.raises(ConfigError, match="not a duration"):
        duration_s(text + "!", "--fill-gaps")


def test_the_purse_counts_posts_and_authors_once() -> None:
    state = State()
    purse = Purse(state, PRICES, max_usd=1.0)
    assert (
        purse.received("1", ["a"]) and purse.received("2", ["a"]) and not purse.received("1", ["a"])
    )
    assert (state.bought, state.repeats) == (2, 1)
    assert math.isclose(state.cost_usd, 0.020)
    assert purse.affordable() == 39, "each may bring two other posts and an author"
    assert purse.received(None), "no post that X bills"
    assert purse.received("3", ["a"], ["1", "4"])
    assert math.isclose(state.cost_usd, 0.030), (
        "the post, and the one of the two others that is new"
    )


def test_a_post_is_billed_again_on_the_next_day() -> None:
    state, now = State(), [1.8e9]
    purse = Purse(state, replace(PRICES, user=0.0), now=lambda: now[0])
    assert purse.received("1")
    now[0] += 86_400
    assert not purse.received("1"), "it is not handed over again"
    assert math.isclose(state.cost_usd, 0.010)


def test_a_restart_does_not_multiply_the_bill(tmp_path: Path) -> None:
    """Run after run of one day, killed each time: all together stay below the limit."""
    bought, now = 0, [1.8e9]
    for run in range(200):
        purse = Purse(State(), PRICES, max_usd=1.0, kept=Kept(tmp_path, "q"), now=lambda: now[0])
        # then kill -9: nothing more is written
        while purse.affordable() >= 1 and bought < run * 3:
            bought += purse.received(str(run * 1_000 + bought), [str(bought)])
    assert 30 <= bought <= 66
    now[0] += 86_400
    assert (
        Purse(
            State(), PRICES, max_usd=1.0, kept=Kept(tmp_path, "q"), now=lambda: now[0]
        ).affordable()
        == 40
    )


def test_a_run_over_midnight_stays_below_the_limit_too(tmp_path: Path) -> None:
    now = [1.8e9]
    purse = Purse(State(), PRICES, max_usd=0.30, kept=Kept(tmp_path, "q"), now=lambda: now[0])
    assert all(purse.received(str(number)) for number in range(40))
    now[0] += 86_400
    assert purse.affordable() == 4


def test_what_is_kept_belongs_to_its_question_but_what_was_spent_does_not(tmp_path: Path) -> None:
    kept = Kept(tmp_path, "coffee")
    position = kept.marked("17")
    kept.spend(5, 0.25, 0.0)
    kept.whole(1.8e9)
    kept.skip(1, 2)
    again = Kept(tmp_path, "coffee", position)
    assert (again.position, again.alive, again.skipped, again.spent_usd(5)) == (
        "17",
        1.8e9,
        [(1, 2)],
        0.25,
    )
    other = Kept(tmp_path, "tea")
    assert (other.position, other.alive, other.skipped, other.spent_usd(5)) == ("", 0.0, [], 0.25)


def test_a_damaged_file_is_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / NAME).write_bytes(b"\0" * 100)
    assert Kept(tmp_path, "q").alive == 0
    assert "cannot be read" in caplog.text


def test_a_purse_without_a_limit_remembers_a_bounded_number() -> None:
    purse = Purse(State(), PRICES)
    for number in range(REMEMBERED + 1):
        purse.received(str(number))
    assert purse.affordable() == math.inf
    assert purse.received("0"), "forgotten"
    assert not purse.received(str(REMEMBERED))


@pytest.mark.parametrize("flag", [*OLD_FLAGS, "--min_faves=10"])
def test_old_flags_are_answered_with_the_new_ones(flag: str) -> None:
    with pytest.raises(ConfigError) as raised:
        refuse_old_flags(["--source", "search", flag, "5"])
    assert "today it is" in raised.value.remedy
    refuse_old_flags(["--query", "a --keyword b", "--min-likes", "5"])
