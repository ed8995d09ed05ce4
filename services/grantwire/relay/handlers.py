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
from grantwire.graph.outbox import Leader, Notices, OutboxRow, Waiting
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

    async def pass_on(self, leader: Leader, notices: Notices) -> int | None:
        """Publish what was heard of, then the oldest messages, outcomes first, for somebody waits for them; how many of
        the outbox that had more, None where another relay leads. What the bus has goes, also where the rest fails:
        outcomes go on while the stream of changes is full. While that of outcomes is, changes wait too. Raises
        ``DependencyDown``."""
        heard, look = notices.take()
        try:
            await self._tell(heard, notices.sent)
            found = await self._look(leader, notices) if look else 0
        except BaseException:
            look = True
            raise
        finally:
            if look and (sent := notices.settled()):  # otherwise the next look sees to it, with its own
                await leader.delete(sent)
        return found

    async def _look(self, leader: Leader, notices: Notices) -> int | None:
        sent = notices.sent
        if (waiting := await leader.waiting(BATCH)) is None:
            return None
        notices.looked(waiting)
        known = {row.id for row in sent.told}
        await self._tell([row for row in waiting.told if row.id not in known], sent)
        for changes in _by_trace(waiting.changes):
            await self._publish(CHANGES, "changes", changes, [_outgoing(row) for row in changes])
            sent.changes.extend(changes)
        return max(len(waiting.told), len(waiting.changes))

    async def _tell(self, told: Sequence[Told], sent: Waiting) -> None:
        for rows in _by_trace(told):
            await self._publish(OUTCOMES, "outcomes", rows, [_outcome(row) for row in rows])
            sent.told.extend(rows)

    async def _publish(
        self, stream: Stream, what: str, rows: Sequence[OutboxRow] | Sequence[Told], items: list[Outgoing]
    ) -> None:
        attributes, parent = {f"grantwire.{what}": len(items)}, context_from(rows[0].traceparent)
        with span("relay", f"relay {what}", attributes=attributes, parent=parent):
            await self.publish.send_batch(stream, items)
        self._record(rows, stream)

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
