"""Schedulers on a real database and real streams, and somebody who carries out the jobs that they publish."""

from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta

import nats
from nats.aio.client import Client

from grantwire import bus
from grantwire.contracts.connectors import Connector, ConnectorState
from grantwire.contracts.jobs import CollectScope
from grantwire.contracts.streams import JOBS
from grantwire.graph import Graph, connectors
from grantwire.scheduler.handlers import LEAST_PATIENCE, Scheduler
from grantwire.telemetry import Recorder
from tests.integration.graph.organizations import Fleet, settings
from tests.support.nats import NatsServer


@dataclass
class Stage:
    """``taken`` counts how often each job was on the bus, by run and scope."""

    server: NatsServer
    graph: Graph
    client: Client
    fleet: Fleet
    taken: Counter[tuple[str, str]] = field(default_factory=Counter)

    @asynccontextmanager
    async def scheduler(self, patience: timedelta = LEAST_PATIENCE) -> AsyncIterator[Scheduler]:
        broker = bus.broker(self.server.url, service="scheduler")
        async with bus.running(broker):
            yield Scheduler(self.graph, bus.Publisher(broker, "scheduler"), Recorder("scheduler"), patience)

    async def add(self, id: str, account: str) -> None:
        connector = Connector(id=id, role_arn=f"arn:aws:iam::{account}:role/Grantwire", interval=timedelta(minutes=15))
        await connectors.put(self.graph, connector, account=account, state=ConnectorState.SYNCING, reason=None)

    async def jobs(self) -> dict[str, CollectScope]:
        """What lies on the bus, by subject."""
        stream = self.client.jetstream()
        found = (await stream.stream_info(JOBS.name, subjects_filter=">")).state.subjects or {}
        messages = [await stream.get_last_msg(JOBS.name, subject) for subject in found]
        return {str(message.subject): CollectScope.parse(message.data or b"") for message in messages}

    async def work(self) -> int:
        """Carry out every job that is on the bus now; says how many."""
        jobs = await self.jobs()
        for subject, job in jobs.items():
            self.taken[job.run, job.scope] += 1
            self.fleet.bus.connector = job.connector
            if job.source == "organization":
                await self.fleet.read_organization(job.run)
            else:
                await self.fleet.read(job.run, str(job.account))
            await self.client.jetstream().purge_stream(JOBS.name, subject=subject)
        return len(jobs)


@asynccontextmanager
async def staged(server: NatsServer, graph: Graph) -> AsyncIterator[Stage]:
    client = await nats.connect(server.url)
    stream = client.jetstream()
    for info in await stream.streams_info():
        await stream.delete_stream(str(info.config.name))
    await bus.apply(server.url)
    try:
        yield Stage(server, graph, client, Fleet(graph, settings()))
    finally:
        await client.close()
