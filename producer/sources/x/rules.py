"""The rules of X's filtered stream: what is wanted, what the account has, and the changes between
them."""

import logging
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tweepy  # type: ignore[import-untyped]

from config.errors import ConfigError
from producer.sources import State
from producer.sources.x.wire import Account, printable

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

OURS = "tweets-to-hdfs:"  # a rule whose tag begins so is ours to add and to delete
RULE_CHARACTERS, RULES = 1_024, 1_000  # X's limits
_DOING = "X's stream rules"
_LIKES = ("min_likes:", "min_faves:", "min_reposts:", "min_retweets:", "min_replies:")

log = logging.getLogger("producer")


@dataclass(frozen=True)
class Rule:
    """One rule of the account; `id` is X's, empty for one that it does not have yet."""

    tag: str
    value: str
    id: str = ""

    @property
    def ours(self) -> bool:
        return self.tag.startswith(OURS)


@dataclass(frozen=True)
class Plan:
    """What has to be done to the account's rules; `kept` stay, those of others among them."""

    add: list[Rule]
    delete: list[Rule]
    kept: list[Rule]

    def lines(self) -> list[str]:
        """One line per rule, for people."""
        signs = (("+", self.add), ("-", self.delete), (" ", self.kept))
        return [
            f"{sign} {printable(rule.value)}  ({printable(rule.tag)})"
            for sign, rules in signs
            for rule in rules
        ]


def wanted(track: str, file: str) -> list[Rule]:
    """The rules of `--track` (phrases, comma separated, each its own tag) or of the TOML file (`tag
    = "rule"`).

    Raises ConfigError for none, both, a file that cannot be read, and a rule that X's stream would
    not take.
    """
    if bool(track.strip(" ,")) == bool(file):
        what = (
            "both --track and --rules are given" if file else "the stream needs something to follow"
        )
        raise ConfigError(what, "--track", 'give --track "coffee,climate change" or --rules FILE')
    rules = (
        _from_file(file)
        if file
        else {part: part for part in (part.strip() for part in track.split(",")) if part}
    )
    where = file or "--track"
    for value in rules.values():
        if len(value) > RULE_CHARACTERS:
            raise ConfigError(
                f"a rule has {len(value)} characters, X takes {RULE_CHARACTERS}",
                where,
                f"shorten {value[:40]!r}…",
            )
        if any(operator in value for operator in _LIKES):
            raise ConfigError(
                f"a post in the stream has no likes yet: {value!r}",
                where,
                "use --source search with --min-likes",
            )
    if not 0 < len(rules) <= RULES:
        raise ConfigError(f"{len(rules)} rules, X takes 1 to {RULES}", where, "join some by OR")
    return [Rule(OURS + tag, value) for tag, value in rules.items()]


def _from_file(file: str) -> dict[str, str]:
    remedy = 'write one line per rule: coffee = "coffee lang:en -is:retweet"'
    try:
        content = tomllib.loads(Path(file).read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(
            f"cannot read the rules: {error.strerror}", file, "check --rules"
        ) from None
    except ValueError as error:
        raise ConfigError(f"not valid TOML: {error}", file, remedy) from None
    if not all(isinstance(value, str) and value.strip() for value in content.values()):
        raise ConfigError("a rule is a text", file, remedy)
    return content


class Rules:
    """The rules of one account. Every method raises what `Account.ask` does."""

    def __init__(self, account: Account, state: State) -> None:
        self._account, self._state = account, state
        self._client = tweepy.StreamingClient("", return_type=dict)
        account.attach(self._client.session)

    def present(self) -> list[Rule]:
        """What the account has; X leaves the tag of an untagged rule out."""
        answer = self._account.ask(self._client.get_rules, _DOING, self._state)
        return [
            Rule(str(rule.get("tag", "")), rule["value"], rule["id"])
            for rule in answer.get("data") or []
        ]

    def plan(self, want: list[Rule], replace: bool) -> Plan:
        """Add what is missing, delete what is ours and stale; delete rules of others only with
        `replace`."""
        present = self.present()
        values = {rule.value for rule in want}
        delete = [rule for rule in present if rule.value not in values and (rule.ours or replace)]
        kept = [rule for rule in present if rule not in delete]
        known = {rule.value for rule in kept}
        return Plan([rule for rule in want if rule.value not in known], delete, kept)

    def try_out(self, plan: Plan) -> None:
        """Let X check the new rules without taking them. Raises ConfigError with X's reason."""
        if plan.add:
            self._add(plan.add, {"dry_run": "true"})

    def carry_out(self, plan: Plan) -> None:
        """Try first, then delete, then add: X's limit of rules counts both."""
        for line in plan.lines():
            log.info("rule %s", line)
        self.try_out(plan)
        if plan.delete:
            self._account.ask(
                lambda: self._client.delete_rules([rule.id for rule in plan.delete]),
                _DOING,
                self._state,
            )
        if plan.add:
            self._add(plan.add, {})
        others = [rule for rule in plan.kept if not rule.ours]
        if others:
            log.warning(
                "%d stream rules are not ours and stay active: --dry-run shows them", len(others)
            )

    def _add(self, add: list[Rule], options: dict[str, str]) -> None:
        rules = [tweepy.StreamRule(rule.value, tag=rule.tag) for rule in add]
        answer: dict[str, Any] = self._account.ask(
            lambda: self._client.add_rules(rules, **options), _DOING, self._state
        )
        for error in answer.get("errors") or []:
            # another producer of ours has added it meanwhile
            if not str(error.get("type", "")).endswith("duplicate-rules"):
                reason = (
                    error.get("detail")
                    or "; ".join(error.get("details") or [])
                    or error.get("title")
                )
                where = printable(error.get("value", "--track"))
                raise ConfigError(
                    f"X does not accept a rule: {printable(reason)}", where, "fix the rule"
                )
