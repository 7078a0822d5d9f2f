"""The checks of X: token, plan, rules, clock. Their requests cost nothing."""

import time
from email.utils import parsedate_to_datetime

import requests

from config.errors import ConfigError, ServiceUnreachable
from producer.sources import Check, State
from producer.sources.x.rules import RULES, Rule, Rules
from producer.sources.x.wire import Account

CLOCK_S = 30.0


def checks(account: Account, want: list[Rule]) -> list[Check]:
    """(name, probe) of each; a probe returns what to add to "ok", or raises a PipelineError. `want`
    is empty for the search."""
    client = account.client()
    # one request for three points: X allows 50 requests in 15 minutes
    answers: list[requests.Response] = []

    def usage() -> requests.Response:
        if not answers:
            answers.append(
                account.ask(lambda: client.request("GET", "/2/usage/tweets"), "X's usage", State())
            )
        return answers[0]

    def token() -> str:
        usage()
        return ""

    found: list[Check] = [("X token", token), ("X plan", lambda: _plan(usage()))]
    rules: list[Check] = [("X rules", lambda: _rules(account, want))] if want else []
    return [*found, *rules, ("clock", lambda: _clock(usage()))]


def _plan(usage: requests.Response) -> str:
    try:
        data = usage.json()["data"]
        return f", {data['project_usage']} of {data['project_cap']} posts read this month"
    except (ValueError, KeyError, TypeError):
        raise ServiceUnreachable(
            "what answers is not X: it tells no usage", "X's usage", "check --x-base-url"
        ) from None


def _rules(account: Account, want: list[Rule]) -> str:
    plan = Rules(account, State()).plan(want, replace=False)
    others = len([rule for rule in plan.kept if not rule.ours])
    if len(plan.kept) + len(plan.add) > RULES:
        raise ConfigError(
            f"the account would have more than {RULES} rules",
            "X's stream rules",
            "--replace-rules, or fewer",
        )
    told = f"; {others} of others stay active (--replace-rules deletes them)" if others else ""
    return f", {len(plan.add)} to add, {len(plan.delete)} to delete{told}"


def _clock(answer: requests.Response) -> str:
    try:
        off_s = parsedate_to_datetime(answer.headers.get("Date", "")).timestamp() - time.time()
    except (ValueError, TypeError):
        remedy = (
            "look at the proxy in between, and set this machine's clock: timedatectl set-ntp true"
        )
        raise ConfigError(
            "X's answer has no Date, the clock cannot be checked", "X's clock", remedy
        ) from None
    if abs(off_s) > CLOCK_S:
        raise ConfigError(
            f"this machine's clock is {-off_s:+.0f} s off",
            "X's clock",
            "set it: timedatectl set-ntp true",
        )
    return f", within {CLOCK_S:.0f} s of X's"
