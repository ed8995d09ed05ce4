"""The relay's wiring: one leader among all relays empties the outboxes; every relay moves dead letters."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import structlog
from faststream.nats import NatsBroker

from grantwire import bus
from grantwire.contracts.failures import Transient
from grantwire.contracts.streams import EXHAUSTED
from grantwire.graph import Graph, outbox
from grantwire.graph.waking import Waker, listening
from grantwire.relay.handlers import BATCH, Relay
from grantwire.telemetry import Recorder, detached

NAME = "relay"
LONGEST: Final = 0.1  # seconds between looks at empty outboxes: a notice may be lost
log = structlog.get_logger(__name__)


class Settings(bus.BusSettings):
    """Everything this process is told from outside."""

    database_url: str


def assemble(broker: NatsBroker, graph: Graph) -> Relay:
    """Say which function receives an advisory, and give back the one that empties the outbox."""
    relay = Relay(graph, bus.Publisher(broker, NAME), Recorder(NAME))
    bus.include(broker, bus.Mover(broker, service=NAME, dead=relay.message_died).route(EXHAUSTED, retry=1.0))
    return relay


@asynccontextmanager
async def build(settings: Settings) -> AsyncIterator[None]:
    """Running while entered."""
    async with Graph.open(settings.database_url, application_name=NAME, statements="fixed") as graph:
        broker = bus.broker(settings.nats_url, service=NAME, seed=settings.seed())
        relay = assemble(broker, graph)
        async with bus.running(broker, EXHAUSTED), asyncio.TaskGroup() as tasks:
            with detached():
                leading = tasks.create_task(_lead(graph, relay))
            yield
            leading.cancel()


async def _lead(graph: Graph, relay: Relay) -> None:
    while True:
        try:
            async with outbox.leader(graph) as leader, listening(graph, "grantwire_outbox", "grantwire_told") as waker:
                await _empty(leader, relay, waker)
        except Transient as error:  # a server is away, or the stream is full: nothing is lost while it stands here
            log.warning("the relay waits", reason=str(error))
            await asyncio.sleep(LONGEST)


async def _empty(leader: outbox.Leader, relay: Relay, waker: Waker) -> None:
    """Until this relay is no longer the leader."""
    while True:
        seen = waker.seen()
        if (found := await relay.pass_on(leader)) is None:
            return
        if found < BATCH:  # there was no more; what comes after that wakes it
            await waker.wait(seen, LONGEST)


def main() -> None:
    sys.exit(bus.serve(build(Settings())))
