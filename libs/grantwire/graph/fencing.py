"""Part fences in the database: set by patches, minded and dropped by whole readings. Under the scope's lock."""

import asyncio
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

import asyncpg

from grantwire.contracts.ids import TENANT
from grantwire.contracts.resources import KIND_CODES, RELATION_CODES, Kind, RelationKind
from grantwire.graph import finishing, publishing
from grantwire.graph.changes import Entry
from grantwire.graph.coverage import Coverage
from grantwire.graph.fences import CLOCKS_DIFFER, DISPUTABLE_FOR, Amended, Dispute, Fence, absent, amended, inside
from grantwire.graph.parts import Part, PartRead, Patch, Stored, holding_end
from grantwire.graph.pool import Connection
from grantwire.graph.publishing import Cause
from grantwire.graph.rows import Content, Edge, EdgeKey, Node
from grantwire.graph.scopes import Scope, scope_from
from grantwire.graph.statements import patching as sql
from grantwire.graph.stored import KINDS, RELATIONS, edges_named, edges_of, node_from
from grantwire.graph.work import Work
from grantwire.graph.writing import columns_of

# What ``parts_now`` gives.
_PART: Final = ("src", "kind", "dst", "attributes", "hash", "source_kind", "source", "target_kind", "target")


@dataclass(frozen=True, slots=True)
class Locked:
    """A scope under its lock, the number of this apply, and what is known of some parts: ``began`` by relation kind,
    holder and kind of, where they are fenced, and the relations in them. Without the lock: ``version`` is that of the
    scope's row, and as long as it is that one all is as it was seen."""

    scope: Scope
    apply_id: int
    began: Mapping[tuple[RelationKind, UUID, Kind | None], int]
    edges: Mapping[EdgeKey, Edge]
    version: int | None = None

    def known_later(self, patch: Patch) -> set[Part]:
        """The patch's parts that are known from a whole reading or a patch which began no earlier than it."""
        read, fence = [read.part for read in patch.parts], patch.fence
        later = {part for part in read if self.began.get((part.relation, part.holder_id, part.of), 0) >= fence}
        return later | {part for part in read if self._is_whole(part) and self.scope.whole_began > fence}

    def _is_whole(self, part: Part) -> bool:
        """Whether the last whole reading showed relations of that kind."""
        return part.relation.value in self.scope.covers

    def edges_of(self, reads: Iterable[PartRead]) -> dict[EdgeKey, Edge]:
        """Those with the holders of these readings."""
        named = {(read.part.relation, read.part.holder_id) for read in reads}
        return {key: row for key, row in self.edges.items() if (row.kind, holding_end(row)) in named}


async def locked(connection: Connection, patch: Patch) -> Locked | None:
    """The patch's scope and parts; None for a scope that nobody knows."""
    return await _parts_of(connection, sql.LOCKED_PARTS, patch.scope, [read.part for read in patch.parts])


async def seen(connection: Connection, scope: str, part: Part) -> Locked | None:
    """The same of one part, without the lock."""
    return await _parts_of(connection, sql.SEEN_PARTS, scope, [part])


async def _parts_of(connection: Connection, statement: str, scope: str, of: Sequence[Part]) -> Locked | None:
    named = {(RELATION_CODES[part.relation], part.holder_id) for part in of}
    row = await connection.fetchrow(statement, TENANT, scope, *columns_of(sorted(named)))
    if row is None:
        return None
    began = {(RELATIONS[relation], holder, KINDS.get(of)): at for relation, holder, of, at in row["fences"]}
    edges = edges_named(dict(zip(_PART, values, strict=True)) for values in row["parts"])
    return Locked(scope_from(row), row["apply_id"], began, edges, row["version"])


async def fences_of(work: Work) -> list[Fence]:
    """The parts of a scope that commands changed not long ago; nearly always none."""
    rows = await work.connection.fetch(sql.FENCES, TENANT, work.scope.id, _began(work), DISPUTABLE_FOR)
    return [_fence(row) for row in rows]


def _began(work: Work) -> datetime:
    """When the reading began, or a moment earlier, by the database's clock: it may have taken minutes, and waited."""
    lasted = timedelta(seconds=work.seal.seconds)
    return min(work.scope.at - lasted, work.seal.read_began_at + CLOCKS_DIFFER)


async def minded(work: Work, content: Content) -> Amended:
    """A whole reading as far as it counts: parts that were patched after it began stay as they are, and so do those
    that it contradicts too early."""
    known = await fences_of(work)
    fences = [fence for fence in known if fence.fresh or fence.began > work.seal.fence]
    if not fences:
        return Amended(content, [], [])
    parts = [(fence.relation, fence.holder) for fence in fences]
    stored = await stored_of(work.connection, work.scope.id, parts, inside(content, fences))
    stored = await with_relations(work.connection, work.scope.id, stored, absent(content, stored))
    return await asyncio.to_thread(amended, content, work.seal.fence, Coverage.of(work.seal), fences, stored)


