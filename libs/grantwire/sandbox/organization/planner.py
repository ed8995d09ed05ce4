"""The plan of an organization: accounts, units, delegations, and who can be entered by whom. Standard library only."""

from __future__ import annotations

import random
from dataclasses import replace

from grantwire.sandbox import ids
from grantwire.sandbox.organization import members
from grantwire.sandbox.organization.facts import CLOSING, SUSPENDED, Account, Delegation, Fact, Organization, Unit
from grantwire.sandbox.organization.members import FULL, MINIMUM, OWN, ManagementPlanner, MemberPlanner, Surroundings
from grantwire.sandbox.plan import AccountPlan, Connector, OrganizationPlan, Plan, Sizes

# Units by path. Two share a name; one has no account; the longest path is five deep.
_UNITS = (
    "Workloads",
    "Workloads/Production",
    "Workloads/Production/Payments",
    "Workloads/Production/Payments/EU",
    "Workloads/Production/Payments/EU/Ledger & <b>Books",
    "Workloads/Test",
    "Workloads/Test/Payments",
    "Security",
    "Suspended",
    "=EMPTY()",
)
_NAMES = (
    "Management",
    "Security tooling",
    "Payments production",
    "=cmd|' /C calc'!A0",
    "Retired: billing (old)",
    "Data & <b>Analytics</b>",
    "Ünïcode-Konto 部署 🚀",
    "sandbox",
    "N" * 50,
    "sandbox",  # AWS does not ask for unique names
)
# What is wrong with the members after the delegated administrator, as long as there are members.
_TROUBLES = ("external id", "suspended", "missing", "closing", "misplaced")
_DELEGATED = ("sso.amazonaws.com", "access-analyzer.amazonaws.com")


def organized(seed: int, sizes: Sizes, management: str, accounts: int, calm: bool) -> Plan:
    """The plan of `accounts` accounts; the first is the management account."""
    return _Organizer(seed, sizes, management, accounts, calm).plan()


def newcomer(plan: Plan, account: str) -> AccountPlan:
    """An account that was not there and joins; it can be entered like most."""
    planned = plan.organization
    if planned is None:
        raise ValueError("there is no organization")
    around = Surroundings(management=planned.management, delegated=planned.delegated, neighbour=planned.management)
    return MemberPlanner(plan.seed, planned.sizes, account, around).fill()


class _Organizer:
    def __init__(self, seed: int, sizes: Sizes, management: str, accounts: int, calm: bool) -> None:
        self.seed, self.sizes, self.calm = seed, sizes, calm
        self.numbers = [management, *(ids.digits(seed, "member", index) for index in range(1, accounts))]
        self.delegated = self.numbers[1]
        self.id = f"o-{ids.lower(10, seed, management, 'organization')}"
        self._short = ids.lower(4, seed, management, "root")
        self.root = f"r-{self._short}"

    def plan(self) -> Plan:
        """Today's plan of the management account, with the organization around it."""
        manager = ManagementPlanner(self.seed, self.sizes, self.numbers[0], self._around(0))
        made = manager.plan()
        first = AccountPlan(made.account, made.rows, made.expectations, made.admin_credentials)
        others = tuple(self._member(index) for index in range(1, len(self.numbers)))
        organization = OrganizationPlan(
            self.id,
            self.root,
            self.numbers[0],
            self.delegated,
            self.sizes,
            tuple(self._facts()),
            (first, *others),
            self._connectors(manager),
        )
        return replace(made, organization=organization)

    def _connectors(self, manager: ManagementPlanner) -> dict[str, Connector]:
        def one(account: str, name: str, child: str) -> Connector:
            return Connector(f"arn:aws:iam::{account}:role/{name}", manager.external_id(), child)

        return {
            "organization": one(self.numbers[0], members.READER, OWN),
            "organization_minimum": one(self.numbers[0], members.READER_MINIMUM, MINIMUM),
            "delegated": one(self.delegated, members.READER, FULL),
            "delegated_minimum": one(self.delegated, members.READER_MINIMUM, MINIMUM),
        }

    def _trouble(self, index: int) -> str | None:
        troubled = not self.calm and 2 <= index < 2 + len(_TROUBLES)
        return _TROUBLES[index - 2] if troubled else None

    def _around(self, index: int) -> Surroundings:
        neighbour = self.numbers[(index + 1) % len(self.numbers)]
        return Surroundings(self.numbers[0], self.delegated, neighbour, index, self._trouble(index))

    def _member(self, index: int) -> AccountPlan:
        return MemberPlanner(self.seed, self.sizes, self.numbers[index], self._around(index)).fill()

    # Facts -----------------------------------------------------------------------------------------------------------

    def _rng(self, concern: str, index: int = 0) -> random.Random:
        return random.Random(f"{self.seed}:organization {concern}:{index}")  # noqa: S311  repeatable on purpose

    def _facts(self) -> list[Fact]:
        rows: list[Fact] = [Organization(self.id, self.numbers[0]), Unit(self.root, "Root", None, (("plan", "base"),))]
        rows += [self._unit(path) for path in _UNITS]
        rows += [self._account(index, number) for index, number in enumerate(self.numbers)]
        enabled = self._time("delegation")
        return rows + [Delegation(self.delegated, service, enabled) for service in _DELEGATED]

    def _unit_id(self, path: str) -> str:
        return f"ou-{self._short}-{ids.lower(8, self.seed, self.numbers[0], path)}" if path else self.root

    def _unit(self, path: str) -> Unit:
        above, _, name = path.rpartition("/")
        tags = (("owner", "платежи 🚀"), ("empty", "")) if name == "Payments" else ()
        return Unit(self._unit_id(path), name, self._unit_id(above), tags)

    def _account(self, index: int, number: str) -> Account:
        trouble = self._trouble(index)
        state = {"suspended": SUSPENDED, "closing": CLOSING}.get(trouble or "", "ACTIVE")
        # An invited account has no child role unless somebody made one.
        joined = "INVITED" if index == 0 or trouble == "missing" else "CREATED"
        name = _NAMES[index] if index < len(_NAMES) else f"Account {index:03}"
        tags = (("cost-center", f"cc-{index}"), ("name", name)) if index % 3 == 1 else ()
        return Account(
            number,
            name,
            f"aws+{index:03}@{ids.lower(6, self.seed, 'domain')}.example.com",
            self._unit_id(self._home(index, trouble)),
            joined,
            self._time("account", index),
            state,
            () if index % 4 == 3 else (f"acme-{index:03}-{ids.lower(5, number)}",),
            tags,
        )

    def _home(self, index: int, trouble: str | None) -> str:
        """The path of the unit an account is in; empty for the root."""
        if trouble in ("suspended", "closing"):
            return "Suspended"
        fixed = {0: "", 1: "Security", 2: _UNITS[4], 4: "", 7: ""}
        return fixed[index] if index in fixed else self._rng("home", index).choice(_UNITS[:7])

    def _time(self, concern: str, index: int = 0) -> int:
        return self._rng(f"time {concern}", index).randint(1_420_070_400, 1_735_689_600)
