"""Everything a running sandbox remembers."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from grantwire.sandbox.access.sessions import Sessions
from grantwire.sandbox.facts import Claim, Expectation, Role
from grantwire.sandbox.faults import Faults
from grantwire.sandbox.paging import Mess
from grantwire.sandbox.plan import Plan, trust_key
from grantwire.sandbox.truth import PlanName, Truth, now
from grantwire.sandbox.world import World


@dataclass
class Options:
    """How pages and answers behave."""

    short: float = 0.0
    empty: float = 0.0
    latency_ms: float = 0.0


class State:
    """The worlds of a plan, and what was asked of them. `reset` brings everything back to the start."""

    def __init__(self, plan: Plan, options: Options) -> None:
        self.plan, self.options = plan, options
        self.reset()

    def reset(self) -> None:
        """As on the first day: no writes, no sessions, no faults, no counts."""
        plan = self.plan
        self.world = World(plan.account, plan.rows)
        operators = World(plan.operator_account, plan.operator_rows)
        self.worlds = {plan.account: self.world, plan.operator_account: operators}
        self.sessions = Sessions(self.worlds, plan.seed)
        self.mess = Mess(self.options.short, self.options.empty, plan.seed)
        self.faults = Faults()
        self.posted: dict[tuple[str, str], Expectation] = {}
        self._past: tuple[int, int, World] | None = None  # writes back, length of the journal, the world of then
        self.skipped = 0.0
        self.requests = 0
        self.forget()

    def forget(self) -> None:
        """Empty the counts of calls and what was denied, used and violated."""
        self.calls: Counter[str] = Counter()
        self.calls_of: dict[str, Counter[str]] = {}
        self.denied: list[dict[str, str]] = []
        self.used: Counter[str] = Counter()
        self.violations: list[str] = []

    def now(self) -> float:
        """The sandbox's clock: real time plus what a test skipped."""
        return time.time() + self.skipped  # noqa: TID251  a process of its own has a clock of its own

    def real_now(self) -> datetime:
        """The clock that signatures are held to."""
        return datetime.now(UTC)  # noqa: TID251  AWS holds signatures to real time

    def count(self, name: str, account: str) -> None:
        """One more call of `service.Operation` by an account."""
        self.calls[name] += 1
        self.calls_of.setdefault(account, Counter())[name] += 1

    def seen_world(self, stale: dict[str, Any] | None) -> World:
        """The simulated account, or as it was before the last writes."""
        if stale is None:
            return self.world
        back, length = int(stale.get("writes", 1)), len(self.world.journal)
        if self._past is None or self._past[:2] != (back, length):
            self._past = back, length, self.world.as_of(self.plan.rows, back)
        return self._past[2]

    def truth(self) -> Truth:
        """The truth now."""
        rows = now(self.plan.rows, self.world.journal)
        return Truth(self.plan.account, rows, self.plan.expectations, self.posted)

    def truth_lines(self, plan: PlanName) -> list[dict[str, Any]]:
        """The lines of the truth now."""
        return self.truth().lines(plan)

    def expect(self, given: dict[str, Any]) -> None:
        """Take a test's expectation for the trust policy that a role has now. Raises `ValueError`, `KeyError`."""
        role = self.world.principal(given["role_arn"])
        if not isinstance(role, Role):
            raise ValueError(f"no role {given['role_arn']}")
        claims = tuple(self._claim(each) for each in given["can_assume"])
        self.posted[role.unique_id, trust_key(role.trust)] = Expectation(given["role_class"], claims)

    def _claim(self, given: dict[str, Any]) -> Claim:
        source = given["source"]
        if given["source_kind"] in ("iam_user", "iam_role"):
            row = self.world.principal(source)
            if row is None:
                raise ValueError(f"no principal {source}")
            source = row.unique_id
        more: dict[str, Any] = {key: given.get(key) for key in ("principal_class", "issuer", "in_organization")}
        return Claim(source, given["source_kind"], given["effect"], tuple(given["statements"]), **more)
