"""Identity Center: assigning, unassigning, provisioning. All of it is asked for here and happens later."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from grantwire.sandbox.identity_center.provisioning import CREATE, DELETE, MOST, PROVISION, Order
from grantwire.sandbox.operations.registry import Call, Failure, operation
from grantwire.sandbox.operations.sso_access import (
    forbidden,
    may_change,
    on,
    the_member,
    the_organized,
    the_provisioning,
    the_set,
)
from grantwire.sandbox.operations.sso_reads import listed
from grantwire.sandbox.paging import Page

_CONFLICT = (
    "A conflict with a previous successful write is detected. This generally occurs when the previous write did not"
    " have time to propagate to the host serving the current request."
)
_BUSY = "There are too many requests processing. Wait for some of them to complete."


def _order(call: Call, kind: str, permission_set: str, account: str | None, principal: tuple[str, str]) -> Order:
    provisioning = the_provisioning(call)
    if len(provisioning.open()) >= MOST:
        raise Failure("Throttling", _BUSY)
    if provisioning.clashing(permission_set, account):
        raise Failure("ConflictException", _CONFLICT)
    return provisioning.order(kind, permission_set, account, principal, call.exactly)


def _assignment(kind: str, action: str, member: str) -> Callable[[Call], dict[str, Any]]:
    def change(call: Call) -> dict[str, Any]:
        permission_set = the_set(call, action).arn
        account = the_member(call, call.params["TargetId"])
        may_change(call, permission_set, account, action)
        principal = call.params["PrincipalType"], call.params["PrincipalId"]
        made = _order(call, kind, permission_set, account, principal)
        made.forbidden = forbidden(call, account, kind == CREATE)
        return {member: _shown(made)}

    return change


def _shown(order: Order) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "Status": order.status,
        "RequestId": order.id,
        "TargetId": order.account,
        "TargetType": "AWS_ACCOUNT",
        "PermissionSetArn": order.permission_set,
        "PrincipalType": order.principal_type,
        "PrincipalId": order.principal,
        "CreatedDate": order.created_at,
    }
    return shown | ({"FailureReason": order.reason} if order.reason is not None else {})


def _provisioned(order: Order) -> dict[str, Any]:
    kept = ("Status", "RequestId", "PermissionSetArn", "CreatedDate", "FailureReason")
    shown = {name: value for name, value in _shown(order).items() if name in kept}
    return shown | ({"AccountId": order.account} if order.account is not None else {})


@operation("sso-admin", "ProvisionPermissionSet", on("InstanceArn", "PermissionSetArn", "TargetId"))
def provision_permission_set(call: Call) -> dict[str, Any]:
    """What a set holds now into one account, where it need not be yet, or into all in which it is."""
    permission_set, account = the_set(call, "ProvisionPermissionSet").arn, call.params.get("TargetId")
    if (call.params["TargetType"] == "AWS_ACCOUNT") != (account is not None):
        raise Failure("ValidationException", "TargetId is required for AWS_ACCOUNT, and for nothing else.")
    if account is not None:
        the_member(call, account)
    may_change(call, permission_set, account, "ProvisionPermissionSet")
    order = _order(call, PROVISION, permission_set, account, ("", ""))
    return {"PermissionSetProvisioningStatus": _provisioned(order)}


def _described(
    kind: str, action: str, given: str, member: str, show: Callable[[Order], dict[str, Any]]
) -> Callable[[Call], dict[str, Any]]:
    def describe(call: Call) -> dict[str, Any]:
        the_organized(call, action)
        found = the_provisioning(call).orders.get(call.params[given])
        if found is None or found.kind != kind:
            raise Failure("ResourceNotFoundException", f"Request with Id {call.params[given]} was not found.")
        return {member: show(found)}

    return describe


def _listed(kind: str, action: str) -> Callable[[Call], Page]:
    def list_statuses(call: Call) -> Page:
        the_organized(call, action)
        wanted = call.params.get("Filter", {}).get("Status")
        rows = [each for each in the_provisioning(call).orders.values() if each.kind == kind]
        return listed((((each.created_at, each.id), each) for each in rows if wanted in (None, each.status)), _brief)

    return list_statuses


def _brief(order: Order) -> dict[str, Any]:
    return {"Status": order.status, "RequestId": order.id, "CreatedDate": order.created_at}


for _kind, _verb, _noun in ((CREATE, "Create", "Creation"), (DELETE, "Delete", "Deletion")):
    _name = f"AccountAssignment{_noun}Status"
    operation("sso-admin", f"{_verb}AccountAssignment", on("InstanceArn", "PermissionSetArn", "TargetId"))(
        _assignment(_kind, f"{_verb}AccountAssignment", _name)
    )
    operation("sso-admin", f"Describe{_name}", on("InstanceArn"))(
        _described(_kind, f"Describe{_name}", f"AccountAssignment{_noun}RequestId", _name, _shown)
    )
    operation("sso-admin", f"List{_name}", on("InstanceArn"))(_listed(_kind, f"List{_name}"))
_name = "PermissionSetProvisioningStatus"
operation("sso-admin", f"Describe{_name}", on("InstanceArn"))(
    _described(PROVISION, f"Describe{_name}", "ProvisionPermissionSetRequestId", _name, _provisioned)
)
operation("sso-admin", f"List{_name}", on("InstanceArn"))(_listed(PROVISION, f"List{_name}"))
