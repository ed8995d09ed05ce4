"""What the server gave up on: the advisory says which message, this copies it to DEAD and frees its place.

Deliveries run out silently but for an advisory, as when a process is killed on every try. Advisories are kept in a
stream of their own, so none is missed while nobody listens.
"""

import json
from collections.abc import Sequence
from typing import Any

import structlog
from faststream.nats import NatsBroker, NatsRoute
from nats.aio.msg import Msg
from nats.js.api import RawStreamMsg
from nats.js.errors import NotFoundError
from pydantic import Field

from grantwire.bus.broker import client_of
from grantwire.bus.connection import UNREACHABLE, Refused, ask, said
from grantwire.bus.delivery import Delivery
from grantwire.bus.letters import Letter, bury, letter_of
from grantwire.bus.routes import route_with
from grantwire.bus.settlement import Dead, Settlement
from grantwire.contracts.envelope import Envelope
from grantwire.contracts.failures import DependencyDown, Malformed
from grantwire.contracts.messages import Message
from grantwire.contracts.streams import EXHAUSTED, STREAMS, Consumer, Stream
from grantwire.telemetry import Recorder, monotonic, utc_now

_log = structlog.get_logger(__name__)

_SECONDS = 10.0


class MessageExhausted(Message):
    """The server's advisory: deliveries ran out, or a client terminated the message and said why."""

    stream: str
    durable: str = Field(alias="consumer")  # `consumer` is a method of every message
    stream_seq: int
    deliveries: int
    reason: str | None = None


class Mover:
    """Handles ``EXHAUSTED``. ``dead`` is told of each message once its copy lies in DEAD, perhaps more than once."""

    def __init__(
        self, broker: NatsBroker, *, service: str, dead: Dead | None = None, streams: Sequence[Stream] = STREAMS
    ) -> None:
        self._broker = broker
        self._service = service
        self._dead = dead
        self._streams = {stream.name: stream for stream in streams}

    def route(self, consumer: Consumer = EXHAUSTED, *, backoff: float = 0.5, retry: float = 5.0) -> NatsRoute:
        """The route to include in a broker."""
        return route_with(
            Settlement(
                consumer=consumer,
                read=lambda delivery: MessageExhausted.parse(delivery.body),
                handle=self.message_exhausted,
                service=self._service,
                dead=None,
                base=backoff,
                retry=retry,
                envelope=_envelope,
            )
        )

    async def message_exhausted(self, advisory: MessageExhausted, _delivery: Delivery) -> None:
        """Copy, tell, delete from a work queue: in that order, so that dying in between repeats and loses nothing.

        Raises ``DependencyDown``.
        """
        stream = self._streams.get(advisory.stream)
        if stream is None:
            return  # another application's stream on the same server
        original = await self._original(advisory)
        if original is None:
            _log.info("An exhausted message is gone already.", stream=stream.name, sequence=advisory.stream_seq)
            return
        letter = _letter(advisory, original)
        await bury(client_of(self._broker), letter, deadline=monotonic() + _SECONDS)
        Recorder(self._service).count("grantwire.bus.dead", stream=letter.stream, consumer=letter.consumer)
        _log.error("A message ran out of deliveries.", letter=letter.id, subject=letter.subject, reason=letter.reason)
        await self._tell(letter)
        if stream.retention == "workqueue":
            await self._delete(letter)

    async def _original(self, advisory: MessageExhausted) -> RawStreamMsg | None:
        try:
            return await client_of(self._broker).jetstream().get_msg(advisory.stream, advisory.stream_seq)
        except NotFoundError:
            return None
        except UNREACHABLE as error:
            raise DependencyDown(f"NATS does not give message {advisory.stream_seq} ({said(error)}).") from error

    async def _tell(self, letter: Letter) -> None:
        if self._dead is None:
            return
        try:
            envelope = Envelope.read(letter.headers)
        except Malformed:
            return  # nobody could say whose it was
        told = Delivery(
            letter.stream,
            letter.consumer,
            letter.subject,
            letter.sequence,
            letter.deliveries,
            True,
            envelope,
            letter.headers,
            letter.body,
            utc_now(),
        )
        await self._dead(told, letter.reason)

    async def _delete(self, letter: Letter) -> None:
        """Free the subject: a work queue takes the scope's next job only when this one is gone."""
        try:
            await ask(client_of(self._broker), f"STREAM.MSG.DELETE.{letter.stream}", {"seq": letter.sequence})
        except Refused as refusal:
            _log.warning("An exhausted job is gone already.", sequence=letter.sequence, error=refusal.description)


def _letter(advisory: MessageExhausted, original: RawStreamMsg) -> Letter:
    reason = advisory.reason or f"Not settled in {advisory.deliveries} deliveries; the consumer's log may say why."
    return letter_of(
        stream=advisory.stream,
        consumer=advisory.durable,
        sequence=advisory.stream_seq,
        subject=original.subject or "",
        headers=original.headers,
        body=original.data or b"",
        reason=reason,
        deliveries=advisory.deliveries,
    )


def _envelope(raw: Msg) -> Envelope:
    """Advisories carry no CloudEvents attributes: their own id and time serve. Raises ``Malformed``."""
    try:
        told: dict[str, Any] = json.loads(raw.data)
        return Envelope(str(told["id"]), str(told["type"]), "nats", str(told.get("timestamp", "")))
    except (ValueError, KeyError, TypeError) as error:
        raise Malformed(f"The advisory cannot be read ({error!r}).") from error
