"""One coroutine per message: read a sealed snapshot back from the stream, verify it, apply it in one transaction."""

from dataclasses import dataclass
from typing import Protocol

import structlog

from grantwire.bus import Delivery
from grantwire.contracts import chunks as rows
from grantwire.contracts import subjects
from grantwire.contracts.failures import Transient
from grantwire.contracts.snapshots import Body, SnapshotSealed
from grantwire.contracts.streams import SNAPSHOTS, Stream
from grantwire.graph import Applied, Graph, apply_seal
from grantwire.telemetry import current_traceparent

log = structlog.get_logger(__name__)


class ReadBack(Protocol):
    """Where a snapshot's chunks are read from: the bus, in life."""

    async def read_back(self, stream: Stream, subject: str, first: int, last: int, *, snapshot: str) -> list[bytes]: ...


@dataclass(frozen=True)
class Projector:
    graph: Graph
    stream: ReadBack

    async def snapshot_sealed(self, seal: SnapshotSealed, delivery: Delivery) -> None:
        """Apply one seal. Older, repeated and out-of-order seals are recognised by their fence and change nothing.

        Raises ``Transient`` when the stream does not (yet) give back exactly what was sealed.
        """
        body = await self._chunks(seal, delivery) if seal.body is Body.CHUNKS else None
        applied = await apply_seal(self.graph, seal, body, traceparent=current_traceparent())
        _tell(seal, applied)

    async def _chunks(self, seal: SnapshotSealed, delivery: Delivery) -> list[bytes]:
        subject = subjects.resources(seal.connector, seal.source, seal.scope)
        found = await self.stream.read_back(
            SNAPSHOTS, subject, seal.fence + 1, delivery.sequence - 1, snapshot=seal.snapshot
        )
        if len(found) != seal.chunks or rows.digest(found, seal.plan) != seal.digest:
            raise Transient(
                f"Snapshot {seal.snapshot} of {seal.scope} cannot be applied: the stream gave {len(found)} of "
                f"{seal.chunks} chunks, or other bytes than were sealed. A lagging replica heals by itself; chunks "
                "that the stream no longer keeps do not: run `grantwire sync` for the connector."
            )
        return found


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