async def settle(work: Work, disputes: Sequence[Dispute] = ()) -> None:
    """After a whole reading was applied: fences that it was later than have done their work, once AWS no longer answers
    from before the write. Of what is disputed another reading is asked for, once, for when it decides."""
    connection, scope = work.connection, work.scope
    shown = [code for kind, code in RELATION_CODES.items() if kind.value in work.seal.covers]
    await connection.execute(sql.SETTLE, TENANT, scope.id, work.seal.fence, _began(work), DISPUTABLE_FOR, shown)
    news = [dispute.fence for dispute in disputes if not dispute.fence.disputed]
    if news:
        await connection.execute(sql.DISPUTE, TENANT, scope.id, *_columns(news))
        at = max(fence.decided_at for fence in news)
        await finishing.ask_later(connection, work.seal, work.traceparent, at)


@dataclass(frozen=True, slots=True)
class Fencing:
    """From now on readings that began before the patch say nothing about these parts of it."""

    scope: Scope
    patch: Patch
    parts: tuple[Part, ...]

    def rows(self) -> list[list[Any]]:
        return columns_of([(RELATION_CODES[part.relation], part.holder_id, _code(part.of)) for part in self.parts])


async def fence(connection: Connection, what: Fencing, growth: int = 0, revision: int | None = None) -> None:
    """``growth`` is how many rows more the scope has by the patch, ``revision`` that of what it changed."""
    patch, scope = what.patch, what.scope
    said = (patch.fence, growth, patch.cause, scope.at, revision)
    await connection.execute(sql.FENCE, TENANT, scope.id, *what.rows(), *said)


async def tell_and_fence(
    connection: Connection, cause: Cause, entries: Sequence[Entry], what: Fencing, growth: int
) -> int:
    """The same with the messages of what the patch changed, which make the revision that is returned."""
    messages = [entry.change for entry in entries]
    if (values := publishing.values(cause, entries, messages)) is not None:
        given = (*values, *what.rows(), what.patch.fence, growth)
        return int(await connection.fetchval(sql.TELL_AND_FENCE, TENANT, *given))
    revision = await publishing.tell(connection, cause, entries, messages)
    await fence(connection, what, growth, revision)
    return revision


async def stored_of(
    connection: Connection, scope: int, parts: Iterable[tuple[RelationKind, UUID]], more: Iterable[UUID]
) -> Stored:
    """What the scope holds of some parts, by relation kind and holder, with the scope's resources among their ends and
    ``more``."""
    named = list(parts)
    edges = await edges_in(connection, scope, named)
    ids = {*(holder for _, holder in named), *more, *(end for key in edges for end in (key[0], key[2]))}
    return Stored(await nodes_among(connection, scope, ids), edges)


async def edges_in(
    connection: Connection, scope: int, parts: Iterable[tuple[RelationKind, UUID]]
) -> dict[EdgeKey, Edge]:
    """The scope's relations in some parts, by relation kind and holder."""
    kinds, holders = columns_of([(RELATION_CODES[kind], holder) for kind, holder in parts])
    return edges_named(await connection.fetch(sql.PARTS, TENANT, scope, kinds, holders))


async def with_relations(connection: Connection, scope: int, stored: Stored, ids: Sequence[UUID]) -> Stored:
    """The same with all relations of some resources, and the scope's resources that these name."""
    if not ids:
        return stored
    edges = await edges_of(connection, scope, ids)
    ends = {end for key in edges for end in (key[0], key[2])}
    nodes = await nodes_among(connection, scope, ends - stored.nodes.keys())
    return Stored({**stored.nodes, **nodes}, {**stored.edges, **edges})


def _fence(row: asyncpg.Record) -> Fence:
    return Fence(
        RELATIONS[row["relation"]],
        row["holder"],
        KINDS.get(row["of_kind"]),
        row["began"],
        row["cause"],
        row["patched_at"],
        row["disputed"],
        row["fresh"],
    )


async def nodes_among(connection: Connection, scope: int, ids: Collection[UUID]) -> dict[UUID, Node]:
    """The scope's resources among some ids."""
    records = await connection.fetch(sql.NODES, TENANT, scope, list(ids)) if ids else []
    return {record["id"]: node_from(record) for record in records}


def _columns(fences: Sequence[Fence]) -> list[list[Any]]:
    return columns_of([(RELATION_CODES[each.relation], each.holder, _code(each.of)) for each in fences])


def _code(of: Kind | None) -> int:
    return KIND_CODES[of] if of else 0
