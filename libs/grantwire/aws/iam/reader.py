"""Reads one account's IAM: every answer whole and typed, or an ``AwsError``."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Final, TypeVar

from grantwire.aws.errors import inconsistent
from grantwire.aws.iam.asking import Ask, each_page, every_row
from grantwire.aws.iam.parse import Parser
from grantwire.aws.iam.shapes import (
    AccountDetails,
    Entity,
    GroupMembers,
    ListedGroup,
    ListedRole,
    ListedUser,
)
from grantwire.aws.session import AwsSession

if TYPE_CHECKING:
    from mypy_boto3_iam.literals import EntityTypeType

E = TypeVar("E", bound=Entity)
DETAILS: Final = "iam:GetAccountAuthorizationDetails"
USERS: Final = "iam:ListUsers"
GROUPS: Final = "iam:ListGroups"
ROLES: Final = "iam:ListRoles"
MEMBERS: Final = "iam:GetGroup"
ALIASES: Final = "iam:ListAccountAliases"
OURS: Final["tuple[EntityTypeType, ...]"] = ("User", "Role", "Group", "LocalManagedPolicy")


class IamReader:
    """Typed reads through one session. Each raises ``AwsError``; none returns a list that might be short."""

    def __init__(self, session: AwsSession) -> None:
        self._session = session

    async def account_details(self) -> AccountDetails:
        """Users, groups, roles and customer managed policies with all they hold."""
        parse = Parser(DETAILS)
        lists = ("UserDetailList", "GroupDetailList", "RoleDetailList", "Policies")
        rows = await self._rows(
            DETAILS, lists, lambda iam, page: iam.get_account_authorization_details(Filter=list(OURS), **page)
        )
        return AccountDetails(
            users=_latest(map(parse.user, rows["UserDetailList"])),
            groups=_latest(map(parse.group, rows["GroupDetailList"])),
            roles=_latest(map(parse.role, rows["RoleDetailList"])),
            policies=_latest(map(parse.policy, rows["Policies"])),
        )

    async def users(self) -> tuple[ListedUser, ...]:
        rows = await self._rows(USERS, ("Users",), lambda iam, page: iam.list_users(**page))
        return _latest(map(Parser(USERS).listed_user, rows["Users"]))

    async def groups(self) -> tuple[ListedGroup, ...]:
        rows = await self._rows(GROUPS, ("Groups",), lambda iam, page: iam.list_groups(**page))
        return _latest(map(Parser(GROUPS).listed_group, rows["Groups"]))

    async def roles(self) -> tuple[ListedRole, ...]:
        rows = await self._rows(ROLES, ("Roles",), lambda iam, page: iam.list_roles(**page))
        return _latest(map(Parser(ROLES).listed_role, rows["Roles"]))

    async def members(self, group_name: str) -> GroupMembers:
        """One group and its users. The pages must agree on which group that is."""
        parse = Parser(MEMBERS)
        groups: dict[str, ListedGroup] = {}
        users: list[ListedUser] = []
        ask: Ask = lambda iam, page: iam.get_group(GroupName=group_name, **page)  # noqa: E731
        async for page in each_page(self._session, MEMBERS, ("Users",), ask):
            group = parse.listed_group(parse.need(page, "Group", dict))
            groups[group.unique_id] = group
            users += map(parse.listed_user, page["Users"])
        if len(groups) != 1:
            raise inconsistent(MEMBERS, f"the group {group_name} was replaced while it was read")
        return GroupMembers(group=next(iter(groups.values())), users=_latest(users))

    async def account_aliases(self) -> tuple[str, ...]:
        """The account's aliases; AWS lets it have one."""
        rows = await self._rows(ALIASES, ("AccountAliases",), lambda iam, page: iam.list_account_aliases(**page))
        if not all(isinstance(row, str) for row in rows["AccountAliases"]):
            raise inconsistent(ALIASES, "an alias is not text")
        return tuple(dict.fromkeys(rows["AccountAliases"]))

    async def _rows(self, operation: str, lists: tuple[str, ...], ask: Ask) -> dict[str, list[Any]]:
        return await every_row(self._session, operation, lists, ask)


def _latest(rows: Iterable[E]) -> tuple[E, ...]:
    """One row per ARN, the last one read: rows may slip between pages while somebody writes."""
    return tuple({row.arn: row for row in rows}.values())
