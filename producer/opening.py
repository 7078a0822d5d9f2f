"""Which source the settings name, and which word of today stands for one of yesterday."""

import time
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

from config import settings
from config.errors import ConfigError, ServiceUnreachable
from producer.sources import Record, State, bluesky
from producer.sources.replay import Replay
from producer.sources.sample import sample

if TYPE_CHECKING:
    from producer.sources.x_purse import Prices
    from producer.sources.x_wire import Account

OLD_FLAGS = {  # as scripts for X's API v1.1 have them
    "--keyword": '--query "…" with --source search, or --track "…" with --source stream',
    "--min-faves": "--min-likes (with --source search)",
    "--locations": 'a rule or query with bounding_box:[west south east north], as in --track "bounding_box:[13 52 14 53]"',
    "--language": "--lang",
    "--count": "--max-posts",
}


def refuse_old_flags(arguments: Sequence[str]) -> None:
    """Raise ConfigError that names today's flag where the command line has one of yesterday."""
    for argument in arguments:
        typed = argument.partition("=")[0]
        today = OLD_FLAGS.get(typed.replace("_", "-"))
        if today is not None:
            raise ConfigError(f"{typed} is an old name", "the command line", f"today it is {today}")


def open_source(chosen: settings.Settings, state: State, position: str = "") -> Iterable[Record]:
    """The source the settings name, telling `state` what it does; `position` is the newest one that was kept with a record.

    Raises ConfigError or CredentialsError for what can be seen before reading.
    """
    if chosen.source in ("replay", "sample"):
        state.now = "reading"
    if chosen.source == "replay":
        return Replay(chosen.file, chosen.loop)
    if chosen.source == "sample":
        return sample(chosen.seed, chosen.malformed)
    if chosen.source == "bluesky":
        wanted = bluesky.wanted(chosen.keywords, chosen.lang, chosen.deletions)
        return bluesky.tweets(chosen.jetstream_url, wanted, position, state)
    from producer.sources import x_query, x_rules, x_search, x_stream  # here: the other sources need no tweepy
    from producer.sources.x_purse import Purse

    account, prices = _account(chosen, time.sleep)
    purse = Purse(state, prices, chosen.max_posts, chosen.max_cost)
    if chosen.source == "stream":
        want = x_rules.wanted(chosen.track, chosen.rules)
        if chosen.min_likes:
            raise ConfigError("a post in the stream has no likes yet", "--min-likes", "use --source search")
        return x_stream.tweets(account, want, chosen.replace_rules, purse, state, position)
    query = x_query.query(chosen.query, chosen.lang, chosen.since, chosen.until, chosen.min_likes)
    return x_search.tweets(account, query, chosen.interval, chosen.adaptive_likes, purse, state, position)


def estimate(chosen: settings.Settings) -> dict[str, Any]:
    """What X would charge, and what would be done to the stream's rules; nothing is bought but the counts.

    Raises ConfigError for a source that costs nothing, and what X's refusals give.
    """
    if chosen.source not in ("stream", "search"):
        raise ConfigError(f"the source {chosen.source} costs nothing", "--dry-run", "use it with --source stream or search")
    from producer.sources import x_estimate, x_query, x_rules

    account, prices = _account(chosen, time.sleep)
    if chosen.source == "stream":
        return x_estimate.of_stream(account, x_rules.wanted(chosen.track, chosen.rules), chosen.replace_rules, prices)
    query = x_query.query(chosen.query, chosen.lang, chosen.since, chosen.until, chosen.min_likes)
    return x_estimate.of_search(account, query, prices)


def checks_of_x(chosen: settings.Settings) -> list[tuple[str, Callable[[], str]]]:
    """What to ask X in `--check`, by name; see `x_check.checks`."""
    from producer.sources import x_check, x_rules

    account, _ = _account(chosen, _no_pause)
    return x_check.checks(account, x_rules.wanted(chosen.track, chosen.rules) if chosen.source == "stream" else [])


def _no_pause(seconds: float) -> None:
    """The doctor asks once: a limit that X has set is an answer, not a reason to ask five times more."""
    raise ServiceUnreachable(f"X wants to be asked again in {seconds:.0f} s", "X", "try again then; it is X's limit or an outage")


def _account(chosen: settings.Settings, pause: Callable[[float], None]) -> tuple["Account", "Prices"]:
    from producer.sources.x_purse import Prices
    from producer.sources.x_wire import Account

    prices = Prices(chosen.x_usd_a_post, chosen.x_usd_a_user, chosen.x_usd_a_count)
    return Account(chosen.x_bearer_token, chosen.x_base_url, pause), prices
