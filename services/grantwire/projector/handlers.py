"""One coroutine per message: read a sealed snapshot back from the stream, verify it, apply it in one transaction."""

from dataclasses import dataclass
from typing import Final, Protocol

import structlog

from grantwire.bus import Delivery
from grantwire.contracts import chunks as rows
from grantwire.contracts import subjects
from grantwire.contracts.failures import Transient
from grantwire.contracts.snapshots import Body, SnapshotSealed
from grantwire.contracts.streams import SNAPSHOTS, Stream
from grantwire.graph import Applied, Graph, apply_seal, chunks_gone
from grantwire.telemetry import Recorder, current_traceparent, monotonic

PATIENCE: Final = 3  # deliveries: a replica that lags has caught up by then
log = structlog.get_logger(__name__)


class ReadBack(Protocol):
    """Where a snapshot's chunks are read from: the bus, in life."""

    async def read_back(self, stream: Stream, subject: str, first: int, last: int, *, snapshot: str) -> list[bytes]: ...
    async def bounds(self, stream: Stream) -> tuple[int, int]: ...


@dataclass(frozen=True)
class Projector:
    graph: Graph
    stream: ReadBack
    recorder: Recorder

    async def snapshot_sealed(self, seal: SnapshotSealed, delivery: Delivery) -> None:
        """Apply one seal. Older, repeated and out-of-order seals are recognised by their fence and change nothing.

        What the stream keeps no longer is noted, and the whole content asked for. Raises ``Transient`` when it does not
        yet give back exactly what was sealed.
        """
        trace, began = current_traceparent(), monotonic()
        body = await self._chunks(seal, delivery) if seal.body is Body.CHUNKS else None
        if body is None and seal.body is Body.CHUNKS:
            applied = await chunks_gone(self.graph, seal, traceparent=trace)
        else:
            applied = await apply_seal(self.graph, seal, body, traceparent=trace)
        _tell(seal, applied)
        self._record(seal, applied, monotonic() - began)

    def _record(self, seal: SnapshotSealed, applied: Applied, seconds: float) -> None:
        source, result = seal.source, applied.outcome
        self.recorder.count("grantwire.snapshots.applied", source=source, result=result)
        self.recorder.observe("grantwire.snapshot.apply.duration", seconds, source=source, result=result)
        for act in ("inserted", "changed", "removed"):
            if rows := getattr(applied, act):
                self.recorder.count("grantwire.graph.rows", rows, source=source, act=act)
        if applied.held:
            self.recorder.count("grantwire.removals.held", applied.held, source=source)

    async def _chunks(self, seal: SnapshotSealed, delivery: Delivery) -> list[bytes] | None:
        """None when waiting for them is no use."""
        subject = subjects.resources(seal.connector, seal.source, seal.scope)
        found = await self.stream.read_back(
            SNAPSHOTS, subject, seal.fence + 1, delivery.sequence - 1, snapshot=seal.snapshot
        )
        if len(found) == seal.chunks and rows.digest(found, seal.plan) == seal.digest:
            return found
        if lost(seal, delivery, *await self.stream.bounds(SNAPSHOTS)):
            return None
        raise Transient(
            f"Snapshot {seal.snapshot} of {seal.scope} cannot be applied yet: the stream gave {len(found)} of "
            f"{seal.chunks} chunks, or other bytes than were sealed. A lagging replica heals by itself."
        )


def lost(seal: SnapshotSealed, delivery: Delivery, first: int, last: int) -> bool:
    """Whether chunks that were not found will never be: the stream begins after them, or it is past them and still does
    not give them back. A stream that ends before the seal is a replica that lags."""
    return first > seal.fence or (last >= delivery.sequence and delivery.attempt >= PATIENCE)


def _tell(seal: SnapshotSealed, applied: Applied) -> None:
    log.info(
        "snapshot applied",
        scope=seal.scope,
        outcome=applied.outcome,
        revision=applied.revision,
        inserted=applied.inserted,
        changed=applied.changed,
        removed=applied.removed,
    )
