"""Identity Center: making, changing and deleting permission sets. Roles follow when they are provisioned anew."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from grantwire.sandbox import ids
from grantwire.sandbox.identity_center.facts import CenterChange, PermissionSet
from grantwire.sandbox.operations.documents import checked_document
from grantwire.sandbox.operations.iam_tags import merged
from grantwire.sandbox.operations.registry import Call, Failure, operation
from grantwire.sandbox.operations.sso_access import may_change, on, the_center, the_organized, the_set
from grantwire.sandbox.operations.sso_reads import detail


def conflict(text: str) -> Failure:
    """ConflictException in words of our own."""
    return Failure("ConflictException", text)


@operation("sso-admin", "CreatePermissionSet", on("InstanceArn"))
def create_permission_set(call: Call) -> dict[str, Any]:
    """A new permission set, empty and nowhere provisioned."""
    instance, center, params = the_organized(call, "CreatePermissionSet"), the_center(call), call.params
    if center.named(params["Name"]) is not None:
        raise conflict(f"PermissionSet with name {params['Name']} already exists.")
    number = ids.digest(instance.arn, params["Name"], len(center.journal)).hex()[:16]
    row = PermissionSet(
        f"{instance.arn.replace(':instance/', ':permissionSet/')}/ps-{number}",
        params["Name"],
        call.now,
        params.get("Description"),
        params.get("SessionDuration", "PT1H"),
        params.get("RelayState"),
        merged((), params.get("Tags", [])),
    )
    center.put(row)
    return {"PermissionSet": detail(row)}


def _changed(call: Call, action: str, **values: Any) -> dict[str, Any]:
    """The set with other values; where it is provisioned, its roles are behind now."""
    center, row = the_center(call), the_set(call, action)
    may_change(call, row.arn, None, action)
    behind = [replace(each, latest=False) for each in center.accounts_of.get(row.arn, {}).values()]
    center.put(replace(row, **values), *behind)
    return {}


@operation("sso-admin", "UpdatePermissionSet", on("InstanceArn", "PermissionSetArn"))
def update_permission_set(call: Call) -> dict[str, Any]:
    """Description, session duration, relay state; never the name."""
    names = {"Description": "description", "SessionDuration": "session", "RelayState": "relay_state"}
    values = {field: call.params[name] for name, field in names.items() if name in call.params}
    return _changed(call, "UpdatePermissionSet", **values)


@operation("sso-admin", "DeletePermissionSet", on("InstanceArn", "PermissionSetArn"))
def delete_permission_set(call: Call) -> dict[str, Any]:
    """Refused while it is provisioned anywhere."""
    center, row = the_center(call), the_set(call, "DeletePermissionSet")
    if center.accounts_of.get(row.arn):
        raise conflict("Could not delete because PermissionSet has ApplicationProfile associated with it")
    center.apply(CenterChange(row, there=False))
    return {}


@operation("sso-admin", "AttachManagedPolicyToPermissionSet", on("InstanceArn", "PermissionSetArn"))
def attach_managed_policy(call: Call) -> dict[str, Any]:
    """One more of AWS's policies."""
    row, arn = the_set(call, "AttachManagedPolicyToPermissionSet"), call.params["ManagedPolicyArn"]
    if arn not in call.world.catalog:
        raise Failure("ResourceNotFoundException", f"Policy {arn} was not found.")
    if arn in row.managed:
        raise conflict(f"Policy {arn} is attached already.")
    return _changed(call, "AttachManagedPolicyToPermissionSet", managed=(*row.managed, arn))


@operation("sso-admin", "DetachManagedPolicyFromPermissionSet", on("InstanceArn", "PermissionSetArn"))
def detach_managed_policy(call: Call) -> dict[str, Any]:
    """One of AWS's policies less."""
    row, arn = the_set(call, "DetachManagedPolicyFromPermissionSet"), call.params["ManagedPolicyArn"]
    if arn not in row.managed:
        raise Failure("ResourceNotFoundException", f"Policy {arn} is not attached.")
    kept = tuple(each for each in row.managed if each != arn)
    return _changed(call, "DetachManagedPolicyFromPermissionSet", managed=kept)


@operation("sso-admin", "PutInlinePolicyToPermissionSet", on("InstanceArn", "PermissionSetArn"))
def put_inline_policy(call: Call) -> dict[str, Any]:
    """Another inline policy."""
    checked_document(call.params["InlinePolicy"])
    return _changed(call, "PutInlinePolicyToPermissionSet", inline=call.params["InlinePolicy"])


@operation("sso-admin", "DeleteInlinePolicyFromPermissionSet", on("InstanceArn", "PermissionSetArn"))
def delete_inline_policy(call: Call) -> dict[str, Any]:
    """No inline policy any more."""
    return _changed(call, "DeleteInlinePolicyFromPermissionSet", inline=None)
