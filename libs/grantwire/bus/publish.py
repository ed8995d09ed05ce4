"""Publishing: every message names its stream, repeats its id until acknowledged, and carries the trace."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from faststream.nats import NatsBroker
from nats.aio.client import Client
from opentelemetry.trace import SpanKind

from grantwire.bus import readback
from grantwire.bus.broker import client_of
from grantwire.bus.connection import APPLY_HINT, Refused, ask, ask_patiently
from grantwire.bus.outgoing import ROOM, Outgoing, batches, require_size
from grantwire.bus.sending import Repeated, persist, persist_batch
from grantwire.contracts.envelope import TRACEPARENT, Envelope
from grantwire.contracts.failures import GrantwireError
from grantwire.contracts.messages import Message
from grantwire.contracts.streams import Stream
from grantwire.telemetry import context_from, current_traceparent, links_to, monotonic, span, utc_now

_LINKS = 64  # a span with thousands of links is no help to anybody


@dataclass(frozen=True, slots=True)
class Ack:
    """Where the stream keeps the message; ``duplicate`` when it was there already."""

    sequence: int
    duplicate: bool


class Publisher:
    """Publishes on behalf of ``source``: the service that speaks, and whose spans these are."""

    def __init__(self, broker: NatsBroker, source: str) -> None:
        self._broker = broker
        self._source = source

    async def send(
        self,
        stream: Stream,
        subject: str,
        message: Message,
        *,
        id: str,
        source: str | None = None,
        traceparent: str | None = None,
        patience: float = 30.0,
    ) -> Ack:
        """Publish and wait for the acknowledgement.

        Raises ``Oversized`` before anything is sent, ``Busy`` when the subject's one job is taken, ``Full`` when the
        stream is, ``DependencyDown`` after ``patience`` seconds; it may be stored even so, so repeat the same ``id``.
        """
        time = utc_now().isoformat()
        envelope = Envelope(id, message.type(), source or self._source, time, traceparent=traceparent)
        return await self.send_raw(
            stream, Outgoing(subject, message.encode(), envelope.headers(), id), patience=patience
        )

    async def send_raw(self, stream: Stream, message: Outgoing, *, patience: float = 30.0, room: int = ROOM) -> Ack:
        """Publish a message whose headers and body are ready. Raises what ``send`` raises."""
        given = message.headers.get(TRACEPARENT)
        parent = context_from(given) if given else None
        with span(self._source, f"publish {stream.name}", kind=SpanKind.PRODUCER, parent=parent) as current:
            current.set_attributes({**_attributes(stream), "messaging.message.id": message.id})
            ready = _traced(message)
            require_size(ready, stream.name, self._client.max_payload - room)
            stored = await persist(self._client, stream.name, ready, deadline=monotonic() + patience)
        return Ack(*stored)

    async def send_batch(self, stream: Stream, items: Sequence[Outgoing], *, patience: float = 60.0) -> None:
        """Publish in order, in atomic batches of at most 200 messages and 8 MB; what is stored already is skipped.

        Each batch is there as a whole or not at all, the sequence of batches is not. Raises what ``send`` raises.
        """
        links = links_to(*list(dict.fromkeys(item.headers.get(TRACEPARENT) for item in items))[:_LINKS])
        with span(self._source, f"publish {stream.name}", kind=SpanKind.PRODUCER, links=links) as current:
            current.set_attributes({**_attributes(stream), "messaging.batch.message_count": len(items)})
            ready = [_traced(item) for item in items]
            for item in ready:
                require_size(item, stream.name, self._client.max_payload - ROOM)
            for batch in batches(ready):
                await self._persist(stream, batch, monotonic() + patience)

    async def position(self, stream: Stream, *, patience: float = 30.0) -> int:
        """The stream's last sequence.

        Raises ``GrantwireError`` without the stream, ``DependencyDown`` when NATS is away for ``patience`` seconds.
        """
        _, last = await self.bounds(stream, patience=patience)
        return last

    async def bounds(self, stream: Stream, *, patience: float = 30.0) -> tuple[int, int]:
        """The stream's first and last sequence; an empty one's first is the next. Raises what ``position`` raises."""
        deadline = monotonic() + patience
        try:
            state = (await ask_patiently(self._client, f"STREAM.INFO.{stream.name}", deadline=deadline))["state"]
        except Refused as refusal:
            raise GrantwireError(f"The stream {stream.name} is not there; {APPLY_HINT}.") from refusal
        return int(state["first_seq"]), int(state["last_seq"])

    async def purge(self, stream: Stream, subject: str) -> int:
        """Throw away what the stream holds for one subject, even what is being handled; returns how many messages.

        Raises ``GrantwireError`` when the stream is not there or forbids it, ``DependencyDown`` without an answer.
        """
        try:
            answer = await ask(self._client, f"STREAM.PURGE.{stream.name}", {"filter": subject})
        except Refused as refusal:
            raise GrantwireError(f"{refusal} If the stream is missing, {APPLY_HINT}.") from refusal
        return int(answer["purged"])

    async def read_back(
        self, stream: Stream, subject: str, first: int, last: int, *, snapshot: str, patience: float = 30.0
    ) -> list[bytes]:
        """The chunks of a snapshot between two sequences, in their order; of a repeated one the first.

        Makes no consumer. Chunks may be missing (the stream was purged, a replica lags): verify count and digest.
        Raises ``DependencyDown`` when the stream does not answer for ``patience`` seconds.
        """
        deadline = monotonic() + patience
        return await readback.chunks(
            self._client, stream.name, subject, first, last, snapshot=snapshot, deadline=deadline
        )

    async def _persist(self, stream: Stream, batch: list[Outgoing], deadline: float) -> None:
        if stream.atomic_batches and len(batch) > 1:
            try:
                await persist_batch(self._client, stream.name, batch, deadline=deadline)
                return
            except Repeated:  # part of it was stored by an attempt whose answer was lost
                pass
        for message in batch:
            await persist(self._client, stream.name, message, deadline=deadline)

    @property
    def _client(self) -> Client:
        return client_of(self._broker)


def _traced(message: Outgoing) -> Outgoing:
    """The message with the current trace, unless it brings its own."""
    if TRACEPARENT in message.headers or not (current := current_traceparent()):
        return message
    return replace(message, headers={**message.headers, TRACEPARENT: current})


def _attributes(stream: Stream) -> dict[str, str]:
    return {
        "messaging.system": "nats",
        "messaging.operation.type": "publish",
        "messaging.destination.name": stream.name,
    }
