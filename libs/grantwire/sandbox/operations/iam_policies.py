"""IAM: managed policies and their versions, and the policies that users, groups and roles hold."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from grantwire.sandbox.facts import Attached, Drop, Inline, Policy, Put, Version
from grantwire.sandbox.operations import shapes
from grantwire.sandbox.operations.documents import checked_document
from grantwire.sandbox.operations.iam_tags import merged
from grantwire.sandbox.operations.iam_users import conflict, fresh_id
from grantwire.sandbox.operations.lookup import (
    HOLDERS,
    HolderKind,
    named,
    no_such,
    own_policy,
    policy_arn,
    refuse_over,
    the_changeable_holder,
    the_policy,
)
from grantwire.sandbox.operations.registry import Call, Failure, operation

MOST_VERSIONS = 5
MOST_ATTACHED = 10  # managed policies to a user, group or role; AWS raises it on demand
MANAGED_SIZE = 6144  # characters of a managed policy without white space


def _sized(document: str, most: int = MANAGED_SIZE) -> str:
    checked_document(document)
    if len("".join(document.split())) > most:
        raise Failure("LimitExceeded", f"Cannot exceed quota for PolicySize: {most}", 409)
    return document


@operation("iam", "CreatePolicy", policy_arn)
def create_policy(call: Call) -> dict[str, Any]:
    """A new customer managed policy with version v1."""
    name, params = call.params["PolicyName"], call.params
    if call.world.policies.called(name) is not None:
        raise Failure(
            "EntityAlreadyExists", f"A policy called {name} already exists. Duplicate names are not allowed.", 409
        )
    first = Version("v1", _sized(params["PolicyDocument"]), call.now)
    unique_id, path = fresh_id(call, "ANPA", name), params.get("Path", "/")
    tags, description = merged((), params.get("Tags", [])), params.get("Description", "")
    row = Policy(unique_id, name, path, call.now, call.now, "v1", (first,), description, tags)
    call.world.apply(Put(row))
    return {"Policy": shapes.policy(call.world, call.world.arn(row), row)}


@operation("iam", "CreatePolicyVersion", policy_arn)
def create_policy_version(call: Call) -> dict[str, Any]:
    """One more version, at most five; numbers are never given again."""
    row = own_policy(call)
    if len(row.versions) >= MOST_VERSIONS:
        raise Failure("LimitExceeded", f"A managed policy can have up to {MOST_VERSIONS} versions.", 409)
    number = max(int(version.version_id[1:]) for version in row.versions) + 1
    made = Version(f"v{number}", _sized(call.params["PolicyDocument"]), call.now)
    default = made.version_id if call.params.get("SetAsDefault") else row.default
    changed = replace(row, versions=(*row.versions, made), default=default, updated_at=call.now)
    call.world.apply(Put(changed))
    brief = {key: value for key, value in shapes.versions(changed)[0].items() if key != "Document"}
    return {"PolicyVersion": brief}


@operation("iam", "SetDefaultPolicyVersion", policy_arn)
def set_default_policy_version(call: Call) -> dict[str, Any]:
    """Another version becomes the operative one."""
    row, wanted = own_policy(call), call.params["VersionId"]
    if all(version.version_id != wanted for version in row.versions):
        raise no_such(f"Policy {call.params['PolicyArn']} version {wanted}")
    call.world.apply(Put(replace(row, default=wanted, updated_at=call.now)))
    return {}


@operation("iam", "DeletePolicyVersion", policy_arn)
def delete_policy_version(call: Call) -> dict[str, Any]:
    """Any version but the default one."""
    row, wanted = own_policy(call), call.params["VersionId"]
    if wanted == row.default:
        raise conflict("cannot delete the default version of a policy")
    kept = tuple(version for version in row.versions if version.version_id != wanted)
    if kept == row.versions:
        raise no_such(f"Policy {call.params['PolicyArn']} version {wanted}")
    call.world.apply(Put(replace(row, versions=kept, updated_at=call.now)))
    return {}


@operation("iam", "DeletePolicy", policy_arn)
def delete_policy(call: Call) -> dict[str, Any]:
    """Refused while the policy is in use or has more than its default version."""
    row = own_policy(call)
    if any(call.world.use(call.params["PolicyArn"])):
        raise conflict("must detach the policy from all entities first")
    if len(row.versions) > 1:
        raise conflict("must delete all non-default versions first")
    call.world.apply(Drop(row))
    return {}


def _attach(kind: HolderKind) -> Callable[[Call], dict[str, Any]]:
    def attach(call: Call) -> dict[str, Any]:
        holder, arn = the_changeable_holder(call, kind), call.params["PolicyArn"]
        the_policy(call)
        held = call.world.attached.get(holder.unique_id, {})
        if arn not in held:
            refuse_over(MOST_ATTACHED, len(held), f"PoliciesPer{kind}")
            call.world.apply(Put(Attached(holder.unique_id, arn)))
        return {}

    return attach


def _detach(kind: HolderKind) -> Callable[[Call], dict[str, Any]]:
    def detach(call: Call) -> dict[str, Any]:
        holder, arn = the_changeable_holder(call, kind), call.params["PolicyArn"]
        if arn not in call.world.attached.get(holder.unique_id, {}):
            raise no_such(f"Policy {arn} was not found: it")
        call.world.apply(Drop(Attached(holder.unique_id, arn)))
        return {}

    return detach


# AWS's limits are on all inline policies of a holder together; here each document is held to them by itself.
_INLINE_SIZE: dict[HolderKind, int] = {"User": 2048, "Group": 5120, "Role": 10240}


def _put(kind: HolderKind) -> Callable[[Call], dict[str, Any]]:
    def put(call: Call) -> dict[str, Any]:
        holder = the_changeable_holder(call, kind)
        document = _sized(call.params["PolicyDocument"], _INLINE_SIZE[kind])
        call.world.apply(Put(Inline(holder.unique_id, call.params["PolicyName"], document)))
        return {}

    return put


def _delete(kind: HolderKind) -> Callable[[Call], dict[str, Any]]:
    def delete(call: Call) -> dict[str, Any]:
        holder, name = the_changeable_holder(call, kind), call.params["PolicyName"]
        found = call.world.inline.get(holder.unique_id, {}).get(name)
        if found is None:
            raise no_such(f"The {kind.lower()} policy with name {name}")
        call.world.apply(Drop(found))
        return {}

    return delete


for _kind in HOLDERS:
    operation("iam", f"Attach{_kind}Policy", named(_kind))(_attach(_kind))
    operation("iam", f"Detach{_kind}Policy", named(_kind))(_detach(_kind))
    operation("iam", f"Put{_kind}Policy", named(_kind))(_put(_kind))
    operation("iam", f"Delete{_kind}Policy", named(_kind))(_delete(_kind))
