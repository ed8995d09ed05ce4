"""Which principals of assignments are no more: by the directory as this run listed it, and by asking for the rest."""

from collections.abc import Sequence
from typing import Protocol

from grantwire.aws.errors import lacks_permission
from grantwire.aws.identity_center.shapes import Group, PrincipalType, User
from grantwire.collectors.identity_center.answers import Principal
from grantwire.collectors.identity_center.memory import Listed, Memory
from grantwire.collectors.identity_center.plans import by_listing
from grantwire.collectors.kit.settling import together
from grantwire.contracts.failures import AwsError
from grantwire.telemetry import monotonic


class Directory(Protocol):
    """The reads that a census is made of. Each is complete or raises ``AwsError``."""

    async def users(self) -> tuple[User, ...]: ...
    async def groups(self) -> tuple[Group, ...]: ...
    async def exists(self, type_: PrincipalType, principal: str) -> bool: ...


class RunCensus:
    """Who of one directory is no more, as one run asks it."""

    def __init__(self, memory: Memory, reader: Directory, run: str, store: str) -> None:
        self._memory = memory
        self._reader = reader
        self._run = run
        self._store = store

    async def users(self) -> tuple[User, ...]:
        """All users, listed now; the run knows them from here on. Raises ``AwsError``."""
        since = monotonic()
        found = await self._reader.users()
        self._memory.took_stock(self._run, self._store, "USER", [each.id for each in found], since)
        return found

    async def groups(self) -> tuple[Group, ...]:
        """All groups, likewise."""
        since = monotonic()
        found = await self._reader.groups()
        self._memory.took_stock(self._run, self._store, "GROUP", [each.id for each in found], since)
        return found

    async def deleted(self, principals: frozenset[Principal]) -> frozenset[Principal]:
        """Those who are no more, of principals that AWS has just named. Raises ``AwsError``."""
        named_at = monotonic()
        users = [each for each in sorted(principals) if each.type == "USER"]
        groups = [each for each in sorted(principals) if each.type == "GROUP"]
        return await self._gone("USER", users, named_at) | await self._gone("GROUP", groups, named_at)

    async def _gone(self, type_: PrincipalType, named: Sequence[Principal], named_at: float) -> frozenset[Principal]:
        """Whoever waits for the same list has its answer too."""
        listed = self._memory.listed(self._run, self._store, type_)
        if self._doubtful(listed, named, named_at):
            async with listed.asking:
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
            return
        try:
            await self._describe(listed, doubtful)
        except AwsError as error:
            if not lacks_permission(error):
                raise
            await self._list(type_)

    async def _describe(self, listed: Listed, doubtful: Sequence[Principal]) -> None:
        there = await together(self._reader.exists(each.type, each.id) for each in doubtful)
        listed.ids |= {each.id for each, found in zip(doubtful, there, strict=True) if found}

    async def _list(self, type_: PrincipalType) -> None:
        await (self.users() if type_ == "USER" else self.groups())
