"""The readable log of a connector, from a place in it on."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from grantwire.contracts.ids import TENANT
from grantwire.graph.pool import Graph
from grantwire.graph.standing import not_found
from grantwire.graph.statements import life as sql

MOST: Final = 1_000  # lines of one answer


@dataclass(frozen=True, slots=True)
class Entry:
    """A line. ``id`` rises with every line of any connector."""

    id: int
    at: datetime
    level: str
    text: str


async def entries(graph: Graph, connector: str, *, after: int = 0, limit: int = 100) -> list[Entry]:
    """The newest lines after the one of id ``after``, oldest first. Raises ``NotFound`` for what never was there."""
    async with graph.connection() as connection:
        rows = await connection.fetch(sql.ENTRIES, TENANT, connector, after, min(limit, MOST))
        if not rows and not await connection.fetchval(sql.IS_KNOWN, TENANT, connector):
            raise await not_found(connection, connector)
        return [Entry(**row) for row in rows]
