"""Which principals of assignments are no more: by the directory as this run listed it, and by asking for the rest."""

import asyncio
from collections.abc import Sequence
from contextlib import AbstractContextManager, suppress
from typing import Final, Protocol

from grantwire.aws.errors import inconsistent, lacks_permission
from grantwire.aws.identity_center.shapes import Group, Membership, PrincipalType, User
from grantwire.collectors.identity_center.answers import Principal
from grantwire.collectors.identity_center.memory import Listed, Memory
from grantwire.collectors.identity_center.naming import Patience
from grantwire.collectors.identity_center.plans import by_listing
from grantwire.collectors.kit.settling import side_by_side, together
from grantwire.contracts.failures import AwsError
from grantwire.telemetry import monotonic

SOON: Final = Patience(grace=0.1, most=2.0)  # an account's snapshot waits for it
LATER: Final = Patience(grace=0.25, most=10.0)  # nothing else waits for the snapshot of all users


class Directory(Protocol):
    """The reads that a census is made of. Each is complete or raises ``AwsError``."""

    async def users(self) -> tuple[User, ...]: ...
    async def groups(self) -> tuple[Group, ...]: ...
    async def exists(self, type_: PrincipalType, principal: str) -> bool: ...


class Members(Protocol):
    """Who is in which group, asked for one by one."""

    async def members(self, group: str) -> tuple[Membership, ...]: ...
    async def memberships_of(self, user: str) -> tuple[Membership, ...]: ...


class RunCensus:
    """Who of one directory is no more, as one run asks it. ``waits`` are for principals and for the list of users."""

    def __init__(
        self, memory: Memory, reader: Directory, run: str, store: str, waits: tuple[Patience, Patience] = (SOON, LATER)
    ) -> None:
        self._memory = memory
        self._reader = reader
        self._run = run
        self._store = store
        self._naming = memory.naming(run, store)
        self._soon, self._later = waits

    def naming(self) -> AbstractContextManager[None]:
        """While entered, this reading still finds principals: a list that is begun later can tell of them too."""
        return self._naming.under_way()

    async def users(self) -> tuple[User, ...]:
        """All users, listed once the assignments that are being read have named theirs. The run knows them from here
        on, and whoever needs them too waits for this list: it saves a second one. Raises ``AwsError``."""
        async with self._memory.listed(self._run, self._store, "USER").asking:
            await self._naming.over(self._later)
            return await self._users()

    async def groups(self) -> tuple[Group, ...]:
        """All groups, likewise: listed once the reading of memberships has begun, if it does so in a moment."""
        listed = self._memory.listed(self._run, self._store, "GROUP")
        async with listed.asking:
            with suppress(TimeoutError):
                await asyncio.wait_for(listed.wanted.wait(), self._soon.grace)
            return await self._groups()

    async def user_ids(self, begun: float) -> list[str]:
        """The ids of all users, by a list that was begun after that moment. Raises ``AwsError``."""
        return await self._ids("USER", begun)

    async def group_ids(self, begun: float) -> list[str]:
        """Of all groups, likewise."""
        return await self._ids("GROUP", begun)

    async def _ids(self, type_: PrincipalType, begun: float) -> list[str]:
        listed = self._memory.listed(self._run, self._store, type_)
        listed.wanted.set()
        async with listed.asking:
            if not listed.after(begun):
                await self._list(type_)
            return sorted(listed.ids)

    async def _users(self) -> tuple[User, ...]:
        since = monotonic()
        found = await self._reader.users()
        self._memory.took_stock(self._run, self._store, "USER", [each.id for each in found], since)
        return found

    async def _groups(self) -> tuple[Group, ...]:
        since = monotonic()
        found = await self._reader.groups()
        self._memory.took_stock(self._run, self._store, "GROUP", [each.id for each in found], since)
        return found

    async def deleted(self, principals: frozenset[Principal]) -> frozenset[Principal]:
        """Those who are no more, of principals that AWS has just named. Raises ``AwsError``."""
        named_at = monotonic()
        users = [each for each in sorted(principals) if each.type == "USER"]
        groups = [each for each in sorted(principals) if each.type == "GROUP"]
        gone = await side_by_side(self._gone("USER", users, named_at), self._gone("GROUP", groups, named_at))
        return gone[0] | gone[1]

    async def _gone(self, type_: PrincipalType, named: Sequence[Principal], named_at: float) -> frozenset[Principal]:
        """Whoever waits for the same list has its answer too: those who are still reading may come and wait."""
        listed = self._memory.listed(self._run, self._store, type_)
        if self._doubtful(listed, named, named_at):
            async with listed.asking:
                if self._doubtful(listed, named, named_at):
                    await self._naming.over(self._soon)
                if doubtful := self._doubtful(listed, named, named_at):
                    await self._ask(type_, listed, doubtful)
        gone = frozenset(each for each in named if each.id not in listed.ids)
        self._memory.deleted(self._store, gone)
        return gone

    def _doubtful(self, listed: Listed, named: Sequence[Principal], named_at: float) -> list[Principal]:
        """Who may have been made after the list of this run: not on it, and not known to be deleted."""
        if listed.after(named_at):
            return []
        missing = (each for each in named if each.id not in listed.ids)
        return [each for each in missing if not self._memory.is_deleted(self._store, each)]

    async def _ask(self, type_: PrincipalType, listed: Listed, doubtful: Sequence[Principal]) -> None:
        sizes = self._memory.sizes(self._store)
        if by_listing(len(doubtful), sizes.users if type_ == "USER" else sizes.groups):
            await self._list(type_)
            if not listed.empty:
                return
        try:
            await self._describe(listed, doubtful)
        except AwsError as error:
            if not lacks_permission(error):
                raise
            await self._list(type_)
            if listed.empty:
                raise inconsistent(error.operation, f"nobody is listed, but {doubtful[0].id} is assigned") from error

    async def _describe(self, listed: Listed, doubtful: Sequence[Principal]) -> None:
        there = await together(self._reader.exists(each.type, each.id) for each in doubtful)
        listed.ids |= {each.id for each, found in zip(doubtful, there, strict=True) if found}

    async def _list(self, type_: PrincipalType) -> None:
        await (self._users() if type_ == "USER" else self._groups())


class SharedDirectory:
    """The directory as the reading of memberships sees it: the list of groups or users may be one that another scope of
    the run asked for, if it was begun no earlier than this reading."""

    def __init__(self, reader: Members, census: RunCensus, begun: float) -> None:
        self._census = census
        self._begun = begun
        self.members = reader.members
        self.memberships_of = reader.memberships_of

    async def user_ids(self) -> list[str]:
        """Of all users. Asked a second time, it is a newer list. Raises ``AwsError``."""
        found = await self._census.user_ids(self._begun)
        self._begun = monotonic()
        return found

    async def group_ids(self) -> list[str]:
        """Of all groups, likewise."""
        found = await self._census.group_ids(self._begun)
        self._begun = monotonic()
        return found
