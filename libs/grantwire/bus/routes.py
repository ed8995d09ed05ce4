"""Which handler receives which message of which consumer."""

from typing import Any, TypeVar

from faststream import AckPolicy
from faststream.nats import JStream, NatsBroker, NatsRoute, NatsRouter, PullSub
from nats.aio.msg import Msg
from nats.js.api import ConsumerConfig

from grantwire.bus.broker import Received
from grantwire.bus.delivery import Delivery
from grantwire.bus.settlement import Dead, Handle, Settlement
from grantwire.contracts.envelope import Envelope
from grantwire.contracts.failures import Malformed
from grantwire.contracts.messages import Message
from grantwire.contracts.streams import Consumer
from grantwire.contracts.subjects import inbox

M = TypeVar("M", bound=Message)


def route(
    consumer: Consumer,
    message: type[M],
    handle: Handle[M],
    *,
    service: str,
    ignore: tuple[type[Message], ...] = (),
    dead: Dead | None = None,
    backoff: float = 0.5,
    retry: float = 5.0,
) -> NatsRoute:
    """One lane: messages of ``consumer`` to ``handle``, one at a time; include it N times for N lanes.

    ``ignore`` are types that also arrive and are only acknowledged; any other type is a dead letter. ``dead`` is called
    when a message is given up on at once, after its copy lies in DEAD; a message without a readable envelope is not
    told. ``backoff`` seconds grow with each attempt, ``retry`` is how long to wait for a dependency that is down.
    """

    def read(delivery: Delivery) -> M | None:
        if delivery.envelope.type in {ignored.type() for ignored in ignore}:
            return None
        if delivery.envelope.type != message.type():
            raise Malformed(f"{consumer.name} does not know {delivery.envelope.type}; is a newer sender running?")
        return message.parse(delivery.body)

    return route_with(Settlement(consumer, read, handle, service, dead, backoff, retry, _envelope))


def route_with(settlement: Settlement[Any]) -> NatsRoute:
    """The FastStream registration of a consumer that ``apply`` has made."""
    consumer = settlement.consumer

    async def receive(received: Received) -> None:
        await settlement.receive(received)

    return NatsRoute(
        receive,
        consumer.subjects[0],
        stream=JStream(consumer.stream, declare=False),
        durable=consumer.name,
        config=_never_created(),
        pull_sub=PullSub(batch_size=1),
        inbox_prefix=f"{inbox(settlement.service)}.".encode(),  # the broker's prefix does not reach pull subscribers
        ack_policy=AckPolicy.MANUAL,
        no_reply=True,  # a message's own `reply_to` header must not make us publish
        title=consumer.name,
        description=settlement.handle.__doc__,
    )


def include(broker: NatsBroker, *routes: NatsRoute, lanes: int = 1) -> None:
    """Register routes; ``lanes`` of each handle as many messages of its consumer at the same time."""
    broker.include_router(NatsRouter(handlers=[route for route in routes for _ in range(lanes)]))


def _never_created() -> ConsumerConfig:
    """FastStream would make a missing durable from this. Every server refuses it: start sequence without its policy."""
    return ConsumerConfig(opt_start_seq=1)


def _envelope(raw: Msg) -> Envelope:
    return Envelope.read(raw.headers)
