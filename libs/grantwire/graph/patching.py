"""A command's own reading into the graph: the parts that it shows, at once, in the transaction of its outcome.

See docs/decisions/0013-part-fences.md.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, TypeAlias
from uuid import UUID

from grantwire.contracts.failures import Malformed
from grantwire.contracts.ids import TENANT
from grantwire.contracts.resources import Kind
from grantwire.graph import fencing, following, holding, parts, publishing, scopes
from grantwire.graph.changes import Teller
from grantwire.graph.delta import Changes
from grantwire.graph.derived import moved
from grantwire.graph.facets import around
from grantwire.graph.fencing import Fencing, Locked
from grantwire.graph.outages import repeated
from grantwire.graph.parts import Part, PartRead, Patch, Patched, Stored
from grantwire.graph.pool import Connection, Graph
from grantwire.graph.publishing import Cause
from grantwire.graph.rows import Named
from grantwire.graph.scopes import Scope
from grantwire.graph.statements import patching as sql
from grantwire.graph.writing import FEW, Writer, columns, mention, stored_key

__all__ = [
    "NOTHING", "Foreseen", "Names", "Part", "PartRead", "Patch", "Patched", "apply_patch", "drafted", "expecting",
    "foresee", "mention_for",
]  # fmt: skip


Names: TypeAlias = frozenset[tuple[UUID, bool]]
NONE: Final[Names] = frozenset()


@dataclass(frozen=True, slots=True)
class Foreseen:
    """What was done ahead of a patch: ``names`` are noted, ``seen`` is the scope of ``part`` as it was then, and
    ``expected`` the patch that is thought to come, which comes to ``draft``."""

    names: Names = NONE
    seen: Locked | None = None
    part: Part | None = None
    expected: Patch | None = None
    draft: "Draft | None" = None


NOTHING: Final = Foreseen()


async def mention_for(graph: Graph, patch: Patch, known: Names = NONE) -> None:
    """Look whether the patch is well-formed, and note what it names without owning it, in a short transaction of its
    own, before it is applied; ``known`` was noted ahead. Raises ``Malformed``."""
    await _mention(graph, [row for row in parts.content(patch).named if _name(row) not in known])


async def foresee(graph: Graph, scope: str, read: PartRead, *ends: tuple[Kind, str]) -> Foreseen:
    """While something else is waited for: note what a part names as it was before it is changed, and the ends of the
    relation that comes or goes, nearly all that the next reading of it names; and look what is stored of it."""
    named = parts.named(read, ends)
    await _mention(graph, named)
    async with graph.connection() as connection:
        found = await fencing.seen(connection, scope, read.part)
    return Foreseen(frozenset(_name(row) for row in named), found, read.part)


def expecting(foreseen: Foreseen, patch: Patch, traceparent: str | None) -> Foreseen:
    """Draft ahead what this patch would come to. Pure; nothing rests on it if another one comes."""
    try:
        named, draft = parts.content(patch).named, drafted(patch, foreseen, traceparent)
    except Malformed:  # said of what is read, if it is that
        return foreseen
    if draft is None or any(_name(row) not in foreseen.names for row in named):
        return foreseen
    return replace(foreseen, expected=patch, draft=draft)


@dataclass(frozen=True, slots=True)
class Draft:
    """What a patch comes to where the scope is as it was foreseen: ``values`` of ``statements.patching.ending`` up to
    the end of its command."""

    values: tuple[Any, ...]
    changes: Changes

    def patched(self, revision: int) -> Patched:
        return Patched("applied", revision, self.changes.inserted, self.changes.changed, self.changes.removed)


def drafted(patch: Patch, foreseen: Foreseen, traceparent: str | None) -> Draft | None:
    """None where there is more to do than to take relations away and add new ones, or nothing, or another part was
    looked at. Pure."""
    seen = foreseen.seen
    if seen is None or [read.part for read in patch.parts] != [foreseen.part]:
        return None
    if patch.parts[0].gone or patch.parts[0].resources:
        return None
    scope, edges = seen.scope, seen.edges_of(patch.parts)
    if scope.retired_at is not None or scope.loaded_at is None or scope.held_set is not None:
        return None
    if seen.known_later(patch) or parts.inside(patch.parts, edges):
        return None
    changes = parts.changes_of(patch.parts, Stored({}, edges))
    if not 0 < changes.size <= FEW or changes.edges.changed or moved(changes):
        return None
    return _draft(patch, seen, changes, traceparent)


def _draft(patch: Patch, seen: Locked, changes: Changes, traceparent: str | None) -> Draft | None:
    cause = _cause(patch, seen, changes, traceparent)
    entries = list(_teller(patch, seen.scope).changes(changes))
    told = publishing.values(cause, entries, [entry.change for entry in entries])
    if told is None:
        return None
    fence = Fencing(seen.scope, patch, (patch.parts[0].part,))
    came = [(*stored_key(row.key), row.attributes, row.hash) for row in changes.edges.added]
    gone = [stored_key(row.key) for row in changes.edges.removed]
    where = (*fence.rows(), patch.fence, changes.growth, patch.scope, seen.version)
    return Draft((*told, *where, *columns(gone, 3), *columns(came, 5)), changes)


def _cause(patch: Patch, locked: Locked, changes: Changes, traceparent: str | None) -> Cause:
    counts, scope = (changes.inserted, changes.changed, changes.removed, 0), locked.scope
    return Cause(locked.apply_id, scope.id, patch.cause, counts, scope.at, traceparent)


def _teller(patch: Patch, scope: Scope) -> Teller:
    return Teller(scope.at, patch.connector, scope.account, patch.scope, patch.cause)


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
        later = self.locked.known_later(self.patch)
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
        entries = list(_teller(patch, scope).changes(changes, await around(connection, changes)))
        followed = await following.follow(connection, changes, apply_id, len(entries), patch.cause)
        cause = _cause(patch, self.locked, changes, self.traceparent)
        entries += followed.entries
        revision = await fencing.tell_and_fence(connection, cause, entries, fence, changes.growth)
        await following.note(connection, followed, revision)
        return revision
