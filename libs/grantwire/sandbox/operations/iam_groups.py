"""IAM: groups and who is in them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from grantwire.sandbox.facts import Drop, Group, Member, Put
from grantwire.sandbox.operations import shapes
from grantwire.sandbox.operations.iam_users import conflict, fresh_id, refuse_policies, taken
from grantwire.sandbox.operations.lookup import named, no_such, refuse_over, the_group, the_user
from grantwire.sandbox.operations.registry import Call, operation

MOST_GROUPS = 10  # that a user is in


@operation("iam", "CreateGroup", named("Group"))
def create_group(call: Call) -> dict[str, Any]:
    """A new group."""
    name = call.params["GroupName"]
    if call.world.groups.called(name) is not None:
        raise taken("Group", name)
    row = Group(fresh_id(call, "AGPA", name), name, call.params.get("Path", "/"), call.now)
    call.world.apply(Put(row))
    return {"Group": shapes.group(call.world, row)}


@operation("iam", "UpdateGroup", named("Group"))
def update_group(call: Call) -> dict[str, Any]:
    """A new name or path; the unique id stays."""
    row = the_group(call)
    name, path = call.params.get("NewGroupName", row.name), call.params.get("NewPath", row.path)
    other = call.world.groups.called(name)
    if other is not None and other.unique_id != row.unique_id:
        raise taken("Group", name)
    call.world.apply(Put(replace(row, name=name, path=path)))
    return {}


@operation("iam", "DeleteGroup", named("Group"))
def delete_group(call: Call) -> dict[str, Any]:
    """Refused while the group has members or policies."""
    row = the_group(call)
    if call.world.users_in.get(row.unique_id):
        raise conflict("must remove users from group first")
    refuse_policies(call, row.unique_id)
    call.world.apply(Drop(row))
    return {}


@operation("iam", "AddUserToGroup", named("Group"))
def add_user_to_group(call: Call) -> dict[str, Any]:
    """Once more is no error."""
    member = Member(the_user(call).unique_id, the_group(call).unique_id)
    held = call.world.groups_of.get(member.user_id, {})
    if member.group_id not in held:
        refuse_over(MOST_GROUPS, len(held), "GroupsPerUser")
        call.world.apply(Put(member))
    return {}


@operation("iam", "RemoveUserFromGroup", named("Group"))
def remove_user_from_group(call: Call) -> dict[str, Any]:
    """Refused when the user is not in the group."""
    user, group = the_user(call), the_group(call)
    if group.unique_id not in call.world.groups_of.get(user.unique_id, {}):
        raise no_such(f"The user with name {user.name} in group {group.name}")
    call.world.apply(Drop(Member(user.unique_id, group.unique_id)))
    return {}
