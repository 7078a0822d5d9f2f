"""Which source the settings name, and which word of today stands for one of yesterday."""

import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from config import settings
from config.errors import ConfigError
from producer.sources import Record, State
from producer.sources.bluesky import posts as bluesky
from producer.sources.replay import Replay
from producer.sources.sample import sample

if TYPE_CHECKING:
    from producer.sources.x.purse import Prices
    from producer.sources.x.wire import Account

OLD_FLAGS = {  # as scripts for X's API v1.1 have them
    "--keyword": '--query "…" with --source search, or --track "…" with --source stream',
    "--min-faves": "--min-likes (with --source search)",
    "--locations": (
        "a rule or query with bounding_box:[west south east north], as in --track "
        '"bounding_box:[13 52 14 53]"'
    ),
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


def spool_folder(chosen: settings.Settings) -> Path | None:
    """Where the settings put the spool; None where there is none."""
    return None if chosen.spool == "none" else Path(chosen.spool)


def open_source(
    chosen: settings.Settings, state: State, position: str = "", folder: Path | None = None
) -> Iterable[Record]:
    """The source the settings name, telling `state` what it does; `position` is the newest one that
    was kept with a record.

    `folder` is where the source may keep a file of its own: the spool's.
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
    from producer.sources.x import query as x_query  # here: the other sources need no tweepy
    from producer.sources.x import rules as x_rules
    from producer.sources.x import search as x_search
    from producer.sources.x import stream as x_stream
    from producer.sources.x.kept import Kept
    from producer.sources.x.purse import Purse

    account = _account(chosen, time.sleep)
    kept = Kept(folder, _digest(chosen), position)
    purse = Purse(state, _prices(chosen), chosen.max_posts, chosen.max_cost, kept, account.now)
    if chosen.source == "stream":
        want = x_rules.wanted(chosen.track, chosen.rules)
        if chosen.min_likes:
            raise ConfigError(
                "a post in the stream has no likes yet", "--min-likes", "use --source search"
            )
        longest_gap_s = x_query.duration_s(chosen.fill_gaps, "--fill-gaps")
        return x_stream.tweets(
            account, want, chosen.replace_rules, purse, state, kept, longest_gap_s
        )
    query = x_query.query(chosen.query, chosen.lang, chosen.since, chosen.until, chosen.min_likes)
    return x_search.tweets(
        account, query, chosen.interval, chosen.adaptive_likes, purse, state, kept
    )


def estimate(chosen: settings.Settings) -> dict[str, Any]:
    """What X would charge, and what would be done to the stream's rules; nothing is bought but the
    counts.

    Raises ConfigError for a source that costs nothing, and what X's refusals give.
    """
    if chosen.source not in ("stream", "search"):
        raise ConfigError(
            f"the source {chosen.source} costs nothing",
            "--dry-run",
            "use it with --source stream or search",
        )
    from producer.sources.x import estimate as x_estimate
    from producer.sources.x import kept as x_kept
    from producer.sources.x import query as x_query
    from producer.sources.x import rules as x_rules
    from producer.sources.x.purse import Purse

    account, purse = _account(chosen, time.sleep), Purse(State(), _prices(chosen))
    kept = x_kept.remembered(spool_folder(chosen))
    if kept.of != _digest(chosen):
        kept = x_kept.Remembered()
    if chosen.source == "stream":
        want, longest_gap_s = (
            x_rules.wanted(chosen.track, chosen.rules),
            x_query.duration_s(chosen.fill_gaps, "--fill-gaps"),
        )
        return x_estimate.of_stream(account, want, chosen.replace_rules, purse, kept, longest_gap_s)
    query = x_query.query(chosen.query, chosen.lang, chosen.since, chosen.until, chosen.min_likes)
    return x_estimate.of_search(account, query, purse, kept)


def checks_of_x(chosen: settings.Settings) -> list[tuple[str, Callable[[], str]]]:
    """What to ask X in `--check`, by name; see `x_check.checks`."""
    from producer.sources.x import check as x_check
    from producer.sources.x import rules as x_rules

    account = _account(chosen, time.sleep, patient=False)
    return x_check.checks(
        account, x_rules.wanted(chosen.track, chosen.rules) if chosen.source == "stream" else []
    )


def _account(
    chosen: settings.Settings, pause: Callable[[float], None], patient: bool = True
) -> "Account":
    from producer.sources.x.wire import Account

    return Account(chosen.x_bearer_token, chosen.x_base_url, pause, patient=patient)


def _prices(chosen: settings.Settings) -> "Prices":
    from producer.sources.x.purse import Prices

    return Prices(chosen.x_usd_a_post, chosen.x_usd_a_user, chosen.x_usd_a_count)


def _digest(chosen: settings.Settings) -> str:
    """What a position of X belongs to: the rules or the query. Whose cluster it is, the spool's
    owner says."""
    from producer.sources.x import kept as x_kept
    from producer.sources.x import rules as x_rules

    if chosen.source == "stream":
        asked: object = sorted(
            (rule.tag, rule.value) for rule in x_rules.wanted(chosen.track, chosen.rules)
        )
    else:
        asked = (chosen.query, chosen.lang, chosen.min_likes, chosen.adaptive_likes)
    return x_kept.digest(chosen.source, asked)
