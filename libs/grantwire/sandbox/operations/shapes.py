"""How IAM shows an entity. Lists show less than single reads: no tags, no boundary, no last use."""

from __future__ import annotations

from typing import Any

from grantwire.sandbox.facts import Group, Policy, Role, Tags, User
from grantwire.sandbox.operations.documents import shown
from grantwire.sandbox.world import World


def tags(pairs: Tags) -> list[dict[str, str]]:
    """Tags as IAM's list of keys and values."""
    return [{"Key": key, "Value": value} for key, value in pairs]


def boundary(row: User | Role) -> dict[str, Any]:
    """The PermissionsBoundary member, absent when there is none."""
    if row.boundary is None:
        return {}
    return {
        "PermissionsBoundary": {
            "PermissionsBoundaryType": "PermissionsBoundaryPolicy",
            "PermissionsBoundaryArn": row.boundary,
        }
    }


def user(world: World, row: User) -> dict[str, Any]:
    """A user in a list."""
    used = {} if row.password_last_used is None else {"PasswordLastUsed": row.password_last_used}
    return _identity(world, row, "User") | used


def one_user(world: World, row: User) -> dict[str, Any]:
    """A user read by itself."""
    return user(world, row) | boundary(row) | ({"Tags": tags(row.tags)} if row.tags else {})


def group(world: World, row: Group) -> dict[str, Any]:
    """A group, in a list or by itself."""
    return _identity(world, row, "Group")


def role(world: World, row: Role) -> dict[str, Any]:
    """A role in a list. The Description of a role without one is absent."""
    described = {"Description": row.description} if row.description else {}
    trust = {"AssumeRolePolicyDocument": shown(world.trust(row)), "MaxSessionDuration": row.max_session}
    return _identity(world, row, "Role") | trust | described


def one_role(world: World, row: Role) -> dict[str, Any]:
    """A role read by itself."""
    tagged = {"Tags": tags(row.tags)} if row.tags else {}
    return role(world, row) | boundary(row) | tagged | {"RoleLastUsed": last_used(row)}


def last_used(row: Role) -> dict[str, Any]:
    """RoleLastUsed: empty when the role was not used in the tracking period."""
    if row.last_used_at is None:
        return {}
    return {"LastUsedDate": row.last_used_at} | ({"Region": row.last_used_region} if row.last_used_region else {})


def policy(world: World, arn: str, row: Policy) -> dict[str, Any]:
    """A managed policy in a list: without description and tags."""
    attachments, boundaries = world.use(arn)
    return {
        "PolicyName": row.name,
        "PolicyId": row.unique_id,
        "Arn": arn,
        "Path": row.path,
        "DefaultVersionId": row.default,
        "AttachmentCount": attachments,
        "PermissionsBoundaryUsageCount": boundaries,
        "IsAttachable": True,
        "CreateDate": row.created_at,
        "UpdateDate": row.updated_at,
    }


def described(row: Policy) -> dict[str, str]:
    """The Description member, absent when there is none."""
    return {"Description": row.description} if row.description else {}


def versions(row: Policy) -> list[dict[str, Any]]:
    """All versions of a policy with their documents, newest first."""
    return [
        {
            "Document": shown(each.document),
            "VersionId": each.version_id,
            "IsDefaultVersion": each.version_id == row.default,
            "CreateDate": each.created_at,
        }
        for each in reversed(row.versions)
    ]


def _identity(world: World, row: User | Group | Role, kind: str) -> dict[str, Any]:
    return {
        "Path": row.path,
        f"{kind}Name": row.name,
        f"{kind}Id": row.unique_id,
        "Arn": world.arn(row),
        "CreateDate": row.created_at,
    }
