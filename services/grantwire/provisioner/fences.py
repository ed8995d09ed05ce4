"""The bus as the clock of reading: what was read after a begin is newer than every snapshot that began before it."""

import uuid
from dataclasses import dataclass

from grantwire import bus
from grantwire.contracts import subjects
from grantwire.contracts.snapshots import SnapshotBegun
from grantwire.contracts.streams import SNAPSHOTS
from grantwire.graph.operation import Operation
from grantwire.provisioner.ports import Place


@dataclass(frozen=True)
class BusFences:
    """Fences are sequences of the stream of snapshots."""

    publisher: bus.Publisher

    async def begin(self, operation: Operation, place: Place) -> int:
        """Raises ``DependencyDown``."""
        reading = str(uuid.uuid4())
        begun = SnapshotBegun(
            snapshot=reading,
            run=str(operation.id),
            connector=operation.connector,
            source=place.source,
            scope=place.scope,
        )
        subject = subjects.fence(operation.connector, place.source, place.scope)
        sent = await self.publisher.send(
            SNAPSHOTS, subject, begun, id=reading, source=operation.connector, patience=10.0
        )
        return sent.sequence
