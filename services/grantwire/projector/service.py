"""The projector's wiring: one graph, one broker, two lanes on the seals."""

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from faststream.nats import NatsBroker

from grantwire import bus
from grantwire.contracts.snapshots import SnapshotBegun, SnapshotSealed
from grantwire.contracts.streams import SEALED
from grantwire.graph import Graph
from grantwire.projector.handlers import Projector
from grantwire.telemetry import Recorder

NAME = "projector"
LANES = 2  # on two cores a third lane gains nothing


class Settings(bus.BusSettings):
    """Everything this process is told from outside."""

    database_url: str


def assemble(broker: NatsBroker, graph: Graph) -> None:
    """Say which function receives a seal. Begins share the subject and say nothing here."""
    handlers = Projector(graph, bus.Publisher(broker, NAME), Recorder(NAME))
    seals = bus.route(
        SEALED, SnapshotSealed, handlers.snapshot_sealed, service=NAME, ignore=(SnapshotBegun,), retry=1.0
    )
    bus.include(broker, seals, lanes=LANES)


@asynccontextmanager
async def build(settings: Settings) -> AsyncIterator[None]:
    """Running while entered."""
    async with Graph.open(settings.database_url, application_name=NAME) as graph:
        broker = bus.broker(settings.nats_url, service=NAME, seed=settings.seed())
        assemble(broker, graph)
        async with bus.running(broker, SEALED):
            yield


def main() -> None:
    sys.exit(bus.serve(build(Settings())))
