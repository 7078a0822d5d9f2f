"""What can be wrong between X and us: token, plan, rules, clock, each asked for with a request that costs nothing."""

import time
from collections.abc import Callable
from email.utils import parsedate_to_datetime

import requests

from config.errors import ConfigError
from producer.sources import State
from producer.sources.x_rules import RULES, Rule, Rules
from producer.sources.x_wire import Account

CLOCK_S = 30.0
Check = tuple[str, Callable[[], str]]


def checks(account: Account, want: list[Rule]) -> list[Check]:
    """(name, probe) of each; a probe returns what to add to "ok", or raises a PipelineError. `want` is empty for the search."""
    client = account.client()

    def usage() -> requests.Response:
        answer: requests.Response = account.ask(lambda: client.request("GET", "/2/usage/tweets"), "X's usage", State())
        return answer

    def token() -> str:
        usage()
        return ""

    def plan() -> str:
        data = usage().json().get("data", {})
        return f", {data.get('project_usage', '?')} of {data.get('project_cap', '?')} posts read this month"

    def rules() -> str:
        plan = Rules(account, State()).plan(want, replace=False)
        others = len([rule for rule in plan.kept if not rule.ours])
        if len(plan.kept) + len(plan.add) > RULES:
            raise ConfigError(f"the account would have more than {RULES} rules", "X's stream rules", "--replace-rules, or fewer")
        told = f"; {others} of others stay active (--replace-rules deletes them)" if others else ""
        return f", {len(plan.add)} to add, {len(plan.delete)} to delete{told}"

    def clock() -> str:
        off_s = parsedate_to_datetime(usage().headers["Date"]).timestamp() - time.time()
        if abs(off_s) > CLOCK_S:
            raise ConfigError(f"this machine's clock is {-off_s:+.0f} s off", "X's clock", "set it: timedatectl set-ntp true")
        return f", within {CLOCK_S:.0f} s of X's"

    found: list[Check] = [("X token", token), ("X plan", plan)]
    return [*found, *([("X rules", rules)] if want else []), ("clock", clock)]
