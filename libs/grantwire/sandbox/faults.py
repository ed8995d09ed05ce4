"""Faults on purpose: rules that a test posts, each matched to calls and each counting how often it fired."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

KINDS = frozenset(
    (
        "throttle",  # 400 Throttling "Rate exceeded"; TooManyRequestsException of Organizations; SCIM: 429
        "deny",  # 403 AccessDenied
        "error",  # a 5xx; `status`, `code`
        "timeout",  # accepted and never answered
        "cut",  # half the body under the full content-length
        "drop",  # the connection is aborted
        "repeat_token",  # the marker that was sent comes back
        "empty",  # 200 with empty lists and no marker
        "skew",  # the signature's date is refused
        "latency",  # answered after `seconds`
        "stale",  # a read shows the state before the last `writes` writes (1), or of `seconds` ago
        "conflict",  # a write is refused for another one that did not settle yet
        "lost",  # a write is carried out, and no answer says so; `how`: drop, hang or error
        "garbage",  # 200 with a body that is no answer; `body`
        "unauthorized",  # 401; of SCIM alone, as are the next two
        "redirect",  # 302 to another place; `to`
        "half",  # 200 with every second row left out, and nothing that says so
    )
)
_SCIM = frozenset(("unauthorized", "redirect", "half"))
_FIELDS = {"kind", "service", "operation", "account", "nth", "from", "times"}


@dataclass
class Rule:
    """One fault. It fires on calls that match, from the `first` on or on the `nth` only, at most `times` times.

    `account`: the caller's; in an organization also the one that an AssumeRole leads to.
    """

    kind: str
    service: str | None = None
    operation: str | None = None
    account: str | None = None
    nth: int | None = None
    first: int = 1
    times: int | None = None
    options: dict[str, Any] = field(default_factory=dict)
    matched: int = 0
    fired: int = 0

    @classmethod
    def read(cls, given: dict[str, Any]) -> Rule:
        """A rule as posted. Raises `ValueError` for a kind nobody knows, or that its service does not have."""
        if given.get("kind") not in KINDS:
            raise ValueError(f"kind must be one of {sorted(KINDS)}")
        if given["kind"] in _SCIM and given.get("service") != "scim":
            raise ValueError(f"{given['kind']} is a fault of the service scim alone")
        if given["kind"] == "lost" and given.get("how", "drop") not in ("drop", "hang", "error"):
            raise ValueError("how is drop, hang or error")
        if given["kind"] == "skew" and given.get("service") == "scim":
            raise ValueError("skew is a fault of signed requests, and SCIM's are not")
        options = {key: value for key, value in given.items() if key not in _FIELDS}
        plain: dict[str, Any] = {key: given.get(key) for key in ("service", "operation", "account", "nth", "times")}
        return cls(given["kind"], **plain, first=given.get("from", 1), options=options)

    def shown(self) -> dict[str, Any]:
        """The rule with its counts."""
        plain = {key: getattr(self, key) for key in ("kind", "service", "operation", "account", "nth", "times")}
        return plain | {"from": self.first} | self.options | {"matched": self.matched, "fired": self.fired}

    def meets(self, seen: Seen) -> bool:
        """Whether the rule fires on this call; counts both ways."""
        wanted = ((self.service, seen.service), (self.operation, seen.operation))
        if any(want is not None and want != has for want, has in wanted):
            return False
        if self.account not in (None, seen.account, seen.into):
            return False
        if (self.kind == "repeat_token" and not seen.has_marker) or (self.kind == "stale" and not seen.reads):
            return False
        if self.kind in ("conflict", "lost") and seen.reads:
            return False
        self.matched += 1
        due = self.matched == self.nth if self.nth is not None else self.matched >= self.first
        if not due or (self.times is not None and self.fired >= self.times):
            return False
        self.fired += 1
        return True


@dataclass(frozen=True)
class Seen:
    """What a rule may ask about a call. `reads`: it changes nothing. `into`: the account an AssumeRole leads to."""

    service: str
    operation: str
    account: str
    has_marker: bool
    reads: bool
    into: str | None = None


class Faults:
    """The rules in force, in the order they were posted."""

    def __init__(self) -> None:
        self.rules: list[Rule] = []

    def add(self, given: list[dict[str, Any]]) -> None:
        """Add rules; none when one of them is wrong."""
        self.rules += [Rule.read(each) for each in given]

    def firing(self, seen: Seen) -> dict[str, dict[str, Any]]:
        """The options of the faults that fire on this call, by kind."""
        return {rule.kind: rule.options for rule in self.rules if rule.meets(seen)}
