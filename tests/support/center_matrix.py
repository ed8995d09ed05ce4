"""The no-false-removal matrix of Identity Center: every call that reads it × every fault, by the scope that it reads.

Scopes are read by calls of their own, so one run can meet a fault in each of several; the others must not notice.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any, Final

from tests.support.matrix import Cell, Expected, cells

STORE, SSO = "identitystore", "sso"
INSTANCES: Final = "ListInstances"
SETS: Final = (
    "ListPermissionSets",
    "DescribePermissionSet",
    "ListManagedPoliciesInPermissionSet",
    "ListCustomerManagedPolicyReferencesInPermissionSet",
    "GetInlinePolicyForPermissionSet",
    "GetPermissionsBoundaryForPermissionSet",
    "ListTagsForResource",
)
_SCOPE_OF: Final = {
    "ListUsers": "directory_users",
    "ListGroups": "directory_groups",
    "ListGroupMemberships": "directory_memberships",
    "ListPermissionSetsProvisionedToAccount": "assignments",
    "ListAccountAssignments": "assignments",
    **dict.fromkeys(SETS, "permission_sets"),
}
# With which of the permission sets' calls the others share a run: one call of each scope at a time.
_BESIDE: Final = dict(zip_longest(SETS, (name for name in _SCOPE_OF if name not in SETS)))
_OPTIONAL: Final = SETS[2:]
_NOT_LISTS: Final = (
    "DescribePermissionSet",
    "GetInlinePolicyForPermissionSet",
    "GetPermissionsBoundaryForPermissionSet",
)
# Empty answers take no row away, only what a set holds; nothing contradicts them.
_HELD: Final = "ListManagedPoliciesInPermissionSet"
_BELIEVED: Final = ("ListCustomerManagedPolicyReferencesInPermissionSet", "ListTagsForResource")


@dataclass(frozen=True)
class CenterCell(Cell):
    """One call of Identity Center under one fault."""

    @property
    def service(self) -> str:
        """As actions are spelled."""
        return STORE if self.operation in ("ListUsers", "ListGroups", "ListGroupMemberships") else SSO

    @property
    def scope(self) -> str | None:
        """The beginning of the key of the scope that reads by this call; None for all of them."""
        return _SCOPE_OF.get(self.operation)

    @property
    def expected(self) -> Expected:
        if self.fault == "deny" and self.operation in _OPTIONAL:
            return "narrowed"
        if self.fault == "empty" and self.operation in (*_BELIEVED, _HELD):
            return "held" if self.operation == _HELD else "believed"
        return "stale"

    def rule(self, account: str | None = None) -> dict[str, Any]:
        rule = super().rule(account) | {"service": "sso-admin" if self.service == SSO else STORE}
        return rule | ({"body": "{}"} if self.fault == "hollow" else {})


def of(operation: str) -> list[CenterCell]:
    """Every fault of one call."""
    plain = cells("center", [operation])
    lists = operation not in (*_NOT_LISTS, INSTANCES)
    return [CenterCell(cell.plan, cell.operation, cell.fault) for cell in plain if lists or cell.fault != "empty"]


def rows() -> Iterator[tuple[CenterCell, ...]]:
    """Cells that share a run: the same fault of a call that reads the permission sets, and of one that does not."""
    for operation, beside in _BESIDE.items():
        others = {cell.fault: cell for cell in of(beside)} if beside else {}
        first = {cell.fault: cell for cell in of(operation)}
        for fault in dict.fromkeys([*first, *others]):
            yield tuple(found[fault] for found in (first, others) if fault in found)
    yield from ((cell,) for cell in of(INSTANCES))
