"""Running collectors on a real bus and database, and what a test does with them."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager as Service
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import nats
from nats.aio.client import Client
from nats.aio.msg import Msg

from grantwire import bus
from grantwire.contracts import subjects
from grantwire.contracts.connectors import Connector, ConnectorState
from grantwire.contracts.envelope import SNAPSHOT, Envelope
from grantwire.contracts.jobs import CollectScope
from grantwire.contracts.snapshots import SnapshotSealed
from grantwire.contracts.streams import JOBS, SNAPSHOTS
from grantwire.graph import Graph, connectors
from grantwire.sandbox.server import Sandbox
from tests.support.eventually import eventually
from tests.support.keys import KEYS

until: Callable[..., Awaitable[Any]] = eventually  # a predicate may be a function or a coroutine function


@dataclass
class Stage:
    """The running collectors, a publisher of jobs, and a look at the snapshots."""

    sandbox: Sandbox
    graph: Graph
    publisher: bus.Publisher
    client: Client
    jobs: int = 0

    async def collect(self, job: CollectScope, **but: Any) -> tuple[SnapshotSealed, list[Msg]]:
        """The seal of one more job, and everything its snapshot put on the stream."""
        self.jobs += 1
        job = job.model_copy(update={"run": f"r{self.jobs}", **but})
        where = subjects.job(job.source, job.connector, job.scope)
        before = await self.publisher.position(SNAPSHOTS)
        await until(self._idle, what="an idle stream of jobs")
        await self.publisher.send(JOBS, where, job, id=f"{job.run}:{job.scope}")

        async def sealed() -> tuple[SnapshotSealed, list[Msg]] | None:
            found = await self._since(before)
            for message in found:
                if Envelope.read(message.headers).type == SnapshotSealed.type():
                    return SnapshotSealed.parse(message.data), found
            return None

        seal, messages = await until(sealed, timeout=30, what="a seal")
        return seal, messages

    async def _idle(self) -> bool:
        info = await self.client.jetstream().stream_info(JOBS.name)
        return bool(info.state.messages == 0)

    async def _since(self, before: int) -> list[Msg]:
        last = await self.publisher.position(SNAPSHOTS)
        stream = self.client.jetstream()
        found = []
        for sequence in range(before + 1, last + 1):
            raw = await stream.get_msg(SNAPSHOTS.name, sequence)
            found.append(Msg(self.client, raw.subject or "", "", raw.data or b"", raw.headers))
        return found


def bodies(seal: SnapshotSealed, messages: list[Msg]) -> list[bytes]:
    """The chunks of the snapshot, in order."""
    return [message.data for message in messages if (message.headers or {}).get(SNAPSHOT) == seal.snapshot]


@asynccontextmanager
async def staged(
    sandbox: Sandbox,
    settings: Connector,
    nats_url: str,
    database_url: str,
    *services: Service[None],
) -> AsyncIterator[Stage]:
    """The services running on empty streams, with the settings stored as version 1."""
    client = await nats.connect(nats_url)
    for info in await client.jetstream().streams_info():
        await client.jetstream().delete_stream(str(info.config.name))
    await bus.apply(nats_url)
    broker = bus.broker(nats_url, service="tests")
    async with Graph.open(database_url, application_name="tests", keys=KEYS) as graph, AsyncExitStack() as running:
        await connectors.put(graph, settings, account=settings.account, state=ConnectorState.SYNCING, reason=None)
        await running.enter_async_context(bus.running(broker))
        for service in services:
            await running.enter_async_context(service)
        yield Stage(sandbox, graph, bus.Publisher(broker, "tests"), client)
    await client.close()
