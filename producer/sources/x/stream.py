"""The source `stream`: X's filtered stream, as the settings ask for it."""

from contextlib import suppress
from typing import Any

from config.errors import ConfigError
from config.settings import Settings
from producer.sources import Check, Memory, Records, State
from producer.sources.x import check, opening
from producer.sources.x.counts import count, priced
from producer.sources.x.following import tweets
from producer.sources.x.ids import id_at
from producer.sources.x.kept import DAY_S
from producer.sources.x.query import duration_s, rfc3339
from producer.sources.x.rules import Rules, wanted


def open(chosen: Settings, state: State, memory: Memory) -> Records:
    """See `following.tweets`. Raises ConfigError, CredentialsError at once."""
    account = opening.account(chosen)
    kept = opening.kept(memory)
    purse = opening.purse(chosen, state, kept, account)
    want = wanted(chosen.track, chosen.rules)
    if chosen.min_likes:
        raise ConfigError(
            "a post in the stream has no likes yet", "--min-likes", "use --source search"
        )
    longest_gap_s = duration_s(chosen.fill_gaps, "--fill-gaps")
    return tweets(account, want, chosen.replace_rules, purse, state, kept, longest_gap_s)


def question(chosen: Settings) -> object:
    """The rules, in any order; none where they cannot be read, which opening the source reports."""
    with suppress(ConfigError):
        return sorted((rule.tag, rule.value) for rule in wanted(chosen.track, chosen.rules))
    return ()


def checks(chosen: Settings) -> list[Check]:
    """X's points, the rules among them."""
    return check.checks(opening.account(chosen, patient=False), wanted(chosen.track, chosen.rules))


def estimate(chosen: Settings, memory: Memory) -> dict[str, Any]:
    """What would be done to the rules, posts and USD a day by those of the last 24 hours, and the
    gap since the last run.

    Raises what `Account.ask` does.
    """
    account, kept = opening.account(chosen), opening.remembered(memory)
    prices, rules = opening.prices(chosen), Rules(account, State())
    plan = rules.plan(wanted(chosen.track, chosen.rules), chosen.replace_rules)
    longest_gap_s = duration_s(chosen.fill_gaps, "--fill-gaps")
    rules.try_out(plan)
    followed, now = [*plan.kept, *plan.add], account.now()
    posts = {rule.value: count(account, rule.value, id_at(now - DAY_S)) for rule in followed}
    told = {
        "source": "stream",
        "rules": plan.lines(),
        "posts_a_day": posts,
        **priced(sum(posts.values()), prices, "_a_day"),
    }
    asked = len(posts)
    if kept.alive:
        since_id = max(id_at(kept.alive), int(kept.position or 0))
        missed = sum(count(account, rule.value, since_id) for rule in followed)
        asked += len(followed)
        told["gap"] = {
            "since": rfc3339(kept.alive),
            "posts": missed,
            **priced(missed, prices),
            "is_fetched": now - kept.alive <= longest_gap_s,
        }
    return told | {"usd_to_ask": round(prices.count * asked, 4)}
