"""What becomes of a message: the one place that acknowledges, delays or gives up.

Handlers say by their exception what happened and know nothing of NATS. While they work, heartbeats keep the message
theirs.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

import structlog
from nats.aio.msg import Msg
from opentelemetry import trace
from opentelemetry.trace import Link, Span, SpanKind

from grantwire.bus.backoff import delay
from grantwire.bus.broker import Bus, Received, client_of
from grantwire.bus.connection import said, until_connected, while_connected
from grantwire.bus.delivery import Delivery
from grantwire.bus.heartbeat import heartbeats, set_within
from grantwire.bus.letters import bury, letter_of
from grantwire.bus.verdict import Again, GiveUp, explained, judge
from grantwire.contracts.envelope import TRACEPARENT, Envelope
from grantwire.contracts.failures import DependencyDown, GrantwireError
from grantwire.contracts.messages import Message
from grantwire.contracts.streams import Consumer
from grantwire.telemetry import Recorder, context_from, monotonic, record_error, span

_log = structlog.get_logger(__name__)

M = TypeVar("M", bound=Message)
Handle = Callable[[M, Delivery], Awaitable[None]]
Dead = Callable[[Delivery, str], Awaitable[None]]

_ACK_SECONDS: Final = 15.0
_ACK_WAIT: Final = 5.0
_ACK_PAUSE: Final = 0.2
_BURY_SECONDS: Final = 10.0


@dataclass(frozen=True)
class Settlement(Generic[M]):
    """Receives the messages of one consumer. ``read`` opens one: None where it is only to be acknowledged."""

    consumer: Consumer
    read: Callable[[Delivery], M | None]
    handle: Handle[M]
    service: str
    dead: Dead | None
    base: float
    retry: float
    envelope: Callable[[Msg], Envelope]

    async def receive(self, received: Received) -> None:
        """Handle one message and settle it. If it is cancelled the message comes again after ``ack_wait``."""
        began = monotonic()
        with self._span(received.raw) as current:
            async with heartbeats(received.raw, self.consumer.ack_wait / 3):
                settled = await self._work(received, current)
            current.set_attribute("grantwire.settlement", settled)
        recorder = Recorder(self.service)
        recorder.count("grantwire.bus.settled", stream=self.consumer.stream, settlement=settled)
        recorder.observe("grantwire.bus.handle.duration", monotonic() - began, stream=self.consumer.stream)

    async def _work(self, received: Received, current: Span) -> str:
        delivery = None
        try:
            delivery = self._delivery(received.raw)
            await self._try(delivery, received.bus)
        except Exception as error:
            record_error(current, error)
            return await self._settle(received, delivery, error)
        return await self._acknowledge(received)

    async def _try(self, delivery: Delivery, bus: Bus) -> None:
        """Call the handler; while what it depends on is down, wait and call it again rather than burn deliveries."""
        message = self.read(delivery)
        told = False
        while message is not None:
            try:
                await self.handle(message, delivery)
                return
            except DependencyDown as error:
                if not told:
                    _log.warning("Waiting for a dependency.", **_where(delivery), error=str(error), again_in=self.retry)
                told = True
                if await set_within(bus.stopping, max(self.retry, error.delay or 0.0)):
                    raise

    async def _settle(self, received: Received, delivery: Delivery | None, error: Exception) -> str:
        raw = received.raw
        attempt = raw.metadata.num_delivered
        try:
            match judge(error, attempt, self.base):
                case GiveUp():
                    return await self._give_up(received, delivery, error)
                case Again(seconds):
                    return await self._again(received, seconds, error)
        except Exception as failure:  # DEAD or `dead` failed: the message must stay
            _log.error("A message could not be settled; it will come again.", **self._of(raw), error=explained(failure))
            with suppress(Exception):
                await raw.nak(delay(attempt, base=self.base))
            return "retry"

    async def _again(self, received: Received, seconds: float, error: Exception) -> str:
        raw = received.raw
        told = {**self._of(raw), "error": explained(error), "exc_info": not isinstance(error, GrantwireError)}
        if raw.metadata.num_delivered < self.consumer.max_deliver:
            _log.warning("Delivery failed.", **told, again_in=round(seconds, 3))
            await raw.nak(seconds)
            return "retry"
        # The advisory of the server only says that deliveries ran out; the copy made here knows why.
        _log.error("The last delivery failed.", **told)
        await self._bury(received, error)
        await raw.nak()
        return "exhausted"

    async def _give_up(self, received: Received, delivery: Delivery | None, error: Exception) -> str:
        _log.error("A message goes to the dead letters.", **self._of(received.raw), error=explained(error))
        await self._bury(received, error)
        if self.dead and delivery:
            await self.dead(delivery, explained(error))
        await self._acknowledge(received)
        Recorder(self.service).count("grantwire.bus.dead", stream=self.consumer.stream, consumer=self.consumer.name)
        return "dead"

    async def _bury(self, received: Received, error: Exception) -> None:
        raw = received.raw
        letter = letter_of(
            stream=self.consumer.stream,
            consumer=self.consumer.name,
            sequence=raw.metadata.sequence.stream,
            subject=raw.subject,
            headers=raw.headers,
            body=raw.data,
            reason=explained(error),
            deliveries=raw.metadata.num_delivered,
        )
        await bury(client_of(received.bus), letter, deadline=monotonic() + _BURY_SECONDS)

    async def _acknowledge(self, received: Received) -> str:
        """The server's own word that the message is settled, also when it is away for a moment."""
        raw, client = received.raw, client_of(received.bus)
        deadline = monotonic() + _ACK_SECONDS
        while True:
            try:
                await until_connected(client, deadline)
                await while_connected(client, raw.ack_sync(timeout=max(0.1, min(_ACK_WAIT, deadline - monotonic()))))
                return "ack"
            except Exception as error:
                if monotonic() + _ACK_PAUSE > deadline:
                    _log.warning("Handled, but not confirmed; it may come again.", **self._of(raw), error=said(error))
                    return "unconfirmed"
            await asyncio.sleep(_ACK_PAUSE)

    def _delivery(self, raw: Msg) -> Delivery:
        """Raises ``Malformed`` without an envelope."""
        attempt = raw.metadata.num_delivered
        return Delivery(
            self.consumer.stream,
            self.consumer.name,
            raw.subject,
            raw.metadata.sequence.stream,
            attempt,
            attempt >= self.consumer.max_deliver,
            self.envelope(raw),
            dict(raw.headers or {}),
            raw.data,
            raw.metadata.timestamp,
        )

    def _span(self, raw: Msg) -> AbstractContextManager[Span]:
        attempt = raw.metadata.num_delivered
        parent = context_from((raw.headers or {}).get(TRACEPARENT))
        origin = trace.get_current_span(parent).get_span_context()
        links = [Link(origin, {"redelivery": attempt})] if attempt > 1 and origin.is_valid else []
        attributes = {
            "messaging.system": "nats",
            "messaging.operation.type": "process",
            "messaging.destination.name": self.consumer.stream,
            "messaging.consumer.group.name": self.consumer.name,
            "grantwire.sequence": str(raw.metadata.sequence.stream),
            "grantwire.attempt": str(attempt),
        }
        name = f"process {self.consumer.name}"
        return span(self.service, name, kind=SpanKind.CONSUMER, parent=parent, links=links, attributes=attributes)

    def _of(self, raw: Msg) -> dict[str, object]:
        sequence, attempt = raw.metadata.sequence.stream, raw.metadata.num_delivered
        return {"consumer": self.consumer.name, "subject": raw.subject, "sequence": sequence, "attempt": attempt}


def _where(delivery: Delivery) -> dict[str, object]:
    return {"consumer": delivery.consumer, "subject": delivery.subject, "sequence": delivery.sequence}
