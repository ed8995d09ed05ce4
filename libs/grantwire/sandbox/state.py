"""Everything a running sandbox remembers."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from grantwire.sandbox.access.sessions import Sessions
from grantwire.sandbox.credentials.report import Reports
from grantwire.sandbox.facts import Claim, Expectation, Role, Row
from grantwire.sandbox.faults import Faults
from grantwire.sandbox.history import History
from grantwire.sandbox.identity_center.center import Center
from grantwire.sandbox.identity_center.provisioning import Provisioning
from grantwire.sandbox.organization.facts import Account
from grantwire.sandbox.organization.tree import Tree
from grantwire.sandbox.paging import Mess
from grantwire.sandbox.plan import AccountPlan, Plan, trust_key, unreachable
from grantwire.sandbox.rates import Rates
from grantwire.sandbox.scim.endpoint import Scim
from grantwire.sandbox.scim.truth import READ_AT
from grantwire.sandbox.telling import CREDENTIAL_FACETS, DEFAULT, told
from grantwire.sandbox.truth import UNREAD, PlanName, now
from grantwire.sandbox.world import World


@dataclass
class Options:
    """How pages and answers behave. `account_state`: which of `State` and `Status` accounts show."""

    short: float = 0.0
    empty: float = 0.0
    latency_ms: float = 0.0
    account_state: str = "both"
    rates: dict[str, float] = field(default_factory=dict)  # calls a second of each account, by service


class State:
    """The worlds of a plan, and what was asked of them. `reset` brings everything back to the start."""

    def __init__(self, plan: Plan, options: Options) -> None:
        self.plan, self.options = plan, options
        self.reset()

    def reset(self) -> None:
        """As on the first day: no writes, no sessions, no faults, no counts."""
        plan = self.plan
        self.skipped = 0.0
        organized = plan.organization
        self.tree = Tree(plan.partition, organized.rows, History(self.now)) if organized is not None else None
        self.plans: dict[str, AccountPlan] = {}
        self.worlds: dict[str, World] = {}
        self.members: dict[str, World] = {}  # the simulated accounts: all worlds but the operator's
        for each in plan.accounts:
            self.add_account(each)
        self.world = self.worlds[plan.account]
        self.worlds[plan.operator_account] = World(plan.operator_account, plan.operator_rows, plan.partition)
        self.sessions = Sessions(
            self.worlds, plan.seed, lambda account: bool(self.tree and self.tree.is_closed(account))
        )
        center = plan.center
        self.center = Center(plan.partition, center.rows, History(self.now)) if center is not None else None
        self.provisioning = self._provisioning()
        self.reports = Reports()
        self.scim = Scim(plan.scim, plan.scim.token) if plan.scim is not None else None
        self.account_state = self.options.account_state
        self.mess = Mess(self.options.short, self.options.empty, plan.seed)
        self.faults = Faults()
        self.rates = Rates(self.options.rates)
        self.posted: dict[tuple[str, str], Expectation] = {}
        self._past: dict[str, tuple[int, int, World]] = {}  # writes back, length of the journal, the world of then
        self.requests = 0
        self.writes: list[dict[str, Any]] = []
        self.forget()

    def _provisioning(self) -> Provisioning | None:
        if self.center is None:
            return None
        return Provisioning(self.center, self.members, self.tree, self.plan.seed)

    def settle(self) -> None:
        """Carry out what was asked of Identity Center and is due."""
        if self.provisioning is not None:
            self.provisioning.settle(self.now())

    def add_account(self, planned: AccountPlan) -> None:
        """Load one more account."""
        world = World(planned.account, planned.rows, self.plan.partition, self.members, History(self.now))
        known = self.tree.accounts.get(planned.account) if self.tree is not None else None
        world.aliases = known.aliases if known is not None else ()
        self.plans[planned.account] = planned
        self.worlds[planned.account] = self.members[planned.account] = world

    def forget(self) -> None:
        """Empty the counts of calls, and what was denied, used and violated."""
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

    def seen_world(self, world: World, stale: dict[str, Any] | None) -> World:
        """An account, or as it was before the last writes."""
        planned = self.plans.get(world.account)
        if stale is None or planned is None:
            return world
        back, length = world.history.back(stale), len(world.journal)
        past = self._past.get(world.account)
        if past is None or past[:2] != (back, length):
            past = self._past[world.account] = back, length, world.as_of(planned.rows, back)
        return past[2]

    def seen_tree(self, stale: dict[str, Any] | None) -> Tree | None:
        """The organization, or as it was before the last changes."""
        return self.tree if stale is None or self.tree is None else self.tree.as_of(self.tree.history.back(stale))

    def seen_center(self, stale: dict[str, Any] | None) -> Center | None:
        """Identity Center, or as it was before the last writes."""
        if stale is None or self.center is None:
            return self.center
        return self.center.as_of(self.center.history.back(stale))

    # Truth -----------------------------------------------------------------------------------------------------------

    def truth_lines(
        self, plan: PlanName, accounts: Collection[str], wanted: Collection[str] = DEFAULT
    ) -> list[dict[str, Any]]:
        """The lines of the truth now, of the wanted sources; of an organization, with the IAM of these accounts."""
        self.settle()
        return told(self, plan, accounts, wanted)

    def rows(self, account: str) -> list[Row]:
        """The rows of an account now, from its plan and its journal."""
        return now(self.plans[account].rows, self.worlds[account].journal)

    def unreachable(self, reader: str = "organization") -> dict[str, str]:
        """Why a reader of the organization cannot enter some of its accounts now."""
        planned, tree = self.plan.organization, self.tree
        return unreachable(planned, tree.facts(), reader) if planned is not None and tree is not None else {}

    def reachable(self, reader: str = "organization") -> set[str]:
        """The accounts whose IAM a reader can see."""
        return set(self.plans if self.tree is None else self.tree.accounts) - self.unreachable(reader).keys()

    def unread(self, plan: PlanName, wanted: Collection[str] = DEFAULT) -> list[str]:
        """What a read plan cannot read; aliases take a permission that the minimum plan has not. And what no truth
        knows: when SCIM was read."""
        more = ["account.aliases"] if self.tree is not None and plan == "minimum" else []
        known = CREDENTIAL_FACETS if "credentials" in wanted else ()
        more += [READ_AT] if "scim" in wanted else []
        return sorted(name for name in UNREAD[plan] + more if name not in known)

    def expect(self, given: dict[str, Any]) -> None:
        """Take a test's expectation for the trust policy that a role has now. Raises `ValueError`, `KeyError`."""
        role = self._principal(given["role_arn"])
        if not isinstance(role, Role):
            raise ValueError(f"no role {given['role_arn']}")
        claims = tuple(self._claim(each) for each in given["can_assume"])
        self.posted[role.unique_id, trust_key(role.trust)] = Expectation(given["role_class"], claims)

    def _principal(self, arn: str) -> Any:
        world = self.members.get((arn.split(":", 5) + [""] * 5)[4])
        return world.principal(arn) if world is not None else None

    def _claim(self, given: dict[str, Any]) -> Claim:
        source = given["source"]
        if given["source_kind"] in ("iam_user", "iam_role"):
            row = self._principal(source)
            if row is None:
                raise ValueError(f"no principal {source}")
            source = row.unique_id
        more: dict[str, Any] = {key: given.get(key) for key in ("principal_class", "issuer", "in_organization")}
        return Claim(source, given["source_kind"], given["effect"], tuple(given["statements"]), **more)

    # The organization's own changes ----------------------------------------------------------------------------------

    def leave(self, account: str) -> None:
        """An account leaves; it stays as it is. Raises `KeyError`, `ValueError`."""
        tree = self._organized()
        if account == tree.management:
            raise ValueError("the management account cannot leave")
        tree.leave(account)

    def join(self, account: str, newcomer: AccountPlan | None) -> None:
        """An account that left comes back under the root, or one that was never here joins."""
        tree = self._organized()
        if account in tree.accounts:
            raise ValueError(f"{account} is a member")
        known = next((row for row in tree.start if isinstance(row, Account) and row.id == account), None)
        fresh = Account(account, f"Joined {account}", f"aws+{account}@example.com", "", "INVITED", int(self.now()))
        tree.join(replace(known or fresh, parent=tree.root.id, joined_method="INVITED", joined_at=int(self.now())))
        if newcomer is not None:
            self.add_account(newcomer)

    def _organized(self) -> Tree:
        if self.tree is None:
            raise ValueError("there is no organization")
        return self.tree
