"""The outbox: what must still reach the bus, in the order in which it happened."""

import json
from base64 import b64decode
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from grantwire.graph.outages import noticed
from grantwire.graph.pool import Connection, Graph
from grantwire.graph.statements import outbox as sql
from grantwire.graph.telling import Told
from grantwire.telemetry import monotonic

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


class Notices:
    """Rows of the outbox of outcomes that came in the notice of them, in the order in which they were committed. They
    can be passed on without a look at the outbox while no notice was missed: nothing waits before them then.

    Holds at most ``most`` rows, and wants a look after ``seconds`` in any case. ``sent`` is what the bus has and the
    outboxes still hold."""

    def __init__(self, most: int, seconds: float, clock: Callable[[], float] = monotonic) -> None:
        self._most, self._seconds, self._clock = most, seconds, clock
        self._told: list[Told] = []
        self._found: frozenset[int] = frozenset()  # by the last look: their notices may come later
        self._looked_at = clock()
        self._missed = True  # there may be what was told before anybody listened
        self._changes = False
        self.sent = Waiting()

    def hear(self, channel: str, said: str) -> None:
        """A notice; ``channel`` is empty where notices may have been missed."""
        if channel == "grantwire_outbox":
            self._changes = True
        elif said and len(self._told) < self._most:
            self._told.append(_told(said))
        else:
            self._missed = True

    def take(self) -> tuple[list[Told], bool]:
        """What can be passed on as it stands, once, and whether the outboxes must be looked at after that."""
        told = [] if self._missed else [row for row in self._told if row.id not in self._found]
        late = self._clock() - self._looked_at >= self._seconds
        look = self._missed or self._changes or late or not self._told
        self._told, self._missed, self._changes = [], False, False
        return told, look

    def looked(self, waiting: Waiting) -> None:
        """That look found these. Where it could not find all, what is heard meanwhile comes after the rest."""
        self._found = frozenset(row.id for row in waiting.told)
        self._looked_at = self._clock()
        self._missed = self._missed or len(waiting.told) >= self._most

    def settled(self) -> Waiting:
        """What was sent, which is being deleted now."""
        sent, self.sent = self.sent, Waiting()
        return sent


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


def _told(said: str) -> Told:
    """A row as ``statements.outbox.told_notice`` spells it out."""
    id, tenant, message_id, subject, type, source, body, traceparent, at = json.loads(said)
    when = datetime.fromisoformat(at)
    return Told(id, tenant, message_id, subject, type, source, b64decode(body), traceparent, when)


def _keys(sent: Waiting) -> tuple[list[int], ...]:
    told, changes = sent.told, sent.changes
    by_revision = [row.tenant for row in changes], [row.revision for row in changes], [row.n for row in changes]
    return [row.tenant for row in told], [row.id for row in told], *by_revision
