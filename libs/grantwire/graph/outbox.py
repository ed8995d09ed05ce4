"""The outbox: what must still reach the bus, in the order in which it happened."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from grantwire.contracts.failures import DependencyDown
from grantwire.graph.outages import noticed
from grantwire.graph.pool import Connection, Graph
from grantwire.graph.statements import outbox as sql
from grantwire.graph.telling import Told

_LOCK: Final = 7_266_002  # an advisory lock of this database; any number that nothing else uses


@dataclass(frozen=True, slots=True)
class OutboxRow:
    """One message. ``type`` is its CloudEvents type, ``source`` the connector, ``at`` when the change was applied."""

    tenant: int
    revision: int
    n: int
    subject: str
    type: str
    source: str
    body: bytes
    traceparent: str | None
    at: datetime


class Leader:
    """The right to publish, for as long as one connection lives."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def told(self, limit: int) -> list[Told]:
        """The oldest messages about commands; none when the lead was lost. Two of one command stand in the order in
        which they were told. Raises ``DependencyDown``."""
        with noticed():
            return [Told(*row.values()) for row in await self._connection.fetch(sql.FETCH_TOLD, _LOCK, limit)]

    async def changes(self, limit: int) -> list[OutboxRow]:
        """The first messages about changes in (revision, n) order; none when the lead was lost. Raises
        ``DependencyDown``."""
        with noticed():
            return [OutboxRow(*row.values()) for row in await self._connection.fetch(sql.FETCH, _LOCK, limit)]

    async def still_held(self) -> bool:
        """Ask when there is nothing: after a failover or a cut connection another relay may lead."""
        try:
            with noticed():
                return bool(await self._connection.fetchval(sql.HOLDS, _LOCK))
        except DependencyDown:
            return False


@asynccontextmanager
async def leader(graph: Graph) -> AsyncIterator[Leader]:
    """Wait until no other relay publishes, then lead. Uses one connection of the pool. Raises ``DependencyDown``."""
    async with graph.reserved() as connection:
        with noticed():
            await connection.execute(sql.LEAD, _LOCK)
        try:
            yield Leader(connection)
        finally:
            with suppress(Exception):  # the connection may be gone, and the lock with it
                await connection.execute(sql.RESIGN, _LOCK)


async def delete(graph: Graph, rows: Sequence[OutboxRow]) -> None:
    """The bus has these."""
    keys = [[row.tenant for row in rows], [row.revision for row in rows], [row.n for row in rows]]
    async with graph.connection() as connection:
        await connection.execute(sql.DELETE, *keys)
