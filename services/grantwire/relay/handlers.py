"""One batch of each outbox onto the bus, and what a dead letter means for the run it came from."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Protocol, TypeVar

import structlog

from grantwire.bus import Delivery, Outgoing
from grantwire.contracts.envelope import Envelope
from grantwire.contracts.failures import Malformed
from grantwire.contracts.jobs import CollectScope
from grantwire.contracts.streams import CHANGES, JOBS, OUTCOMES, Stream
from grantwire.graph import Graph, runs
from grantwire.graph.outbox import Leader, OutboxRow, Waiting
from grantwire.graph.telling import Told
from grantwire.telemetry import Recorder, context_from, current_traceparent, span, utc_now

log = structlog.get_logger(__name__)
BATCH = 200
R = TypeVar("R", OutboxRow, Told)


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

    async def pass_on(self, leader: Leader) -> int | None:
        """Publish the oldest messages, outcomes first, for somebody waits for them; how many of the outbox that had
        more, None where another relay leads. What the bus has goes, also where the rest fails: outcomes go on while
        the stream of changes is full. While that of outcomes is, changes wait too. Raises ``DependencyDown``."""
        if (waiting := await leader.waiting(BATCH)) is None:
            return None
        sent = Waiting()
        try:
            for rows in _by_trace(waiting.told):
                await self._publish(OUTCOMES, "outcomes", rows[0].traceparent, [_outcome(row) for row in rows])
                sent.told.extend(rows)
            for changes in _by_trace(waiting.changes):
                await self._publish(CHANGES, "changes", changes[0].traceparent, [_outgoing(row) for row in changes])
                sent.changes.extend(changes)
        finally:
            if sent:
                await leader.delete(sent)
                self._record(sent.told, OUTCOMES)
                self._record(sent.changes, CHANGES)
        return max(len(waiting.told), len(waiting.changes))

    async def _publish(self, stream: Stream, what: str, traceparent: str | None, items: list[Outgoing]) -> None:
        attributes = {f"grantwire.{what}": len(items)}
        with span("relay", f"relay {what}", attributes=attributes, parent=context_from(traceparent)):
            await self.publish.send_batch(stream, items)

    def _record(self, rows: Sequence[OutboxRow] | Sequence[Told], stream: Stream) -> None:
        if not rows:
            return
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


def _by_trace(rows: Sequence[R]) -> Iterator[list[R]]:
    """Rows that follow each other and were caused by the same."""
    for _, group in groupby(rows, key=lambda row: row.traceparent):
        yield list(group)


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
