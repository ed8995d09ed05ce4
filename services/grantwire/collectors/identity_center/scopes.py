"""Which reading a scope's key asks for."""

from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass
from typing import Protocol

from grantwire.aws import AwsSession
from grantwire.aws.identity_center.directory import DirectoryReader
from grantwire.aws.identity_center.reader import PermissionSetReader
from grantwire.collectors.identity_center.absences import Absences
from grantwire.collectors.identity_center.assignments import fetch_assignments
from grantwire.collectors.identity_center.census import RunCensus, SharedDirectory
from grantwire.collectors.identity_center.directory import fetch_groups, fetch_memberships, fetch_users
from grantwire.collectors.identity_center.memory import Memory
from grantwire.collectors.identity_center.plans import Sizes, membership_plan
from grantwire.collectors.identity_center.sets import fetch_permission_sets
from grantwire.collectors.kit.reading import Reading
from grantwire.contracts.failures import Malformed
from grantwire.contracts.identity_center import IdentityCenter
from grantwire.contracts.resources import Kind, RelationKind
from grantwire.graph.lacking import Ends


class Stored(Protocol):
    """What the graph keeps of scopes."""

    async def sizes(self, store: str) -> Sizes: ...
    async def resources(self, scope: str, kind: Kind, present: Collection[str], most: int) -> list[str]: ...
    async def relations(
        self, scope: str, kind: RelationKind, present: Collection[tuple[str, str]], most: int
    ) -> list[Ends]: ...


@dataclass(frozen=True, slots=True)
class Asked:
    """Of which scope of which instance a run asks, as which account, and since when (monotonic seconds): what AWS told
    before that is not of this reading."""

    center: IdentityCenter
    scope: str
    run: str
    account: str
    begun: float


@dataclass(frozen=True, slots=True)
class OneScope:
    """What the graph keeps of one of them."""

    stored: Stored
    scope: str

    async def resources(self, kind: Kind, present: Collection[str], most: int) -> list[str]:
        return await self.stored.resources(self.scope, kind, present, most)

    async def relations(self, kind: RelationKind, present: Collection[tuple[str, str]], most: int) -> list[Ends]:
        return await self.stored.relations(self.scope, kind, present, most)


class Scopes:
    """One scope of an instance, read through one session."""

    def __init__(self, session: AwsSession, asked: Asked, memory: Memory, stored: Stored) -> None:
        self._asked = asked
        self._memory = memory
        self._stored = stored
        self._directory = DirectoryReader(session, asked.center)
        self._sets = PermissionSetReader(session, asked.center)
        self._census = RunCensus(memory, self._directory, asked.run, asked.center.identity_store)
        one = OneScope(stored, asked.scope)
        self._absences = Absences(one, self._directory, self._sets, asked.account)

    async def read(self) -> Reading:
        """Raises ``AwsError``, and ``Malformed`` for a scope that is none of this instance's."""
        kind, _, subject = self._asked.scope.partition("/")
        center = self._asked.center
        if kind == "assignments":
            return await fetch_assignments(self._sets, self._census, self._absences, subject)
        readings: dict[tuple[str, str], Callable[[], Awaitable[Reading]]] = {
            ("directory_users", center.identity_store): self._users,
            ("directory_groups", center.identity_store): self._groups,
            ("directory_memberships", center.identity_store): self._memberships,
            ("permission_sets", center.instance_arn.rpartition("/")[2]): self._permission_sets,
        }
        if (read := readings.get((kind, subject))) is None:
            raise Malformed(f"The scope {self._asked.scope!r} is none of Identity Center {center.instance_arn}.")
        return await read()

    async def _users(self) -> Reading:
        return await fetch_users(self._census, self._absences)

    async def _groups(self) -> Reading:
        return await fetch_groups(self._census, self._absences)

    async def _memberships(self) -> Reading:
        plan = membership_plan(await self._sizes())
        reader = SharedDirectory(self._directory, self._census, self._asked.begun)
        return await fetch_memberships(reader, self._absences, plan, self._asked.account)

    async def _permission_sets(self) -> Reading:
        return await fetch_permission_sets(self._sets, self._absences, self._asked.account)

    async def _sizes(self) -> Sizes:
        """As this process listed the directory last, else as the graph has it."""
        store = self._asked.center.identity_store
        known = self._memory.sizes(store)
        return known if None not in (known.users, known.groups) else await self._stored.sizes(store)
