"""Writing what a snapshot changed: set by set, sorted by key, unchanged rows untouched."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import asyncpg

from grantwire.contracts.ids import TENANT
from grantwire.contracts.resources import KIND_CODES, RELATION_CODES
from grantwire.graph.delta import Changes, Delta
from grantwire.graph.displacing import displace_edges, displace_nodes
from grantwire.graph.pool import Connection
from grantwire.graph.rows import Edge, EdgeKey, Named, Node
from grantwire.graph.statements import apply as sql
from grantwire.graph.stored import edge_arrays

FEW: Final = 64  # rows: up to so many, COPY's ways to Postgres and back cost more than it saves


@dataclass(frozen=True, slots=True)
class Writer:
    """The rows of one apply, inside its transaction. Two scopes that insert the same keys do it in the same order, so
    they wait for each other and do not deadlock."""

    connection: Connection
    scope: int
    apply_id: int
    at: datetime

    async def write(self, changes: Changes) -> list[Node | Edge]:
        """Close old versions, open new ones. Returns rows that were not written because another scope owns them, and
        takes them out of ``changes``."""
        nodes, edges = changes.nodes, changes.edges
        await self._close(nodes, edges)
        await self._update_nodes([row for key, row in sorted(nodes.opening.items()) if key in nodes.closing])
        await self._update_edges([row for key, row in sorted(edges.opening.items()) if key in edges.closing])
        refused_nodes = await self.insert_nodes(row for key, row in nodes.opening.items() if key not in nodes.closing)
        refused_edges = await self.insert_edges(row for key, row in edges.opening.items() if key not in edges.closing)
        nodes.without_additions({row.key for row in refused_nodes})
        edges.without_additions({row.key for row in refused_edges})
        return [*refused_nodes, *refused_edges]

    async def insert_nodes(self, rows: Iterable[Node]) -> list[Node]:
        """New resources. Returns those that another scope owns already."""
        wanted = {row.key: row for row in rows}
        if await self._copied("node", sql.NODE_COLUMNS, [self._node_record(wanted[key]) for key in sorted(wanted)]):
            return []
        await self._put_nodes(wanted)
        if wanted:
            await displace_nodes(self.connection, list(wanted), self.apply_id, self.at)
            await self._put_nodes(wanted)
        return list(wanted.values())

    async def insert_edges(self, rows: Iterable[Edge]) -> list[Edge]:
        """New relations. Returns those that another scope owns already."""
        wanted = {stored_key(row.key): row for row in rows}
        if await self._copied("edge", sql.EDGE_COLUMNS, [self._edge_record(wanted[key]) for key in sorted(wanted)]):
            return []
        await self._put_edges(wanted)
        if wanted:
            await displace_edges(self.connection, [row.key for row in wanted.values()], self.apply_id, self.at)
            await self._put_edges(wanted)
        return list(wanted.values())

    async def _put_nodes(self, wanted: dict[UUID, Node]) -> None:
        """Take those out of ``wanted`` that nobody owned."""
        records = [self._node_record(wanted[key]) for key in sorted(wanted)]
        for written in await self.connection.fetch(sql.INSERT_NODES, *columns_of(records)):
            del wanted[written["id"]]

    async def _put_edges(self, wanted: dict[tuple[UUID, int, UUID], Edge]) -> None:
        records = [self._edge_record(wanted[key]) for key in sorted(wanted)]
        for written in await self.connection.fetch(sql.INSERT_EDGES, *columns_of(records)):
            del wanted[written["src"], written["kind"], written["dst"]]

    async def _copied(self, table: str, columns: Sequence[str], records: list[tuple[Any, ...]]) -> bool:
        """COPY is half again as fast as anything else for many rows, but it is all or nothing."""
        if not records:
            return True
        if len(records) <= FEW:
            return False
        try:
            async with self.connection.transaction():
                await self.connection.copy_records_to_table(table, records=records, columns=list(columns))
        except asyncpg.UniqueViolationError:
            return False
        return True

    async def _close(self, nodes: Delta[Node], edges: Delta[Edge]) -> None:
        ids = sorted(nodes.closing)
        changed_edges = edge_arrays(sorted(edges.closing.keys() & edges.opening.keys()))
        gone_edges = edge_arrays(sorted(edges.closing.keys() - edges.opening.keys()))
        gone_nodes = sorted(nodes.closing.keys() - nodes.opening.keys())
        run = self.connection.execute
        if ids:
            await run(sql.CLOSE_NODES, TENANT, self.scope, ids, self.apply_id, self.at)
        if changed_edges[0]:
            await run(sql.CLOSE_EDGES, TENANT, self.scope, *changed_edges, self.apply_id, self.at)
        if gone_edges[0]:
            await run(sql.REMOVE_EDGES, TENANT, self.scope, *gone_edges, self.apply_id, self.at)
        if gone_nodes:
            await run(sql.REMEMBER_NAMES, TENANT, self.scope, gone_nodes)
            await run(sql.DELETE_NODES, TENANT, self.scope, gone_nodes)

    async def _update_nodes(self, rows: list[Node]) -> None:
        if rows:
            values = [(row.key, KIND_CODES[row.kind], *_content(row)) for row in rows]
            await self.connection.execute(
                sql.UPDATE_NODES, TENANT, self.scope, *columns_of(values), self.apply_id, self.at
            )

    async def _update_edges(self, rows: list[Edge]) -> None:
        if rows:
            values = [(*stored_key(row.key), row.attributes, row.hash) for row in rows]
            await self.connection.execute(
                sql.UPDATE_EDGES, TENANT, self.scope, *columns_of(values), self.apply_id, self.at
            )

    def _node_record(self, row: Node) -> tuple[Any, ...]:
        return (TENANT, row.key, self.scope, KIND_CODES[row.kind], *_content(row), self.apply_id, self.at)

    def _edge_record(self, row: Edge) -> tuple[Any, ...]:
        return (TENANT, *stored_key(row.key), self.scope, row.attributes, row.hash, self.apply_id, self.at)


async def mention(connection: Connection, rows: Sequence[Named]) -> None:
    """Note what a scope names without owning it. Outside the apply: a slow one would make every other scope that names
    the same policy wait."""
    if not rows:
        return
    ordered = sorted(rows, key=lambda row: row.key)
    values = [
        (row.key, KIND_CODES[row.kind], row.native_id, row.account, row.name, row.attributes, row.mentioned)
        for row in ordered
    ]
    await connection.execute(sql.MENTION, TENANT, *columns_of(values))
    resources = [(row.key, row.account, row.name, row.attributes) for row in ordered if row.mentioned]
    if resources:
        await connection.execute(sql.PROMOTE, TENANT, *columns_of(resources))


def _content(row: Node) -> tuple[Any, ...]:
    return row.account, row.native_id, row.name, row.attributes, row.hash, row.lineage


def stored_key(key: EdgeKey) -> tuple[UUID, int, UUID]:
    """A relation's key as it is stored."""
    return key[0], RELATION_CODES[key[1]], key[2]


def columns_of(rows: Sequence[tuple[Any, ...]]) -> list[list[Any]]:
    """Rows, of which there is at least one, as the arrays that statements take."""
    return [list(column) for column in zip(*rows, strict=True)]


def columns(rows: Sequence[tuple[Any, ...]], width: int) -> list[list[Any]]:
    """The same of perhaps no rows."""
    return columns_of(rows) if rows else [[] for _ in range(width)]
