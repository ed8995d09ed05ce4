"""A command's own reading into the graph: the parts that it shows, at once, in the transaction of its outcome.

See docs/decisions/0013-part-fences.md.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias
from uuid import UUID

from grantwire.contracts.ids import TENANT
from grantwire.contracts.resources import Kind
from grantwire.graph import fencing, following, holding, parts, scopes
from grantwire.graph.changes import Teller
from grantwire.graph.delta import Changes
from grantwire.graph.facets import around
from grantwire.graph.fencing import Fencing, Locked
from grantwire.graph.outages import repeated
from grantwire.graph.parts import Part, PartRead, Patch, Patched, Stored
from grantwire.graph.pool import Connection, Graph
from grantwire.graph.publishing import Cause
from grantwire.graph.rows import Named
from grantwire.graph.scopes import Scope
from grantwire.graph.statements import patching as sql
from grantwire.graph.writing import Writer, mention

__all__ = ["NONE", "Names", "Part", "PartRead", "Patch", "Patched", "apply_patch", "mention_ahead", "mention_for"]


Names: TypeAlias = frozenset[tuple[UUID, bool]]
NONE: Final[Names] = frozenset()


async def mention_for(graph: Graph, patch: Patch, known: Names = NONE) -> None:
    """Look whether the patch is well-formed, and note what it names without owning it, in a short transaction of its
    own, before it is applied; ``known`` was noted ahead. Raises ``Malformed``."""
    await _mention(graph, [row for row in parts.content(patch).named if _name(row) not in known])


async def mention_ahead(graph: Graph, read: PartRead, *ends: tuple[Kind, str]) -> Names:
    """The same for a part as it was before it is changed, and the ends of the relation that comes or goes: nearly all
    that the next reading of it names, noted while something else is waited for."""
    named = parts.named(read, ends)
    await _mention(graph, named)
    return frozenset(_name(row) for row in named)


def _name(row: Named) -> tuple[UUID, bool]:
    return row.key, row.mentioned


async def _mention(graph: Graph, named: Sequence[Named]) -> None:
    alone = not any(row.mentioned for row in named)  # one statement is a transaction by itself

    async def work() -> None:
        async with graph.connection() if alone else graph.transaction() as connection:
            await mention(connection, named)

    if named:
        await repeated(work)


async def apply_patch(connection: Connection, patch: Patch, *, traceparent: str | None) -> Patched:
    """Apply the parts that are not known from a later reading, inside the caller's transaction. It takes the tenant's
    revision: the caller writes little after it, applies one patch in a transaction, and repeats that transaction when
    Postgres asks (``outages.repeated``). ``mention_for`` comes before it. A row that another scope owns stays that
    scope's.

    After ``older`` a whole reading that began later says what readers see: whoever needs to be seen publishes another
    begin, reads again, and patches with that fence."""
    if (locked := await fencing.locked(connection, patch)) is None:
        return Patched("unknown_scope", None)
    scope = locked.scope
    if scope.retired_at is not None or scope.loaded_at is None:
        await connection.execute(sql.MISSED, TENANT, scope.id, patch.fence)
        return Patched("retired" if scope.retired_at is not None else "unknown_scope", None)
    return await _Applying(connection, patch, locked, traceparent).apply()


@dataclass(frozen=True, slots=True)
class _Applying:
    """A patch of a scope that counts, under its lock."""

    connection: Connection
    patch: Patch
    locked: Locked
    traceparent: str | None

    @property
    def scope(self) -> Scope:
        return self.locked.scope

    async def apply(self) -> Patched:
        later = self._known_later()
        newer = [read for read in self.patch.parts if read.part not in later]
        if not newer:
            return await self._older()
        changes = await self._changes(newer)
        fence = Fencing(self.scope, self.patch, tuple(read.part for read in newer))
        revision = await self._write(changes, fence)
        if revision is None:
            await fencing.fence(self.connection, fence)
            return Patched("unchanged", await self.connection.fetchval(sql.REVISION, TENANT))
        return Patched("applied", revision, changes.inserted, changes.changed, changes.removed)

    def _known_later(self) -> set[Part]:
        """The parts that are known from a whole reading or a patch which began no earlier than this one."""
        parts, fence, began = [read.part for read in self.patch.parts], self.patch.fence, self.locked.began
        later = {part for part in parts if began.get((part.relation, part.holder_id, part.of), 0) >= fence}
        return later | {part for part in parts if self._is_whole(part) and self.scope.whole_began > fence}

    def _is_whole(self, part: Part) -> bool:
        """Whether the last whole reading showed relations of that kind."""
        return part.relation.value in self.scope.covers

    async def _older(self) -> Patched:
        """A whole reading that began later may still have seen the part earlier than the patch did: where they differ,
        the next one brings the whole body."""
        if self.scope.whole_began > self.patch.fence and (await self._changes(self.patch.parts)).size:
            await scopes.ask_again(self.connection, self.scope)
        return Patched("older", await self.connection.fetchval(sql.REVISION, TENANT))

    async def _changes(self, reads: Sequence[PartRead]) -> Changes:
        connection, scope, edges = self.connection, self.scope.id, self.locked.edges_of(reads)
        told = sorted({id for read in reads for id in read.gone_ids | read.shown_ids})
        nodes = await fencing.nodes_among(connection, scope, {*told, *parts.inside(reads, edges)})
        return parts.changes_of(reads, await fencing.with_relations(connection, scope, Stored(nodes, edges), told))

    async def _write(self, changes: Changes, fence: Fencing) -> int | None:
        """Write, tell and fence; returns the revision, or None where nothing differs, which is not fenced yet."""
        connection, scope, patch, apply_id = self.connection, self.scope, self.patch, self.locked.apply_id
        await following.lock_for(connection, changes)
        await Writer(connection, scope.id, apply_id, scope.at).write(changes)
        if not changes.size:
            return None
        await holding.without(connection, scope, changes)
        teller = Teller(scope.at, patch.connector, scope.account, patch.scope, patch.cause)
        entries = list(teller.changes(changes, await around(connection, changes)))
        followed = await following.follow(connection, changes, apply_id, len(entries), patch.cause)
        counts = (changes.inserted, changes.changed, changes.removed, 0)
        cause = Cause(apply_id, scope.id, patch.cause, counts, scope.at, self.traceparent)
        entries += followed.entries
        revision = await fencing.tell_and_fence(connection, cause, entries, fence, changes.growth)
        await following.note(connection, followed, revision)
        return revision
