"""A command's own reading into the graph: the parts that it shows, at once, in the transaction of its outcome.

See docs/decisions/0013-part-fences.md.
"""

from collections.abc import Sequence
from typing import Final, TypeAlias
from uuid import UUID

from grantwire.contracts.ids import TENANT
from grantwire.contracts.resources import Kind
from grantwire.graph import fencing, following, holding, parts, publishing, scopes
from grantwire.graph.changes import Teller
from grantwire.graph.delta import Changes
from grantwire.graph.facets import around
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
    row = await connection.fetchrow(sql.LOCKED_SCOPE, TENANT, patch.scope)
    if row is None:
        return Patched("unknown_scope", None)
    scope = scopes.scope_from(row)
    if scope.retired_at is not None or scope.loaded_at is None:
        await connection.execute(sql.MISSED, TENANT, scope.id, patch.fence)
        return Patched("retired" if scope.retired_at is not None else "unknown_scope", None)
    return await _apply(connection, patch, scope, row["apply_id"], traceparent)


async def _apply(connection: Connection, patch: Patch, scope: Scope, apply_id: int, traceparent: str | None) -> Patched:
    later = await _known_later(connection, patch, scope)
    newer = [read for read in patch.parts if read.part not in later]
    if not newer:
        return await _older(connection, patch, scope)
    changes = await _changes(connection, scope, newer)
    revision = await _write(connection, patch, scope, changes, apply_id, traceparent)
    await fencing.fence(connection, scope, patch, [read.part for read in newer], changes.growth, revision)
    if revision is None:
        return Patched("unchanged", await connection.fetchval(sql.REVISION, TENANT))
    return Patched("applied", revision, changes.inserted, changes.changed, changes.removed)


async def _known_later(connection: Connection, patch: Patch, scope: Scope) -> set[Part]:
    """The parts that are known from a whole reading or a patch which began no earlier than this one."""
    fences = await fencing.fences_of(connection, scope)
    began = {(fence.relation, fence.holder, fence.of): fence.began for fence in fences}
    parts = [read.part for read in patch.parts]
    later = {part for part in parts if began.get((part.relation, part.holder_id, part.of), 0) >= patch.fence}
    return later | {part for part in parts if _is_whole(scope, part) and scope.whole_began > patch.fence}


def _is_whole(scope: Scope, part: Part) -> bool:
    """Whether the last whole reading showed relations of that kind."""
    return part.relation.value in scope.covers


async def _older(connection: Connection, patch: Patch, scope: Scope) -> Patched:
    """A whole reading that began later may still have seen the part earlier than the patch did: where they differ, the
    next one brings the whole body."""
    if scope.whole_began > patch.fence and (await _changes(connection, scope, patch.parts)).size:
        await scopes.ask_again(connection, scope)
    return Patched("older", await connection.fetchval(sql.REVISION, TENANT))


async def _changes(connection: Connection, scope: Scope, reads: Sequence[PartRead]) -> Changes:
    named = [(read.part.relation, read.part.holder_id) for read in reads]
    told = sorted({id for read in reads for id in read.gone_ids | read.shown_ids})
    edges = await fencing.edges_in(connection, scope.id, named)
    nodes = await fencing.nodes_among(connection, scope.id, {*told, *parts.inside(reads, edges)})
    return parts.changes_of(reads, await fencing.with_relations(connection, scope.id, Stored(nodes, edges), told))


async def _write(
    connection: Connection, patch: Patch, scope: Scope, changes: Changes, apply_id: int, traceparent: str | None
) -> int | None:
    """Write and tell; returns the revision, or None where nothing differs."""
    await following.lock_for(connection, changes)
    await Writer(connection, scope.id, apply_id, scope.at).write(changes)
    if not changes.size:
        return None
    await holding.without(connection, scope, changes)
    teller = Teller(scope.at, patch.connector, scope.account, patch.scope, patch.cause)
    entries = list(teller.changes(changes, await around(connection, changes)))
    followed = await following.follow(connection, changes, apply_id, len(entries), patch.cause)
    entries += followed.entries
    counts = (changes.inserted, changes.changed, changes.removed, 0)
    cause = Cause(apply_id, scope.id, patch.cause, counts, scope.at, traceparent)
    revision = await publishing.tell(connection, cause, entries, [entry.change for entry in entries])
    await following.note(connection, followed, revision)
    return revision
