"""Finding what a call names, refusing what is not there, and the ARNs that policies are asked about."""

from __future__ import annotations

from typing import Literal

from grantwire.sandbox.facts import Group, Policy, Role, User
from grantwire.sandbox.operations.registry import Call, Failure, Resource

HolderKind = Literal["User", "Group", "Role"]
HOLDERS: tuple[HolderKind, ...] = ("User", "Group", "Role")
_PROTECTED = ("/aws-service-role/", "/aws-reserved/sso.amazonaws.com/")


def no_such(what: str) -> Failure:
    """NoSuchEntity in IAM's words."""
    return Failure("NoSuchEntity", f"{what} cannot be found.", 404)


def refuse_over(most: int, held: int, quota: str) -> None:
    """`LimitExceeded` where one more would be too many."""
    if held >= most:
        raise Failure("LimitExceeded", f"Cannot exceed quota for {quota}: {most}", 409)


def the_user(call: Call, name: str | None = None) -> User:
    """The user that the call names; without a name, the caller itself."""
    wanted = name if name is not None else call.params.get("UserName")
    if wanted is None and isinstance(call.caller.row, User):
        return call.caller.row
    found = call.world.users.called(wanted) if wanted is not None else None
    if found is None:
        raise no_such(f"The user with name {wanted}")
    return found


def the_group(call: Call) -> Group:
    """The group that the call names."""
    found = call.world.groups.called(call.params["GroupName"])
    if found is None:
        raise no_such(f"The group with name {call.params['GroupName']}")
    return found


def the_role(call: Call) -> Role:
    """The role that the call names."""
    found = call.world.roles.called(call.params["RoleName"])
    if found is None:
        raise no_such(f"The role with name {call.params['RoleName']}")
    return found


def the_changeable_role(call: Call) -> Role:
    """The role, unless AWS keeps it for itself."""
    role = the_role(call)
    if role.path.startswith(_PROTECTED):
        text = f"Cannot perform the operation on the protected role '{role.name}' - this role is only modifiable by AWS"
        raise Failure("UnmodifiableEntity", text)
    return role


def the_holder(call: Call, kind: HolderKind) -> User | Group | Role:
    """The user, group or role that the call names."""
    return the_user(call) if kind == "User" else the_group(call) if kind == "Group" else the_role(call)


def the_changeable_holder(call: Call, kind: HolderKind) -> User | Group | Role:
    """The holder, unless it is a role that AWS keeps for itself."""
    return the_changeable_role(call) if kind == "Role" else the_holder(call, kind)


def the_policy(call: Call) -> Policy:
    """The managed policy of the ARN that the call names, the customer's or AWS's."""
    found = call.world.policy(call.params["PolicyArn"])
    if found is None:
        raise no_such(f"Policy {call.params['PolicyArn']}")
    return found


def own_policy(call: Call) -> Policy:
    """The customer's managed policy; AWS's cannot be changed."""
    if ":iam::aws:" in call.params["PolicyArn"]:
        raise Failure("AccessDenied", "Policy is outside your own account.", 403)
    return the_policy(call)


def named(kind: HolderKind) -> Resource:
    """The resource of an operation on one user, group or role: its ARN, or what it would be at the root path."""

    def resource(call: Call) -> str:
        wanted = call.params.get(f"{kind}Name")
        if wanted is None:
            return call.world.arn(call.caller.row)
        found = _called(call, kind, wanted)
        if found is not None:
            return call.world.arn(found)
        return f"{call.world.iam}{kind.lower()}{call.params.get('Path', '/')}{wanted}"

    return resource


def _called(call: Call, kind: HolderKind, name: str) -> User | Group | Role | None:
    world = call.world
    if kind == "User":
        return world.users.called(name)
    return world.groups.called(name) if kind == "Group" else world.roles.called(name)


def listed(kind: str) -> Resource:
    """The resource of a list operation: every entity of a kind under the path that is asked for."""
    return lambda call: f"{call.world.iam}{kind}{call.params.get('PathPrefix', '/')}"


def policy_arn(call: Call) -> str:
    """The resource of an operation on one managed policy."""
    wanted = call.params.get("PolicyArn")
    made = f"{call.world.iam}policy{call.params.get('Path', '/')}{call.params.get('PolicyName')}"
    return str(wanted) if wanted is not None else made
