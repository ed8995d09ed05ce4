"""The scheduler's wiring: a turn at least every fifth of a second, a sweep every hour, for as long as it runs."""

import asyncio
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Final

import structlog
from faststream.nats import NatsBroker

from grantwire import bus
from grantwire.contracts.failures import Transient
from grantwire.graph import Graph
from grantwire.scheduler.handlers import Scheduler
from grantwire.telemetry import Recorder, detached

NAME: Final = "scheduler"
SHORTEST: Final = 0.02  # seconds
SLOWER: Final = 1.1  # from the shortest pause to a fifth of a second it takes two seconds
log = structlog.get_logger(__name__)


class Settings(bus.BusSettings):
    """Everything this process is told from outside. ``scheduler_pause`` is the longest one between turns,
    ``scheduler_sweep`` the one between sweeps; both in seconds."""

    database_url: str
    scheduler_pause: float = 0.2
    scheduler_sweep: float = 3600.0


def assemble(graph: Graph, broker: NatsBroker) -> Scheduler:
    return Scheduler(graph, bus.Publisher(broker, NAME), Recorder(NAME))


@asynccontextmanager
async def build(settings: Settings) -> AsyncIterator[None]:
    """Running while entered."""
    async with Graph.open(settings.database_url, application_name=NAME) as graph:
        broker = bus.broker(settings.nats_url, service=NAME, seed=settings.seed())
        async with bus.running(broker), asyncio.TaskGroup() as tasks:
            scheduler = assemble(graph, broker)
            with detached():
                turns = tasks.create_task(_again(scheduler.turn, SHORTEST, settings.scheduler_pause))
                sweeps = tasks.create_task(_again(scheduler.sweep, settings.scheduler_sweep, settings.scheduler_sweep))
            yield
            turns.cancel()
            sweeps.cancel()


async def _again(act: Callable[[], Awaitable[int]], shortest: float, longest: float) -> None:
    """Soon again after it did something, because an organization's accounts follow within a second or two; then
    slower and slower."""
    pause = longest
    while True:
        try:
            pause = shortest if await act() else min(pause * SLOWER, longest)
        except Transient as error:
            log.warning("the scheduler waits", reason=str(error))
            pause = longest
        await asyncio.sleep(pause)


def main() -> None:
    sys.exit(bus.serve(build(Settings())))
