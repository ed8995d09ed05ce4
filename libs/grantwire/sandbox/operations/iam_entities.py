"""IAM: one entity at a time, and the whole account at once."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from grantwire.sandbox.facts import Group, Policy, Role, User
from grantwire.sandbox.operations import shapes
from grantwire.sandbox.operations.documents import shown
from grantwire.sandbox.operations.lookup import named, no_such, policy_arn, the_group, the_policy, the_role, the_user
from grantwire.sandbox.operations.registry import Call, everything, operation
from grantwire.sandbox.paging import Key, Page, in_order
from grantwire.sandbox.world import World


@operation("iam", "GetUser", named("User"))
def get_user(call: Call) -> dict[str, Any]:
    """One user with tags and boundary."""
    return {"User": shapes.one_user(call.world, the_user(call))}


@operation("iam", "GetRole", named("Role"))
def get_role(call: Call) -> dict[str, Any]:
    """One role with tags, boundary and last use."""
    return {"Role": shapes.one_role(call.world, the_role(call))}


@operation("iam", "GetGroup", named("Group"))
def get_group(call: Call) -> Page:
    """One group; its members page."""
    world, group = call.world, the_group(call)
    members = [world.users.get(user_id) for user_id in world.users_in.get(group.unique_id, ())]
    rows: list[tuple[Key, User]] = [(user.name.lower(), user) for user in members if user is not None]
    extra = {"Group": shapes.group(world, group)}
    return Page(lambda cursor: in_order(rows, cursor), lambda row: shapes.user(world, row), extra)


@operation("iam", "GetPolicy", policy_arn)
def get_policy(call: Call) -> dict[str, Any]:
    """One managed policy with description and tags."""
    row = the_policy(call)
    tagged = {"Tags": shapes.tags(row.tags)} if row.tags else {}
    shape = shapes.policy(call.world, call.params["PolicyArn"], row)
    return {"Policy": shape | shapes.described(row) | tagged}


@operation("iam", "GetPolicyVersion", policy_arn)
def get_policy_version(call: Call) -> dict[str, Any]:
    """One version of a managed policy with its document."""
    wanted = call.params["VersionId"]
    for version in shapes.versions(the_policy(call)):
        if version["VersionId"] == wanted:
            return {"PolicyVersion": version}
    raise no_such(f"Policy {call.params['PolicyArn']} version {wanted}")


SECTIONS = ("User", "Group", "Role", "LocalManagedPolicy", "AWSManagedPolicy")


@operation("iam", "GetAccountAuthorizationDetails", everything)
def get_account_authorization_details(call: Call) -> Page:
    """Users, groups, roles and policies as one sequence: one page may hold several kinds, or none of some.

    Without a Filter everything is given, AWS's policies as far as they are in use.
    """
    wanted = call.params.get("Filter") or SECTIONS
    world = call.world
    return Page(lambda cursor: _sequence(world, wanted, cursor), lambda row: _detail(world, row))


def _sequence(world: World, wanted: list[str] | tuple[str, ...], cursor: Key | None) -> Iterator[tuple[Key, Any]]:
    tables = (world.users, world.groups, world.roles, world.policies)
    for section, name in enumerate(SECTIONS):
        if name not in wanted or (cursor is not None and section < cursor[0]):
            continue
        after = cursor[1] if cursor is not None and section == cursor[0] else None
        rows: Iterator[tuple[Key, Any]]
        if section == len(tables):
            rows = in_order([(arn, arn) for arn in world.aws_policies()], after)
        else:
            rows = tables[section].table.after(after)
        for key, row in rows:
            yield (section, key), row


def _detail(world: World, row: User | Group | Role | Policy | str) -> tuple[str, dict[str, Any]]:
    match row:
        case User():
            return "UserDetailList", _user_detail(world, row)
        case Group():
            return "GroupDetailList", _holder(world, row, "Group") | shapes.group(world, row)
        case Role():
            return "RoleDetailList", _role_detail(world, row)
        case Policy():
            return "Policies", _policy_detail(world, world.arn(row), row)
    return "Policies", _policy_detail(world, row, world.catalog[row])


def _user_detail(world: World, row: User) -> dict[str, Any]:
    # The password's last use is not part of a UserDetail; groups are given by name, not by id.
    groups = [group.name for key in world.groups_of.get(row.unique_id, ()) if (group := world.groups.get(key))]
    shape = shapes.one_user(world, row) | {"GroupList": groups}
    shape.pop("PasswordLastUsed", None)
    return shape | _holder(world, row, "User")


def _role_detail(world: World, row: Role) -> dict[str, Any]:
    shape = shapes.one_role(world, row) | {"InstanceProfileList": []}
    del shape["MaxSessionDuration"]
    shape.pop("Description", None)
    return shape | _holder(world, row, "Role")


def _policy_detail(world: World, arn: str, row: Policy) -> dict[str, Any]:
    versions = {"PolicyVersionList": shapes.versions(row)}
    return shapes.policy(world, arn, row) | shapes.described(row) | versions


def _holder(world: World, row: User | Group | Role, kind: str) -> dict[str, Any]:
    inline = world.inline.get(row.unique_id, {}).values()
    return {
        f"{kind}PolicyList": [{"PolicyName": each.name, "PolicyDocument": shown(each.document)} for each in inline],
        "AttachedManagedPolicies": [
            {"PolicyName": arn.rsplit("/", 1)[-1], "PolicyArn": arn} for arn in world.attached.get(row.unique_id, {})
        ],
    }
