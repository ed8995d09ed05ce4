"""Reading the graph: everything that a face of Grantwire asks."""

from dataclasses import dataclass

from grantwire.contracts.ids import TENANT
from grantwire.graph.access import can, who_can
from grantwire.graph.answers import Answer, Path, Provisioned, Step
from grantwire.graph.export import export
from grantwire.graph.names import resolve
from grantwire.graph.nodes import Node
from grantwire.graph.pool import Graph
from grantwire.graph.statements import queries as sql
from grantwire.graph.stored import KINDS, RELATIONS
from grantwire.graph.views import ScopeView, scopes

__all__ = [
    "Answer",
    "Counts",
    "Node",
    "Path",
    "Provisioned",
    "ScopeView",
    "Step",
    "can",
    "counts",
    "export",
    "resolve",
    "revision",
    "scopes",
    "who_can",
]


@dataclass(frozen=True, slots=True)
class Counts:
    """How many resources and relations there are, by kind, as the export shows them; kinds without any are left out."""

    resources: dict[str, int]
    relations: dict[str, int]


async def counts(graph: Graph) -> Counts:
    async with graph.transaction(snapshot=True) as connection:
        nodes = await connection.fetch(sql.NODE_COUNTS, TENANT)
        edges = await connection.fetch(sql.EDGE_COUNTS, TENANT)
    return Counts(
        dict(sorted((KINDS[row["kind"]].value, row["n"]) for row in nodes)),
        dict(sorted((RELATIONS[row["kind"]].value, row["n"]) for row in edges)),
    )


async def revision(graph: Graph) -> int:
    """The newest revision that a reader sees; 0 before anything was loaded."""
    async with graph.connection() as connection:
        return int(await connection.fetchval(sql.REVISION, TENANT))
