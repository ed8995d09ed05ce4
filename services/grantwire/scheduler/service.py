"""The scheduler's wiring: a turn every fifth of a second, for as long as it runs."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import structlog
from faststream.nats import NatsBroker
from pydantic_settings import BaseSettings, SettingsConfigDict

from grantwire import bus
from grantwire.contracts.failures import Transient
from grantwire.graph import Graph
from grantwire.scheduler.handlers import Scheduler
from grantwire.telemetry import detached

NAME = "scheduler"
log = structlog.get_logger(__name__)


class Settings(BaseSettings):
    """Everything this process is told from outside. ``scheduler_pause`` is in seconds."""

    model_config = SettingsConfigDict(env_prefix="GRANTWIRE_", frozen=True)
    database_url: str
    nats_url: str
    scheduler_pause: float = 0.2


def assemble(graph: Graph, broker: NatsBroker) -> Scheduler:
    return Scheduler(graph, bus.Publisher(broker, NAME))


@asynccontextmanager
async def build(settings: Settings) -> AsyncIterator[None]:
    """Running while entered."""
    async with Graph.open(settings.database_url, application_name=NAME) as graph:
        broker = bus.broker(settings.nats_url, service=NAME)
        async with bus.running(broker), asyncio.TaskGroup() as tasks:
            with detached():
                turns = tasks.create_task(_turns(assemble(graph, broker), settings.scheduler_pause))
            yield
            turns.cancel()


async def _turns(scheduler: Scheduler, pause: float) -> None:
    while True:
        try:
            await scheduler.turn()
        except Transient as error:
            log.warning("the scheduler waits", reason=str(error))
        await asyncio.sleep(pause)


def main() -> None:
    sys.exit(bus.serve(build(Settings())))
