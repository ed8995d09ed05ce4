"""Identity Center: what is provisioned where, and who is assigned."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from grantwire.sandbox.identity_center.facts import Assignment, Provisioned
from grantwire.sandbox.operations.registry import Call, operation
from grantwire.sandbox.operations.sso_access import denied, manages, on, the_center, the_member, the_organized, the_set
from grantwire.sandbox.operations.sso_reads import listed
from grantwire.sandbox.paging import Page

_LATEST = {"LATEST_PERMISSION_SET_PROVISIONED": True, "LATEST_PERMISSION_SET_NOT_PROVISIONED": False}


def _wanted(call: Call, rows: Iterable[Provisioned]) -> list[Provisioned]:
    """All pairs, or those of one provisioning status."""
    status = call.params.get("ProvisioningStatus")
    return [row for row in rows if status is None or row.latest == _LATEST[status]]


@operation("sso-admin", "ListPermissionSetsProvisionedToAccount", on("InstanceArn", "AccountId"))
def list_provisioned_sets(call: Call) -> Page:
    """The permission sets that are roles in an account, assigned to anybody or not."""
    the_organized(call, "ListPermissionSetsProvisionedToAccount")
    account = the_member(call, call.params["AccountId"])
    rows = _wanted(call, the_center(call).provisioned.get(account, {}).values())
    return listed((row.permission_set, row.permission_set) for row in rows)


@operation("sso-admin", "ListAccountsForProvisionedPermissionSet", on("InstanceArn", "PermissionSetArn"))
def list_accounts_of_set(call: Call) -> Page:
    """The accounts in which a permission set is a role."""
    found = the_set(call, "ListAccountsForProvisionedPermissionSet")
    rows = _wanted(call, the_center(call).accounts_of.get(found.arn, {}).values())
    inside = call.organization.accounts if call.organization is not None else {}
    return listed((row.account, row.account) for row in rows if row.account in inside)


@operation("sso-admin", "ListAccountAssignments", on("InstanceArn", "AccountId", "PermissionSetArn"))
def list_assignments(call: Call) -> Page:
    """Who is assigned to a permission set in an account, deleted principals included."""
    found = the_set(call, "ListAccountAssignments")
    account = the_member(call, call.params["AccountId"])
    return _page(the_center(call).assigned.get((account, found.arn), {}).values())


def _page(rows: Iterable[Assignment]) -> Page:
    return listed((((row.account, row.permission_set, row.principal_type, row.principal), row) for row in rows), _show)


def _show(row: Assignment) -> dict[str, Any]:
    return {
        "AccountId": row.account,
        "PermissionSetArn": row.permission_set,
        "PrincipalType": row.principal_type,
        "PrincipalId": row.principal,
    }


@operation("sso-admin", "ListAccountAssignmentsForPrincipal", on("InstanceArn"))
def list_assignments_of_principal(call: Call) -> Page:
    """Where a user or group itself is assigned; what a user has through groups is not in it.

    For the management account alone.
    """
    the_organized(call, "ListAccountAssignmentsForPrincipal")
    if not manages(call):
        raise denied(call, "sso:ListAccountAssignmentsForPrincipal", call.params["InstanceArn"])
    principal, only = (call.params["PrincipalType"], call.params["PrincipalId"]), call.params.get("Filter", {})
    rows = the_center(call).assigned_to.get(principal, {}).values()
    inside = call.organization.accounts if call.organization is not None else {}
    return _page(row for row in rows if row.account in inside and row.account == only.get("AccountId", row.account))
