"""What one reading of an account's IAM brought, by plan, before it becomes facts. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from grantwire.aws.iam.shapes import AccountDetails, GroupMembers, ListedGroup, ListedRole, ListedUser


@dataclass(frozen=True, slots=True)
class BulkAnswers:
    """A sweep is None where AWS denied it; what it alone tells is then unread. Aliases are also None where nobody asked
    for them: an account without an organization shows none."""

    details: AccountDetails
    users: tuple[ListedUser, ...] | None
    roles: tuple[ListedRole, ...] | None
    aliases: tuple[str, ...] | None = None


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
