"""IAM: making, renaming and deleting users."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from grantwire.sandbox.facts import Drop, Put, User
from grantwire.sandbox.ids import unique_id
from grantwire.sandbox.operations import shapes
from grantwire.sandbox.operations.iam_tags import merged
from grantwire.sandbox.operations.lookup import named, no_such, the_user
from grantwire.sandbox.operations.registry import Call, Failure, operation


def taken(kind: str, name: str) -> Failure:
    """EntityAlreadyExists in IAM's words."""
    return Failure("EntityAlreadyExists", f"{kind} with name {name} already exists.", 409)


def fresh_id(call: Call, prefix: str, name: str) -> str:
    """A unique id that was never given: the same name made again gets another one."""
    return unique_id(prefix, call.world.account, name, len(call.world.journal))


def boundary_of(call: Call) -> str | None:
    """The boundary that a Create call gives; the policy must exist."""
    arn: str | None = call.params.get("PermissionsBoundary")
    if arn is not None and call.world.policy(arn) is None:
        raise no_such(f"Scope ARN: {arn}")
    return arn


@operation("iam", "CreateUser", named("User"))
def create_user(call: Call) -> dict[str, Any]:
    """A new user."""
    name = call.params["UserName"]
    if call.world.users.called(name) is not None:
        raise taken("User", name)
    path, tags = call.params.get("Path", "/"), merged((), call.params.get("Tags", []))
    row = User(fresh_id(call, "AIDA", name), name, path, call.now, None, tags, boundary_of(call))
    call.world.apply(Put(row))
    return {"User": shapes.one_user(call.world, row)}


@operation("iam", "UpdateUser", named("User"))
def update_user(call: Call) -> dict[str, Any]:
    """A new name or path. The unique id stays, the ARN does not; trust follows the id."""
    row = the_user(call)
    name, path = call.params.get("NewUserName", row.name), call.params.get("NewPath", row.path)
    other = call.world.users.called(name)
    if other is not None and other.unique_id != row.unique_id:
        raise taken("User", name)
    call.world.apply(Put(replace(row, name=name, path=path)))
    return {}


@operation("iam", "DeleteUser", named("User"))
def delete_user(call: Call) -> dict[str, Any]:
    """Refused while anything hangs on the user."""
    row, world = the_user(call), call.world
    if any(key.user_id == row.unique_id for key in world.keys.values()):
        raise conflict("must delete access keys first")
    if row.unique_id in world.logins:
        raise conflict("must delete login profile first")
    if world.devices.get(row.unique_id):
        raise conflict("must deactivate MFA devices first")
    if world.groups_of.get(row.unique_id):
        raise conflict("must remove users from group first")
    refuse_policies(call, row.unique_id)
    world.apply(Drop(row))
    return {}


def conflict(text: str) -> Failure:
    """DeleteConflict in IAM's words."""
    return Failure("DeleteConflict", f"Cannot delete entity, {text}.", 409)


def refuse_policies(call: Call, holder_id: str) -> None:
    """`DeleteConflict` while the holder has a policy of either kind."""
    if call.world.inline.get(holder_id):
        raise conflict("must delete policies first")
    if call.world.attached.get(holder_id):
        raise conflict("must detach all policies first")


@operation("iam", "PutUserPermissionsBoundary", named("User"))
def put_user_permissions_boundary(call: Call) -> dict[str, Any]:
    """A managed policy as the user's boundary."""
    row = the_user(call)
    call.world.apply(Put(replace(row, boundary=boundary_of(call))))
    return {}


@operation("iam", "DeleteUserPermissionsBoundary", named("User"))
def delete_user_permissions_boundary(call: Call) -> dict[str, Any]:
    """No boundary any more."""
    row = the_user(call)
    if row.boundary is None:
        raise no_such("The permissions boundary")
    call.world.apply(Put(replace(row, boundary=None)))
    return {}
