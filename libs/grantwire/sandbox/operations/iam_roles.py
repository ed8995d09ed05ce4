"""IAM: making, changing and deleting roles and their trust."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from grantwire.sandbox.facts import Drop, Put, Role
from grantwire.sandbox.operations import shapes
from grantwire.sandbox.operations.documents import checked_trust
from grantwire.sandbox.operations.iam_tags import merged
from grantwire.sandbox.operations.iam_users import boundary_of, fresh_id, refuse_policies, taken
from grantwire.sandbox.operations.lookup import named, the_changeable_role
from grantwire.sandbox.operations.registry import Call, Failure, operation


@operation("iam", "CreateRole", named("Role"))
def create_role(call: Call) -> dict[str, Any]:
    """A new role; paths that start with /aws- are AWS's own."""
    name, path, params = call.params["RoleName"], call.params.get("Path", "/"), call.params
    if call.world.roles.called(name) is not None:
        raise taken("Role", name)
    if path.startswith("/aws-"):
        raise Failure("ValidationError", f"The specified value for path is invalid: {path}")
    row = Role(
        fresh_id(call, "AROA", name),
        name,
        path,
        call.now,
        checked_trust(call.world, params["AssumeRolePolicyDocument"]),
        params.get("Description", ""),
        params.get("MaxSessionDuration", 3600),
        tags=merged((), params.get("Tags", [])),
        boundary=boundary_of(call),
    )
    call.world.apply(Put(row))
    return {"Role": shapes.one_role(call.world, row)}


@operation("iam", "UpdateRole", named("Role"))
def update_role(call: Call) -> dict[str, Any]:
    """Description and longest session."""
    row = the_changeable_role(call)
    description = call.params.get("Description", row.description)
    longest = call.params.get("MaxSessionDuration", row.max_session)
    call.world.apply(Put(replace(row, description=description, max_session=longest)))
    return {}


@operation("iam", "UpdateAssumeRolePolicy", named("Role"))
def update_assume_role_policy(call: Call) -> dict[str, Any]:
    """Another trust policy."""
    row = the_changeable_role(call)
    call.world.apply(Put(replace(row, trust=checked_trust(call.world, call.params["PolicyDocument"]))))
    return {}


@operation("iam", "DeleteRole", named("Role"))
def delete_role(call: Call) -> dict[str, Any]:
    """Refused while the role has policies."""
    row = the_changeable_role(call)
    refuse_policies(call, row.unique_id)
    call.world.apply(Drop(row))
    return {}
