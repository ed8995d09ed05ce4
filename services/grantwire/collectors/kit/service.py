"""The part of a collector's wiring that all collectors share: jobs from the bus, what the graph knows, AWS."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from faststream.nats import NatsBroker

from grantwire import bus, telemetry
from grantwire.aws import Calls, Sessions
from grantwire.collectors.kit.handlers import Collector
from grantwire.collectors.kit.reading import Source
from grantwire.collectors.kit.settings import CollectorSettings
from grantwire.collectors.kit.stored import StoredConnectors
from grantwire.contracts.jobs import CollectScope
from grantwire.contracts.streams import Consumer
from grantwire.graph import Graph
from grantwire.graph.budgets import SharedBudgets


@dataclass(frozen=True, slots=True)
class Desk:
    """What a collector of AWS works with. ``sessions`` may do what it reads, and no more."""

    broker: NatsBroker
    graph: Graph
    sessions: Sessions


def collect(broker: NatsBroker, graph: Graph, source: Source, jobs: Consumer, *, name: str, lanes: int) -> None:
    """The source reads what each job of that consumer names, so many jobs at a time."""
    collector = Collector(StoredConnectors(graph), source, bus.Publisher(broker, name), telemetry.Recorder(name))
    route = bus.route(jobs, CollectScope, collector.collect_scope, service=name, retry=1.0)
    bus.include(broker, route, lanes=lanes)


@asynccontextmanager
async def at_desk(settings: CollectorSettings, name: str, actions: Sequence[str]) -> AsyncIterator[Desk]:
    """Everything that reads AWS, while entered; the broker is not started yet. The models of the services that
    ``actions`` are of are read before the first job comes."""
    telemetry.instrument(botocore=True)
    aws = settings.aws()
    calls, recorder = Calls(aws.concurrency), telemetry.Recorder(name)
    try:
        async with Graph.open(settings.database_url, application_name=name, keys=settings.keys()) as graph:
            broker = bus.broker(settings.nats_url, service=name, seed=settings.seed())
            async with SharedBudgets.open(graph, settings.paces(), recorder) as budgets:
                sessions = Sessions(aws, calls, budgets, actions=actions)
                await asyncio.to_thread(sessions.warm)
                yield Desk(broker, graph, sessions)
    finally:
        calls.close()
