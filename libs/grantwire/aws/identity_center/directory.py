"""Reads a directory: every answer whole and typed, or an ``AwsError``."""

from collections.abc import Iterable
from typing import Final, TypeVar

from grantwire.aws.errors import inconsistent
from grantwire.aws.identity_center.asking import Asking, AskStore
from grantwire.aws.identity_center.parse import Parser
from grantwire.aws.identity_center.shapes import Group, Membership, PrincipalType, User
from grantwire.aws.places import place_of
from grantwire.aws.session import AwsSession
from grantwire.contracts.failures import AwsCause, AwsError
from grantwire.contracts.identity_center import IdentityCenter

R = TypeVar("R", User, Group, Membership)
USERS: Final = "identitystore:ListUsers"
GROUPS: Final = "identitystore:ListGroups"
MEMBERSHIPS: Final = "identitystore:ListGroupMemberships"
MEMBERSHIPS_OF: Final = "identitystore:ListGroupMembershipsForMember"
DESCRIBE_USER: Final = "identitystore:DescribeUser"
DESCRIBE_GROUP: Final = "identitystore:DescribeGroup"


class DirectoryReader:
    """Typed reads of one directory through one session. Each raises ``AwsError``; none returns a list that might be
    short."""

    def __init__(self, session: AwsSession, center: IdentityCenter) -> None:
        self._asking = Asking(session, place_of(center))
        self._store = center.identity_store

    async def users(self) -> tuple[User, ...]:
        """Every user."""
        store = self._store
        ask: AskStore = lambda api, page: api.list_users(IdentityStoreId=store, **page)  # noqa: E731
        rows = await self._asking.store_rows(USERS, "Users", ask)
        return self._own(USERS, map(Parser(USERS).user, rows))

    async def groups(self) -> tuple[Group, ...]:
        """Every group."""
        store = self._store
        ask: AskStore = lambda api, page: api.list_groups(IdentityStoreId=store, **page)  # noqa: E731
        rows = await self._asking.store_rows(GROUPS, "Groups", ask)
        return self._own(GROUPS, map(Parser(GROUPS).group, rows))

    async def members(self, group: str) -> tuple[Membership, ...]:
        """Who is in a group. ``AwsError`` (gone) where there is no such group any more."""
        given = {"IdentityStoreId": self._store, "GroupId": group}
        ask: AskStore = lambda api, page: api.list_group_memberships(**given, **page)  # noqa: E731
        found = await self._memberships(MEMBERSHIPS, ask)
        if strange := next((each for each in found if each.group != group), None):
            raise inconsistent(MEMBERSHIPS, f"a membership of {strange.group} is among those of {group}")
        return found

    async def memberships_of(self, user: str) -> tuple[Membership, ...]:
        """The groups that a user is in. ``AwsError`` (gone) where there is no such user any more."""
        store, member = self._store, {"UserId": user}
        ask: AskStore = lambda api, page: api.list_group_memberships_for_member(  # noqa: E731
            IdentityStoreId=store, MemberId=member, **page
        )
        found = await self._memberships(MEMBERSHIPS_OF, ask)
        if strange := next((each for each in found if each.user != user), None):
            raise inconsistent(MEMBERSHIPS_OF, f"a membership of {strange.user} is among those of {user}")
        return found

    async def user(self, id: str) -> User:
        """One user. ``AwsError`` (gone) where there is none any more."""
        given = {"IdentityStoreId": self._store, "UserId": id}
        answer = await self._asking.store(DESCRIBE_USER, lambda api: api.describe_user(**given))
        found = Parser(DESCRIBE_USER).user(answer)
        _same(DESCRIBE_USER, found.id, id)
        return found

    async def group(self, id: str) -> Group:
        """One group. ``AwsError`` (gone) where there is none any more."""
        given = {"IdentityStoreId": self._store, "GroupId": id}
        answer = await self._asking.store(DESCRIBE_GROUP, lambda api: api.describe_group(**given))
        found = Parser(DESCRIBE_GROUP).group(answer)
        _same(DESCRIBE_GROUP, found.id, id)
        return found

    async def exists(self, type_: PrincipalType, principal: str) -> bool:
        """Whether the user or group is in the directory now, by one call for it alone."""
        try:
            await (self.user(principal) if type_ == "USER" else self.group(principal))
        except AwsError as error:
            if error.cause is not AwsCause.GONE:
                raise
            return False
        return True

    async def _memberships(self, operation: str, ask: AskStore) -> tuple[Membership, ...]:
        rows = await self._asking.store_rows(operation, "GroupMemberships", ask)
        return _latest(map(Parser(operation).membership, rows))

    def _own(self, operation: str, found: Iterable[R]) -> tuple[R, ...]:
        """Nothing of another directory may be taken for this one's."""
        rows = _latest(found)
        for each in rows:
            if not isinstance(each, Membership):
                _same(operation, each.identity_store, self._store)
        return rows


def _same(operation: str, found: str, wanted: str) -> None:
    if found != wanted:
        raise inconsistent(operation, f"it answered about {found} where {wanted} was asked for")


def _latest(rows: Iterable[R]) -> tuple[R, ...]:
    """One row per id, the last one read: rows may slip between pages while somebody writes."""
    return tuple({row.id: row for row in rows}.values())
