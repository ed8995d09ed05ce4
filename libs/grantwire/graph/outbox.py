"""The outbox: what must still reach the bus, in the order in which it happened."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

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


@dataclass(frozen=True, slots=True)
class Waiting:
    """What waits for the bus: messages about commands, two of one command in the order in which they were told, and
    messages about changes in (revision, n) order."""

    told: list[Told] = field(default_factory=list)
    changes: list[OutboxRow] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.told or self.changes)


class Leader:
    """The right to publish, for as long as one connection lives."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def waiting(self, limit: int) -> Waiting | None:
        """The oldest messages, at most so many of each; None when the lead was lost. Raises ``DependencyDown``."""
        with noticed():
            row = await self._connection.fetchrow(sql.FETCH, _LOCK, limit)
        if row is None:
            return None
        return Waiting([Told(*each) for each in row["told"]], [OutboxRow(*each) for each in row["changes"]])

    async def delete(self, sent: Waiting) -> None:
        """The bus has these. Raises ``DependencyDown``."""
        with noticed():
            await self._connection.execute(sql.DELETE, *_keys(sent))


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


def _keys(sent: Waiting) -> tuple[list[int], ...]:
    told, changes = sent.told, sent.changes
    by_revision = [row.tenant for row in changes], [row.revision for row in changes], [row.n for row in changes]
    return [row.tenant for row in told], [row.id for row in told], *by_revision
