"""IAM's answers as frozen values. A document is decoded JSON, or text where it is not JSON."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeAlias

Document: TypeAlias = Any


@dataclass(frozen=True, kw_only=True)
class Entity:
    """What IAM says of every user, group, role and policy."""

    arn: str
    unique_id: str
    name: str
    path: str
    created_at: datetime


@dataclass(frozen=True, kw_only=True)
class InlinePolicy:
    name: str
    document: Document


@dataclass(frozen=True, kw_only=True)
class AttachedPolicy:
    """A managed policy by ARN, as its holder names it."""

    arn: str
    name: str


@dataclass(frozen=True, kw_only=True)
class Holdings:
    """The policies of a user, group or role."""

    inline: tuple[InlinePolicy, ...] = ()
    attached: tuple[AttachedPolicy, ...] = ()
    boundary: str | None = None


@dataclass(frozen=True, kw_only=True)
class ListedUser(Entity):
    """A user in ``ListUsers`` or ``GetGroup``; only the former says when the password was used."""

    password_last_used: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class ListedGroup(Entity):
    pass


@dataclass(frozen=True, kw_only=True)
class ListedRole(Entity):
    """A role in ``ListRoles``. ``max_session_duration`` in seconds."""

    trust: Document
    description: str | None = None
    max_session_duration: int | None = None


@dataclass(frozen=True, kw_only=True)
class UserDetail(Entity):
    """``groups`` are names: that is all AWS gives here."""

    groups: tuple[str, ...] = ()
    holdings: Holdings = field(default_factory=Holdings)
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class GroupDetail(Entity):
    holdings: Holdings = field(default_factory=Holdings)


@dataclass(frozen=True, kw_only=True)
class RoleDetail(Entity):
    trust: Document
    last_used_at: datetime | None = None
    last_used_region: str | None = None
    holdings: Holdings = field(default_factory=Holdings)
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class PolicyDetail(Entity):
    """A customer managed policy with the document of its default version."""

    description: str | None
    default_version: str
    document: Document
    updated_at: datetime | None


@dataclass(frozen=True, kw_only=True)
class AccountDetails:
    """All of ``GetAccountAuthorizationDetails`` (AWS managed policies excepted)."""

    users: tuple[UserDetail, ...] = ()
    groups: tuple[GroupDetail, ...] = ()
    roles: tuple[RoleDetail, ...] = ()
    policies: tuple[PolicyDetail, ...] = ()


@dataclass(frozen=True, kw_only=True)
class GroupMembers:
    """One group and all of its users, as ``GetGroup`` gives them."""

    group: ListedGroup
    users: tuple[ListedUser, ...]


@dataclass(frozen=True, kw_only=True)
class _Known:
    """As IAM knows it now: the unique id tells it from another one of the same name."""

    arn: str
    unique_id: str
    name: str


@dataclass(frozen=True, kw_only=True)
class IamUser(_Known):
    pass


@dataclass(frozen=True, kw_only=True)
class IamGroup(_Known):
    pass


@dataclass(frozen=True, kw_only=True)
class IamRole(_Known):
    pass


@dataclass(frozen=True, kw_only=True)
class IamPolicy(_Known):
    """A managed policy. ``attachable``: whether AWS lets it be attached to anything."""

    attachable: bool
