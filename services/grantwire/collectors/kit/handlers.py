"""One coroutine per message: a job in, the snapshot of one scope out."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Protocol

import structlog

from grantwire.aws import Tally, tallying
from grantwire.bus import Ack, Delivery, Outgoing
from grantwire.collectors.kit.reading import Reading, Source
from grantwire.collectors.kit.reasons import asked_to_wait, may_pass, reason
from grantwire.collectors.kit.snapshots import Content, Cost, Snapshot
from grantwire.contracts.connectors import Connector
from grantwire.contracts.failures import AwsError, NotFound, Oversized, SecretKeyError, Transient
from grantwire.contracts.jobs import CollectScope
from grantwire.contracts.messages import Message
from grantwire.contracts.snapshots import Body, Reason, SnapshotSealed
from grantwire.contracts.streams import SNAPSHOTS, Stream
from grantwire.telemetry import Recorder, current_traceparent, monotonic, utc_now

log = structlog.get_logger(__name__)


class Publish(Protocol):
    """Where snapshots go: the bus, in life."""

    async def send(
        self, stream: Stream, subject: str, message: Message, *, id: str, source: str | None = None
    ) -> Ack: ...
    async def send_batch(self, stream: Stream, items: Sequence[Outgoing]) -> None: ...
    async def position(self, stream: Stream) -> int: ...


class Connectors(Protocol):
    """Where a connector's settings are read: a job carries only their version, because they hold secrets."""

    async def settings(self, connector: str, version: int) -> Connector: ...


class Collector:
    """Reads what a job names and publishes what it found, or why it could not."""

    def __init__(self, connectors: Connectors, source: Source, publish: Publish, recorder: Recorder) -> None:
        self._connectors = connectors
        self._source = source
        self._publish = publish
        self._recorder = recorder
        self._composing = asyncio.Lock()

    async def collect_scope(self, job: CollectScope, delivery: Delivery) -> None:
        """Publish the begin, read AWS, publish the chunks that are news, and the seal.

        A failure that may pass raises ``Transient`` while there are deliveries left; any other becomes a stale seal:
        a run that waits for this scope always hears how it ended.
        """
        snapshot = await self._begin(Snapshot.of(job, delivery.sequence, delivery.attempt))
        began_at, began = utc_now(), monotonic()
        with tallying() as tally:
            try:
                connector = await self._connectors.settings(job.connector, job.settings_version)
                reading = await self._source.read(connector, job)
            except (NotFound, SecretKeyError) as unusable:
                code = "connector_gone" if isinstance(unusable, NotFound) else "secret_key"
                why = Reason(code=code, text=str(unusable))
                await self._give_up(snapshot, why, await self._cost(tally, began_at, began))
                return
            except AwsError as error:
                self._count(tally)
                if may_pass(error) and not delivery.last:
                    raise Transient(str(error), delay=asked_to_wait(error)) from error
                await self._give_up(snapshot, reason(error), await self._cost(tally, began_at, began))
                return
        self._count(tally)
        cost = await self._cost(tally, began_at, began)
        await self._tell(snapshot, await self._content(reading), cost)

    async def _content(self, reading: Reading) -> Content:
        """One at a time: the interpreter computes no two at once; by taking turns the first would end with the last."""
        async with self._composing:
            return await asyncio.to_thread(Content.of, reading)

    async def _begin(self, snapshot: Snapshot) -> Snapshot:
        """The begin's place in the stream is the fence: no clock decides which of two snapshots is the newer."""
        ack = await self._send(snapshot, snapshot.begun(), "begin")
        return replace(snapshot, fence=ack.sequence)

    async def _tell(self, snapshot: Snapshot, content: Content, cost: Cost) -> None:
        if snapshot.body(content) is Body.CHUNKS and content.chunks:
            parts = snapshot.parts(content, time=utc_now().isoformat(), traceparent=current_traceparent())
            try:
                await self._publish.send_batch(SNAPSHOTS, parts)
            except Oversized as error:
                await self._give_up(snapshot, Reason(code="oversized", text=str(error)), cost)
                return
        await self._end(snapshot, snapshot.complete(content, cost))

    async def _give_up(self, snapshot: Snapshot, why: Reason, cost: Cost) -> None:
        log.warning("scope not read", scope=snapshot.job.scope, code=why.code, reason=why.text)
        await self._end(snapshot, snapshot.stale(why, cost))

    async def _end(self, snapshot: Snapshot, seal: SnapshotSealed) -> None:
        await self._send(snapshot, seal, "seal")
        outcome = "unchanged" if seal.body is Body.UNCHANGED else seal.outcome.value
        self._recorder.count("grantwire.collections.ended", source=seal.source, outcome=outcome)
        self._recorder.observe("grantwire.collection.duration", seal.seconds, source=seal.source, outcome=outcome)
        calls = sum(seal.calls.values())
        log.info("scope read", scope=seal.scope, outcome=outcome, plan=seal.plan, calls=calls, seconds=seal.seconds)

    async def _send(self, snapshot: Snapshot, message: Message, name: str) -> Ack:
        return await self._publish.send(
            SNAPSHOTS, snapshot.subject, message, id=f"{snapshot.id}:{name}", source=snapshot.job.connector
        )

    async def _cost(self, tally: Tally, began_at: datetime, began: float) -> Cost:
        seconds = monotonic() - began
        return Cost(began_at, tally.calls, tally.throttled, seconds, await self._publish.position(SNAPSHOTS))

    def _count(self, tally: Tally) -> None:
        for operation, seconds in tally.took():
            api, _, name = operation.partition(":")
            self._recorder.observe("grantwire.aws.call.duration", seconds, api=api, operation=name)
        for (operation, outcome), count in tally.outcomes().items():
            api, _, name = operation.partition(":")
            self._recorder.count("grantwire.aws.calls", count, api=api, operation=name, outcome=outcome)
            if outcome == "throttled":
                self._recorder.count("grantwire.aws.throttled", count, api=api)
