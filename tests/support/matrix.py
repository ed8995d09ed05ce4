"""The no-false-removal matrix: every call × every fault, and what must be true of each cell. Data and judgement.

A cell meets its fault in one account, or in the organization itself, while everything else is as ever.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final, Literal

from tests.support.oracle import keys

Expected = Literal["stale", "narrowed", "held", "believed"]
_PASSING: Final[dict[str, dict[str, Any]]] = {
    "throttle": {"kind": "throttle"},
    "error": {"kind": "error"},
    "unavailable": {"kind": "error", "status": 503},
    "timeout": {"kind": "timeout"},
    "cut": {"kind": "cut"},
    "drop": {"kind": "drop"},
    "garbage": {"kind": "garbage"},
    "blank": {"kind": "garbage", "body": ""},
    "hollow": {"kind": "garbage"},  # AWS's own envelope with nothing in it: see ``rule``
    "skew": {"kind": "skew"},
    "deny": {"kind": "deny"},
}
_OF_LISTS: Final[dict[str, dict[str, Any]]] = {"empty": {"kind": "empty"}, "repeat_token": {"kind": "repeat_token"}}
LEADING_BACK: Final = "repeat_token"  # met on a second page only: such cells are apart, see ``second_pages``

_SINGLE: Final = {"AssumeRole", "GetCallerIdentity", "DescribeOrganization"}
ORGANIZATION: Final = (
    "DescribeOrganization",
    "ListRoots",
    "ListAccounts",
    "ListOrganizationalUnitsForParent",
    "ListAccountsForParent",
    "ListDelegatedAdministrators",
    "ListDelegatedServicesForAccount",
)
OF_PLAN: Final = {
    "bulk": ("AssumeRole", "GetAccountAuthorizationDetails", "ListUsers", "ListRoles", "ListAccountAliases"),
    "minimum": ("AssumeRole", "ListUsers", "ListGroups", "ListRoles", "GetGroup"),
}
# Where a denial narrows the plan: the scope stays as it was and says what is unread.
_NARROWING: Final = {
    ("bulk", "GetAccountAuthorizationDetails"),
    ("bulk", "ListUsers"),
    ("bulk", "ListRoles"),
    ("bulk", "ListAccountAliases"),
    ("minimum", "GetGroup"),
    ("tree", "ListDelegatedAdministrators"),
    ("tree", "ListDelegatedServicesForAccount"),
}
# Empty answers that nothing contradicts: groups and members are many, so the guard holds what they take away; that an
# account has no alias or an organization no administrator takes no row away.
_HELD: Final = {("minimum", "ListGroups"), ("minimum", "GetGroup")}
_BELIEVED: Final = {("bulk", "ListAccountAliases"), ("tree", "ListDelegatedAdministrators")}


@dataclass(frozen=True)
class Cell:
    """One call under one fault. ``plan`` is ``tree`` for the calls that read the organization itself."""

    plan: str
    operation: str
    fault: str

    def __str__(self) -> str:
        return f"{self.plan}-{self.operation}-{self.fault}"

    @property
    def service(self) -> str:
        if self.operation in ("AssumeRole", "GetCallerIdentity"):
            return "sts"
        return "organizations" if self.plan == "tree" else "iam"

    @property
    def expected(self) -> Expected:
        where = (self.plan, self.operation)
        if self.fault == "deny" and where in _NARROWING:
            return "narrowed"
        if self.fault == "empty" and where in _HELD | _BELIEVED:
            return "held" if where in _HELD else "believed"
        return "stale"

    def rule(self, account: str | None = None) -> dict[str, Any]:
        """What to post to the sandbox. ``account``: the one whose credentials ask, or that is entered."""
        rule = {**_PASSING, **_OF_LISTS}[self.fault] | {"service": self.service, "operation": self.operation}
        if self.fault == "hollow":
            rule |= {"body": "{}" if self.service == "organizations" else _envelope(self.operation)}
        return rule | ({"account": account} if account else {})


def _envelope(operation: str) -> str:
    return f"<{operation}Response><{operation}Result/></{operation}Response>"


def cells(plan: str, operations: Iterable[str]) -> list[Cell]:
    """Every fault that a first answer can have, for each of the operations."""
    return [
        Cell(plan, operation, fault)
        for operation in operations
        for fault in (*_PASSING, *(() if operation in _SINGLE else ("empty",)))
    ]


def second_pages(plan: str, operations: Iterable[str]) -> list[Cell]:
    """A page that leads back to an earlier one, for each of the operations that have pages."""
    return [Cell(plan, operation, LEADING_BACK) for operation in operations if operation not in _SINGLE]


@dataclass(frozen=True)
class Seen:
    """What a run under a fault left behind: the export before and after, what was told, and how the scope stands."""

    before: list[str]
    after: list[str]
    told: list[dict[str, Any]]
    scope: Any
    fired: int


def check(cell: Cell, seen: Seen) -> None:
    """The matrix's own judgement. Raises AssertionError for a fault that was not met, for anything that vanished, and
    for a scope that does not say what happened."""
    assert seen.fired > 0, f"{cell}: the fault was never met"
    nothing_vanished(seen.before, seen.after, seen.told)
    text, code = (seen.scope.reason.text, seen.scope.reason.code) if seen.scope.reason else ("", "")
    name = f"{cell.service}:{cell.operation}"
    match cell.expected:
        case "stale":
            assert seen.scope.state == "stale", f"{cell}: {seen.scope}"
            # What contradicts an empty list is another call's answer, so either may be named.
            assert name in text or (cell.fault == "empty" and code == "inconsistent"), f"{cell}: {text}"
            assert sorted(seen.after) == sorted(seen.before), f"{cell}: {set(seen.before) ^ set(seen.after)}"
        case "narrowed":
            said = [*(item["why"] for item in seen.scope.unread), text]
            assert any(name in why for why in said), f"{cell}: nobody says that {name} was refused: {seen.scope}"
        case "held":
            assert (seen.scope.state, code) == ("held", "held"), f"{cell}: {seen.scope}"
            assert sorted(seen.after) == sorted(seen.before)
        case "believed":
            assert seen.scope.state == "complete", f"{cell}: {seen.scope}"


def nothing_vanished(before: list[str], after: list[str], told: list[dict[str, Any]]) -> None:
    """No row left the export, and nobody was told that one did."""
    lost = keys(before) - keys(after)
    assert not lost, f"{len(lost)} rows vanished: {sorted(lost)[:3]}"
    removals = [change for change in told if change["type"].partition(".")[2] in ("removed", "retired")]
    assert not removals, f"{len(removals)} removals were told: {removals[:3]}"


def of_account(lines: Iterable[str], account: str) -> list[str]:
    """The rows that an account's own IAM brings, and its own row."""
    return [line for line in lines if _owner(line) == account]


def _owner(line: str) -> str | None:
    row: dict[str, Any] = json.loads(line)
    if row["type"] == "resource":
        return row["account"] if row["kind"] != "external_principal" else None
    end = str(row["source"] if row["kind"] == "bounded_by" else row["target"])
    parts = end.split(":")
    return parts[4] if len(parts) > 5 else end


def third(number: int, cell_of: list[Cell]) -> Iterator[Cell]:
    """A representative third: every call and every fault is in it."""
    calls, faults = list(dict.fromkeys(c.operation for c in cell_of)), list(dict.fromkeys(c.fault for c in cell_of))
    for cell in cell_of:
        if (calls.index(cell.operation) + faults.index(cell.fault)) % 3 == number:
            yield cell
