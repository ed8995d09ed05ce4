"""Identity Center's answers as frozen values. ``None`` means that AWS did not say."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

PrincipalType = Literal["USER", "GROUP"]
ProvisioningStatus = Literal["LATEST_PERMISSION_SET_PROVISIONED", "LATEST_PERMISSION_SET_NOT_PROVISIONED"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Instance:
    """An instance that an account sees. Whether it holds permission sets is not said where it is listed."""

    arn: str
    identity_store: str
    owner: str | None
    status: str | None
    primary_region: str | None


@dataclass(frozen=True, slots=True)
class Email:
    """An address of a directory user, as the directory has it."""

    value: str | None
    type: str | None
    primary: bool | None


@dataclass(frozen=True, slots=True)
class ExternalId:
    """The id that the directory's own source has for a user or group."""

    issuer: str
    id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """A user of a directory. ``status`` is ``ENABLED``, ``DISABLED`` or None: not every directory says it."""

    id: str
    identity_store: str
    user_name: str | None
    display_name: str | None
    given_name: str | None
    family_name: str | None
    emails: tuple[Email, ...]
    user_type: str | None
    title: str | None
    external_ids: tuple[ExternalId, ...]
    status: str | None
    created_at: datetime | None
    updated_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """A group of a directory."""

    id: str
    identity_store: str
    display_name: str | None
    description: str | None
    external_ids: tuple[ExternalId, ...]


@dataclass(frozen=True, slots=True)
class Membership:
    """A user's place in a group, which has an id of its own."""

    id: str
    group: str
    user: str


@dataclass(frozen=True, slots=True)
class MembershipMade:
    """A membership that was made: its id, and AWS's of the request that made it."""

    id: str
    request_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PermissionSet:
    """A permission set without its policies and tags."""

    arn: str
    name: str
    description: str | None
    session_duration: str | None
    relay_state: str | None
    created_at: datetime | None


@dataclass(frozen=True, slots=True)
class PolicyReference:
    """A customer managed policy by name and path: in each account the one that is called so there."""

    name: str
    path: str


@dataclass(frozen=True, slots=True)
class Boundary:
    """The permissions boundary of a set: an AWS managed policy's ARN, or a customer managed policy by name and path."""

    arn: str | None = None
    reference: PolicyReference | None = None


@dataclass(frozen=True, slots=True)
class InlineDocument:
    """An inline policy: JSON, or the text itself where it is none."""

    document: Any


@dataclass(frozen=True, slots=True)
class Assignment:
    """A directory user or group that may use a permission set in an account. It outlives its principal."""

    account: str
    permission_set: str
    principal_type: PrincipalType
    principal: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AssignmentRequest:
    """A request to assign or unassign, by the id that AWS gave it. ``status``: ``IN_PROGRESS``, ``SUCCEEDED`` or
    ``FAILED``, then with a reason. ``sent_as``: AWS's id of the call itself, where this is its answer."""

    request_id: str
    status: str
    failure_reason: str | None = None
    account: str | None = None
    permission_set: str | None = None
    principal_type: str | None = None
    principal: str | None = None
    sent_as: str | None = None
