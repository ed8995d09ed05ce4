"""What one reading of an account's IAM brought, by plan, before it becomes facts. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from grantwire.aws.iam.shapes import AccountDetails, GroupMembers, ListedGroup, ListedRole, ListedUser


@dataclass(frozen=True, slots=True)
class BulkAnswers:
    """A sweep is None where AWS denied it; what it alone tells is then unread."""

    details: AccountDetails
    users: tuple[ListedUser, ...] | None
    roles: tuple[ListedRole, ...] | None


@dataclass(frozen=True, slots=True)
class MinimumAnswers:
    """``members`` by group ARN. Missing from it are ``closed`` groups that AWS denied, for ``reason``, and those that
    were ``gone`` when they were opened."""

    users: tuple[ListedUser, ...]
    groups: tuple[ListedGroup, ...]
    roles: tuple[ListedRole, ...]
    members: Mapping[str, GroupMembers]
    closed: int = 0
    gone: Sequence[str] = ()
    reason: str = ""
