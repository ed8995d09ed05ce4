"""The credentials collector's wiring: settings from the graph, accounts from AWS, snapshots onto the bus."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from faststream.nats import NatsBroker
from pydantic import Field

from grantwire import bus, telemetry
from grantwire.aws import CREDENTIALS, Calls, Sessions
from grantwire.collectors.credentials.source import AwsCredentials
from grantwire.collectors.kit.handlers import Collector
from grantwire.collectors.kit.settings import CollectorSettings
from grantwire.collectors.kit.stored import StoredConnectors, StoredKeys
from grantwire.contracts.jobs import CollectScope
from grantwire.contracts.streams import COLLECT_CREDENTIALS
from grantwire.graph import Graph
from grantwire.graph.budgets import SharedBudgets

NAME: Final = "collector-credentials"


class Settings(CollectorSettings):
    """Everything this process is told from outside."""

    credentials_lanes: int = Field(default=8, ge=1, le=COLLECT_CREDENTIALS.max_ack_pending)  # accounts at once


def assemble(broker: NatsBroker, graph: Graph, sessions: Sessions, *, lanes: int) -> None:
    """Say which function receives a job."""
    collector = Collector(
        StoredConnectors(graph),
        AwsCredentials(sessions, StoredKeys(graph)),
        bus.Publisher(broker, NAME),
        telemetry.Recorder(NAME),
    )
    jobs = bus.route(COLLECT_CREDENTIALS, CollectScope, collector.collect_scope, service=NAME, retry=1.0)
    bus.include(broker, jobs, lanes=lanes)


@asynccontextmanager
async def build(settings: Settings) -> AsyncIterator[None]:
    """Running while entered."""
    telemetry.instrument(botocore=True)
    aws = settings.aws()
    calls, recorder = Calls(aws.concurrency), telemetry.Recorder(NAME)
    try:
        async with Graph.open(settings.database_url, application_name=NAME, keys=settings.keys()) as graph:
            broker = bus.broker(settings.nats_url, service=NAME, seed=settings.seed())
            async with SharedBudgets.open(graph, settings.paces(), recorder) as budgets:
                sessions = Sessions(aws, calls, budgets, actions=CREDENTIALS)
                await asyncio.to_thread(sessions.warm)
                assemble(broker, graph, sessions, lanes=settings.credentials_lanes)
                async with bus.running(broker, COLLECT_CREDENTIALS):
                    yield
    finally:
        calls.close()


def main() -> None:
    sys.exit(bus.serve(build(Settings())))
