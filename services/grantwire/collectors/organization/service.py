"""The organization collector's wiring: settings from the graph, the tree from AWS, snapshots onto the bus."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from faststream.nats import NatsBroker
from pydantic import Field

from grantwire import bus, telemetry
from grantwire.aws import ORGANIZATION, Calls, Sessions
from grantwire.collectors.kit.handlers import Collector
from grantwire.collectors.kit.settings import CollectorSettings
from grantwire.collectors.kit.stored import StoredConnectors
from grantwire.collectors.organization.source import AwsOrganization
from grantwire.contracts.jobs import CollectScope
from grantwire.contracts.streams import COLLECT_ORGANIZATION
from grantwire.graph import Graph
from grantwire.graph.budgets import SharedBudgets

NAME: Final = "collector-organization"


class Settings(CollectorSettings):
    """Everything this process is told from outside."""

    organization_lanes: int = Field(default=4, ge=1, le=COLLECT_ORGANIZATION.max_ack_pending)  # read at the same time


def assemble(broker: NatsBroker, graph: Graph, sessions: Sessions, *, lanes: int) -> None:
    """Say which function receives a job."""
    collector = Collector(
        StoredConnectors(graph), AwsOrganization(sessions), bus.Publisher(broker, NAME), telemetry.Recorder(NAME)
    )
    jobs = bus.route(COLLECT_ORGANIZATION, CollectScope, collector.collect_scope, service=NAME, retry=1.0)
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
                sessions = Sessions(aws, calls, budgets, actions=ORGANIZATION)
                await asyncio.to_thread(sessions.warm)
                assemble(broker, graph, sessions, lanes=settings.organization_lanes)
                async with bus.running(broker, COLLECT_ORGANIZATION):
                    yield
    finally:
        calls.close()


def main() -> None:
    sys.exit(bus.serve(build(Settings())))
