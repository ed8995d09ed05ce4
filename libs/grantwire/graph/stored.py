"""Reading a scope's rows under its lock, and comparing them with a snapshot's."""

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

import asyncpg

from grantwire.contracts.ids import TENANT
from grantwire.contracts.resources import KIND_CODES, RELATION_CODES, Kind, RelationKind
from grantwire.graph.delta import Differences
from grantwire.graph.pool import Connection
from grantwire.graph.removals import attached_as
from grantwire.graph.rows import Content, Edge, EdgeKey, Node
from grantwire.graph.statements import apply as sql
from grantwire.graph.statements import facets as facet_sql

KINDS: Mapping[int, Kind] = {code: kind for kind, code in KIND_CODES.items()}
RELATIONS: Mapping[int, RelationKind] = {code: kind for kind, code in RELATION_CODES.items()}
Names = Mapping[UUID, tuple[Kind, str]]


async def node_differences(connection: Connection, scope: int, content: Content) -> Differences[Node]:
    """The scope's resources against the snapshot's."""
    new = content.nodes
    hashes = [row.hash for row in new.values()]
    records = await connection.fetch(sql.NODE_DIFFERENCES, TENANT, scope, list(new), hashes)
    old = {record["id"]: node_from(record) for record in records if record["hash"] is not None}
    return differences((record["id"] for record in records), old, new)


async def edge_differences(connection: Connection, scope: int, content: Content) -> Differences[Edge]:
    """The scope's relations against the snapshot's."""
    new = content.edges
    sources, kinds, targets = edge_arrays(new)
    hashes = [row.hash for row in new.values()]
    records = await connection.fetch(sql.EDGE_DIFFERENCES, TENANT, scope, sources, kinds, targets, hashes)
    old = await edges_from(connection, [record for record in records if record["hash"] is not None])
    return differences((_key(record) for record in records), old, new)


async def nodes_of(connection: Connection, scope: int) -> list[Node]:
    """All of the scope's resources."""
    return [node_from(record) for record in await connection.fetch(sql.NODES_OF, TENANT, scope)]


async def edges_of(connection: Connection, scope: int, ends: Iterable[UUID]) -> dict[EdgeKey, Edge]:
    """The scope's relations that name one of ``ends``."""
    return await edges_from(connection, await connection.fetch(sql.EDGES_OF, TENANT, scope, list(ends)))


async def counts(connection: Connection, scope: int) -> tuple[dict[str, int], dict[str, int]]:
    """How many resources and how many relations of each kind the scope holds. Facets are no resources."""
    nodes = await connection.fetch(sql.NODE_COUNTS, TENANT, scope)
    edges = await connection.fetch(sql.EDGE_COUNTS, TENANT, scope)
    found = {KINDS[record["kind"]].value: record["n"] for record in nodes}
    found.pop(Kind.FACET.value, None)
    return found, {RELATIONS[record["kind"]].value: record["n"] for record in edges}


async def attached_counts(connection: Connection, scope: int) -> dict[str, int]:
    """How many policies of each kind are attached in the scope, as the removal guard calls them."""
    attached = RELATION_CODES[RelationKind.ATTACHED]
    rows = await connection.fetch(sql.EDGE_COUNTS_BY_SOURCE, TENANT, scope, attached)
    return {attached_as(KINDS[row["source_kind"]]): row["n"] for row in rows}


async def facets_of(connection: Connection, scope: int) -> list[Node]:
    """The facets that the scope tells."""
    return [node_from(record) for record in await connection.fetch(facet_sql.OF_SCOPE, TENANT, scope)]


def edge_arrays(keys: Iterable[EdgeKey]) -> tuple[list[UUID], list[int], list[UUID]]:
    """Keys as the three arrays that statements take."""
    rows = [(source, RELATION_CODES[kind], target) for source, kind, target in keys]
    return [row[0] for row in rows], [row[1] for row in rows], [row[2] for row in rows]


def differences(keys: Iterable[Any], old: Mapping[Any, Any], new: Mapping[Any, Any]) -> Differences[Any]:
    """Sort keys that differ by what became of them."""
    found: Differences[Any] = Differences({}, {}, {})
    for key in keys:
        if key not in old:
            found.added[key] = new[key]
        elif key in new:
            found.changed[key] = (old[key], new[key])
        else:
            found.gone[key] = old[key]
    return found


def node_from(record: asyncpg.Record) -> Node:
    """A stored resource."""
    return Node(
        record["id"],
        KINDS[record["kind"]],
        record["native_id"],
        record["account"],
        record["name"],
        record["attributes"],
        record["lineage"],
        record["hash"],
    )


async def edges_from(connection: Connection, records: list[asyncpg.Record]) -> dict[EdgeKey, Edge]:
    """Stored relations, with the names of their ends."""
    ends = list({record[end] for record in records for end in ("src", "dst")})
    found = await connection.fetch(sql.NAMES, TENANT, ends) if ends else []
    names = {record["id"]: (KINDS[record["kind"]], record["native_id"]) for record in found}
    return {_key(record): _edge(record, names) for record in records}


def edges_named(records: Iterable[asyncpg.Record | Mapping[str, Any]]) -> dict[EdgeKey, Edge]:
    """Stored relations that came with the names of their ends."""
    return {
        _key(record): Edge(
            _key(record),
            RELATIONS[record["kind"]],
            record["source"],
            KINDS[record["source_kind"]],
            record["target"],
            KINDS[record["target_kind"]],
            record["attributes"],
            record["hash"],
        )
        for record in records
    }


def _edge(record: asyncpg.Record, names: Names) -> Edge:
    key = _key(record)
    source_kind, source = names[key[0]]
    target_kind, target = names[key[2]]
    return Edge(key, key[1], source, source_kind, target, target_kind, record["attributes"], record["hash"])


def _key(record: asyncpg.Record | Mapping[str, Any]) -> EdgeKey:
    return record["src"], RELATIONS[record["kind"]], record["dst"]
