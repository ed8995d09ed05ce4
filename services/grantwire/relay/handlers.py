"""One batch of each outbox onto the bus, and what a dead letter means for the run it came from."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Protocol

import structlog

from grantwire.bus import Delivery, Outgoing
from grantwire.contracts.envelope import Envelope
from grantwire.contracts.failures import Malformed
from grantwire.contracts.jobs import CollectScope
from grantwire.contracts.streams import CHANGES, JOBS, OUTCOMES, Stream
from grantwire.graph import Graph, outbox, runs, telling
from grantwire.graph.outbox import Leader, OutboxRow
from grantwire.graph.telling import Told
from grantwire.telemetry import Recorder, context_from, current_traceparent, span, utc_now

log = structlog.get_logger(__name__)
BATCH = 200


class Publish(Protocol):
    """Where changes go: the bus, in life."""

    async def send_batch(self, stream: Stream, items: Sequence[Outgoing]) -> None: ...


@dataclass(frozen=True)
class Relay:
    """Rows are deleted only after the bus acknowledged them; killed between the two, the same message ids are sent
    again and the stream keeps one of each."""

    graph: Graph
    publish: Publish
    recorder: Recorder

    async def forward(self, leader: Leader) -> int:
        """Publish the oldest changes; says how many. Raises ``DependencyDown``."""
        rows = await leader.changes(BATCH)
        for traceparent, group in groupby(rows, key=lambda row: row.traceparent):
            await self._forward(traceparent, list(group))
        return len(rows)

    async def tell(self, leader: Leader) -> int:
        """Publish the oldest messages about commands; says how many. Raises ``DependencyDown``."""
        rows = await leader.told(BATCH)
        for traceparent, group in groupby(rows, key=lambda row: row.traceparent):
            await self._tell(traceparent, list(group))
        return len(rows)

    async def _tell(self, traceparent: str | None, rows: list[Told]) -> None:
        attributes = {"grantwire.outcomes": len(rows)}
        with span("relay", "relay outcomes", attributes=attributes, parent=context_from(traceparent)):
            await self.publish.send_batch(OUTCOMES, [_outcome(row) for row in rows])
        await telling.delete(self.graph, rows)
        self._record(rows, OUTCOMES)

    async def _forward(self, traceparent: str | None, rows: list[OutboxRow]) -> None:
        with span(
            "relay", "relay changes", attributes={"grantwire.changes": len(rows)}, parent=context_from(traceparent)
        ):
            await self.publish.send_batch(CHANGES, [_outgoing(row) for row in rows])
        await outbox.delete(self.graph, rows)
        self._record(rows, CHANGES)

    def _record(self, rows: Sequence[OutboxRow] | Sequence[Told], stream: Stream) -> None:
        now = utc_now()
        self.recorder.count("grantwire.outbox.published", len(rows), stream=stream.name)
        for row in rows:
            self.recorder.observe("grantwire.outbox.lag", (now - row.at).total_seconds(), stream=stream.name)

    async def message_died(self, letter: Delivery, reason: str) -> None:
        """A job that will never be carried out ends its scope's part of the run, with the reason."""
        if letter.stream != JOBS.name:
            return
        try:
            job = CollectScope.parse(letter.body)
        except Malformed:
            return  # nothing of ours waits for a message that cannot be read
        await runs.failed(self.graph, job.run, job.scope, reason)


def _outgoing(row: OutboxRow) -> Outgoing:
    return _addressed(row, f"ob:{row.tenant}:{row.revision}:{row.n}")


def _outcome(row: Told) -> Outgoing:
    return _addressed(row, row.message_id)


def _addressed(row: OutboxRow | Told, identity: str) -> Outgoing:
    envelope = Envelope(
        identity,
        row.type,
        row.source,
        row.at.isoformat(),
        str(row.tenant),
        row.subject,
        current_traceparent() or row.traceparent,
    )
    return Outgoing(row.subject, row.body, envelope.headers(), identity)
