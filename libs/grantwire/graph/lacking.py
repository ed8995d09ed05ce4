"""What the graph holds of a scope and a new reading lacks. Reads only."""

from collections.abc import Collection
from typing import Final, NamedTuple

from grantwire.contracts.ids import TENANT
from grantwire.contracts.resources import KIND_CODES, RELATION_CODES, Kind, RelationKind
from grantwire.graph.pool import Graph
from grantwire.graph.statements import lacking as sql

_KINDS: Final = {code: kind for kind, code in KIND_CODES.items()}


class Ends(NamedTuple):
    """The two ends of a relation, by their native ids."""

    source_kind: Kind
    source: str
    target: str


async def size(graph: Graph, scope: str, kind: Kind) -> int:
    """How many resources of a kind the scope holds. Raises ``DependencyDown``; so do the others."""
    async with graph.connection() as connection:
        found: int = await connection.fetchval(sql.SIZE, TENANT, scope, KIND_CODES[kind])
    return found


async def resources(graph: Graph, scope: str, kind: Kind, present: Collection[str], most: int) -> list[str]:
    """Native ids that the scope holds and that are not ``present``: any of them, at most so many."""
    async with graph.connection() as connection:
        rows = await connection.fetch(sql.RESOURCES, TENANT, scope, KIND_CODES[kind], list(present), most)
    return [row["native_id"] for row in rows]


async def relations(
    graph: Graph, scope: str, kind: RelationKind, present: Collection[tuple[str, str]], most: int
) -> list[Ends]:
    """Relations that the scope holds and whose ends are not ``present``: any of them, at most so many."""
    sources, targets = [source for source, _ in present], [target for _, target in present]
    async with graph.connection() as connection:
        rows = await connection.fetch(sql.RELATIONS, TENANT, scope, RELATION_CODES[kind], sources, targets, most)
    return [Ends(_KINDS[row["source_kind"]], row["source"], row["target"]) for row in rows]
