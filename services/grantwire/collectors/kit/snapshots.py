"""The messages of one snapshot: its begin, its chunks, its seal. Pure."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from grantwire.bus import Outgoing
from grantwire.collectors.kit.reading import Reading
from grantwire.contracts import chunks as rows
from grantwire.contracts import subjects
from grantwire.contracts.envelope import CHUNK, SNAPSHOT, Envelope
from grantwire.contracts.jobs import CollectScope
from grantwire.contracts.snapshots import Body, Outcome, Reason, SnapshotBegun, SnapshotSealed

SEEN: Final = "dev.grantwire.resources.seen.v1"  # the CloudEvents type of a chunk, whose body is lines and no message
_IDS: Final = uuid.UUID("6f1d2d0e-2f6b-5a0c-9d3e-3f1f6f1c7a11")


@dataclass(frozen=True, slots=True)
class Content:
    """The body of a complete snapshot."""

    reading: Reading
    chunks: Sequence[bytes]
    digest: str

    @classmethod
    def of(cls, reading: Reading) -> "Content":
        """Facts, rows, bytes. Slow for a large account: run it in a thread."""
        chunks = rows.encode(reading.facts())
        return cls(reading, chunks, rows.digest(chunks, reading.plan))


@dataclass(frozen=True, slots=True)
class Cost:
    """What reading took: calls by operation, how many were throttled, seconds, and the stream's position after it."""

    began_at: datetime
    calls: dict[str, int]
    throttled: int
    seconds: float
    last_read: int


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One delivery of one job. Its id is the same however often its messages are sent, and never another delivery's."""

    id: str
    job: CollectScope
    fence: int = 0

    @classmethod
    def of(cls, job: CollectScope, sequence: int, attempt: int) -> "Snapshot":
        """``sequence`` and ``attempt`` tell deliveries apart, those of a job replayed after its death included."""
        return cls(str(uuid.uuid5(_IDS, f"{job.run}/{job.scope}/{sequence}/{attempt}")), job)

    @property
    def subject(self) -> str:
        """Where the begin and the seal go."""
        return subjects.snapshot(self.job.connector, self.job.source, self.job.scope)

    def begun(self) -> SnapshotBegun:
        job = self.job
        return SnapshotBegun(snapshot=self.id, run=job.run, connector=job.connector, source=job.source, scope=job.scope)

    def body(self, content: Content) -> Body:
        """Only ``unchanged`` where the job knew the very content and did not ask for all of it."""
        same = content.digest == self.job.known_digest and not self.job.full
        return Body.UNCHANGED if same else Body.CHUNKS

    def parts(self, content: Content, *, time: str, traceparent: str | None) -> list[Outgoing]:
        """The chunks as messages, in order."""
        job = self.job
        subject = subjects.resources(job.connector, job.source, job.scope)
        return [
            Outgoing(subject, chunk, self._headers(number, time, traceparent), f"{self.id}:{number}")
            for number, chunk in enumerate(content.chunks)
        ]

    def complete(self, content: Content, cost: Cost) -> SnapshotSealed:
        """The seal of a whole snapshot."""
        body = self.body(content)
        sent = content.chunks if body is Body.CHUNKS else ()
        return self._seal(
            cost,
            account=content.reading.account,
            plan=content.reading.plan,
            outcome=Outcome.COMPLETE,
            unread=content.reading.unread,
            covers=content.reading.covers,
            adds_only=content.reading.adds_only,
            body=body,
            chunks=len(sent),
            bytes=sum(map(len, sent)),
            digest=content.digest,
        )

    def stale(self, why: Reason, cost: Cost) -> SnapshotSealed:
        """The seal of a reading that failed: what was last known stays."""
        return self._seal(
            cost, account=self.job.account, plan="none", outcome=Outcome.STALE, reason=why, body=Body.NONE
        )

    def _headers(self, number: int, time: str, traceparent: str | None) -> dict[str, str]:
        envelope = Envelope(f"{self.id}:{number}", SEEN, self.job.connector, time, traceparent=traceparent)
        return envelope.headers() | {SNAPSHOT: self.id, CHUNK: str(number)}

    def _seal(self, cost: Cost, **fields: object) -> SnapshotSealed:
        job = self.job
        return SnapshotSealed.model_validate(
            {
                "snapshot": self.id,
                "run": job.run,
                "connector": job.connector,
                "source": job.source,
                "scope": job.scope,
                "fence": self.fence,
                "last_read": cost.last_read,
                "read_began_at": cost.began_at,
                "calls": cost.calls,
                "throttled": cost.throttled,
                "seconds": round(cost.seconds, 3),
                **fields,
            }
        )
