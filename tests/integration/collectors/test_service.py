"""The whole service on a real bus and database: a job on the stream, a snapshot on the stream."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass
from typing import Any

import nats
import pytest
import pytest_asyncio
from nats.aio.client import Client
from nats.aio.msg import Msg

from grantwire import bus
from grantwire.collectors.iam.service import Settings, build
from grantwire.contracts import chunks, subjects
from grantwire.contracts.connectors import ConnectorState
from grantwire.contracts.envelope import SNAPSHOT, Envelope
from grantwire.contracts.ids import AccountId, iam_scope
from grantwire.contracts.jobs import CollectScope
from grantwire.contracts.snapshots import Body, Outcome, SnapshotBegun, SnapshotSealed
from grantwire.contracts.streams import JOBS, SNAPSHOTS
from grantwire.graph import Graph, connectors
from grantwire.sandbox.server import Sandbox
from tests.integration.collectors.reading import connector, exported, truth
from tests.support.eventually import eventually
from tests.support.nats import NatsServer
from tests.support.postgres import database_url, postgres_server, template_url

__all__ = ["database_url", "postgres_server", "template_url"]

until: Callable[..., Awaitable[Any]] = eventually  # a predicate may be a function or a coroutine function


@pytest.fixture(scope="module")
def server() -> Iterator[NatsServer]:
    with NatsServer() as running:
        yield running


@dataclass
class Stage:
    """The running collector, a publisher of jobs, and a look at the snapshots."""

    sandbox: Sandbox
    publisher: bus.Publisher
    client: Client
    jobs: int = 0

    async def collect(self, **fields: Any) -> tuple[SnapshotSealed, list[Msg]]:
        """The seal of one more job, and everything its snapshot put on the stream."""
        self.jobs += 1
        scope = iam_scope(AccountId(self.sandbox.account))
        asked = {"run": f"r{self.jobs}", "connector": "prod", "settings_version": 1, "source": "iam", "scope": scope}
        job = CollectScope.model_validate({**asked, "account": self.sandbox.account, **fields})
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


@pytest_asyncio.fixture
async def stage(sandbox: Sandbox, server: NatsServer, database_url: str) -> AsyncIterator[Stage]:
    client = await nats.connect(server.url)
    for info in await client.jetstream().streams_info():
        await client.jetstream().delete_stream(str(info.config.name))
    await bus.apply(server.url)
    async with Graph.open(database_url, application_name="tests") as graph:
        settings = connector(sandbox)
        await connectors.put(graph, settings, account=sandbox.account, state=ConnectorState.SYNCING, reason=None)
    broker = bus.broker(server.url, service="tests")
    service = Settings(database_url=database_url, nats_url=server.url, aws_read_timeout=1.0, aws_attempts=2)
    async with bus.running(broker), build(service):
        yield Stage(sandbox, bus.Publisher(broker, "tests"), client)
    await client.close()


async def test_a_job_becomes_a_snapshot_that_is_the_truth_and_the_next_one_is_cheap(stage: Stage) -> None:
    seal, messages = await stage.collect()
    bodies = [message.data for message in messages if (message.headers or {}).get(SNAPSHOT) == seal.snapshot]
    assert Envelope.read(messages[0].headers).type == SnapshotBegun.type()
    assert (seal.outcome, seal.body, seal.chunks) == (Outcome.COMPLETE, Body.CHUNKS, len(bodies))
    assert chunks.digest(bodies, seal.plan) == seal.digest
    assert exported(chunks.decode(bodies)) == truth(stage.sandbox)

    again, messages = await stage.collect(known_digest=seal.digest)
    assert (again.body, again.digest, len(messages)) == (Body.UNCHANGED, seal.digest, 2)
    assert again.fence > seal.fence
    assert "sts:AssumeRole" not in again.calls

    full, _ = await stage.collect(known_digest=seal.digest, full=True)
    assert (full.body, full.digest) == (Body.CHUNKS, seal.digest)


async def test_a_throttled_reading_is_delivered_again_and_counted(stage: Stage) -> None:
    stage.sandbox.fault({"kind": "throttle", "service": "iam", "operation": "ListUsers", "times": 3})
    seal, messages = await stage.collect()
    assert seal.outcome is Outcome.COMPLETE
    kinds = [Envelope.read(message.headers).type for message in messages]
    assert kinds.count(SnapshotBegun.type()) == 2, "the first delivery began too, and sealed nothing"
    assert seal.throttled == 1, "of this delivery"


async def test_a_denied_reading_seals_the_scope_as_stale_at_once(stage: Stage) -> None:
    stage.sandbox.fault({"kind": "deny", "service": "sts", "operation": "AssumeRole"})
    seal, messages = await stage.collect()
    assert (seal.outcome, seal.body, len(messages)) == (Outcome.STALE, Body.NONE, 2)
    assert seal.reason is not None
    assert seal.reason.code == "denied"
    assert "external id" in seal.reason.text
