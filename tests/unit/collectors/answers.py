"""IAM answers for tests, short to write."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from grantwire.aws.iam import shapes
from grantwire.collectors.iam.answers import BulkAnswers
from tests.unit.collectors.policies import ACCOUNT, ROOT, allow, policy

AT = datetime(2024, 1, 2, 3, 4, 5, 678_000, tzinfo=UTC)
TRUST = policy(allow({"AWS": ROOT}))


def entity(kind: str, name: str, unique_id: str | None = None) -> dict[str, Any]:
    arn = f"arn:aws:iam::{ACCOUNT}:{kind}/{name}"
    return {"arn": arn, "unique_id": unique_id or f"ID{name.upper()}", "name": name, "path": "/", "created_at": AT}


def user(name: str, **more: Any) -> shapes.UserDetail:
    return shapes.UserDetail(**{**entity("user", name), **more})


def group(name: str, **more: Any) -> shapes.GroupDetail:
    return shapes.GroupDetail(**{**entity("group", name), **more})


def role(name: str, **more: Any) -> shapes.RoleDetail:
    return shapes.RoleDetail(**{**entity("role", name), "trust": TRUST, **more})


def listed_user(name: str, **more: Any) -> shapes.ListedUser:
    return shapes.ListedUser(**{**entity("user", name), **more})


def listed_group(name: str, **more: Any) -> shapes.ListedGroup:
    return shapes.ListedGroup(**{**entity("group", name), **more})


def listed_role(name: str, **more: Any) -> shapes.ListedRole:
    return shapes.ListedRole(**{**entity("role", name), "trust": TRUST, "max_session_duration": 3600, **more})


def details(
    users: Iterable[shapes.UserDetail] = (),
    groups: Iterable[shapes.GroupDetail] = (),
    roles: Iterable[shapes.RoleDetail] = (),
    policies: Iterable[shapes.PolicyDetail] = (),
) -> shapes.AccountDetails:
    return shapes.AccountDetails(users=tuple(users), groups=tuple(groups), roles=tuple(roles), policies=tuple(policies))


def bulk(found: shapes.AccountDetails, *, sweeps: bool = True) -> BulkAnswers:
    """The details with sweeps that fit them, or with none."""
    if not sweeps:
        return BulkAnswers(found, None, None)
    users = tuple(listed_user(each.name, unique_id=each.unique_id) for each in found.users)
    roles = tuple(listed_role(each.name, unique_id=each.unique_id) for each in found.roles)
    return BulkAnswers(found, users, roles)
