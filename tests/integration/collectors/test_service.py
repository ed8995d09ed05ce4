"""The whole service on a real bus and database: a job on the stream, a snapshot on the stream."""

from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio

from grantwire.collectors.iam.service import Settings, build
from grantwire.contracts import chunks
from grantwire.contracts.envelope import Envelope
from grantwire.contracts.snapshots import Body, Outcome, SnapshotBegun
from grantwire.sandbox.server import Sandbox
from tests.integration.collectors.reading import connector, exported, iam_job, truth
from tests.integration.collectors.stage import Stage, bodies, staged
from tests.support.keys import SECRET_KEY
from tests.support.nats import NatsServer
from tests.support.postgres import database_url, postgres_server, template_url

__all__ = ["database_url", "postgres_server", "template_url"]


@pytest.fixture(scope="module")
def server() -> Iterator[NatsServer]:
    with NatsServer() as running:
        yield running


@pytest_asyncio.fixture
async def stage(sandbox: Sandbox, server: NatsServer, database_url: str) -> AsyncIterator[Stage]:
    told = {"database_url": database_url, "nats_url": server.url, "secret_key": SECRET_KEY}
    service = Settings.model_validate(told | {"aws_read_timeout": 20.0, "aws_attempts": 2})
    async with staged(sandbox, connector(sandbox), server.url, database_url, build(service)) as running:
        yield running


async def test_a_job_becomes_a_snapshot_that_is_the_truth_and_the_next_one_is_cheap(stage: Stage) -> None:
    job = iam_job(stage.sandbox.account)
    seal, messages = await stage.collect(job)
    found = bodies(seal, messages)
    assert Envelope.read(messages[0].headers).type == SnapshotBegun.type()
    assert (seal.outcome, seal.body, seal.chunks) == (Outcome.COMPLETE, Body.CHUNKS, len(found))
    assert chunks.digest(found, seal.plan) == seal.digest
    assert exported(chunks.decode(found)) == truth(stage.sandbox)

    again, messages = await stage.collect(job, known_digest=seal.digest)
    assert (again.body, again.digest, len(messages)) == (Body.UNCHANGED, seal.digest, 2)
    assert again.fence > seal.fence
    assert "sts:AssumeRole" not in again.calls

    full, _ = await stage.collect(job, known_digest=seal.digest, full=True)
    assert (full.body, full.digest) == (Body.CHUNKS, seal.digest)


async def test_a_throttled_reading_is_delivered_again_and_counted(stage: Stage) -> None:
    stage.sandbox.fault({"kind": "throttle", "service": "iam", "operation": "ListUsers", "times": 3})
    seal, messages = await stage.collect(iam_job(stage.sandbox.account))
    assert seal.outcome is Outcome.COMPLETE
    kinds = [Envelope.read(message.headers).type for message in messages]
    assert kinds.count(SnapshotBegun.type()) == 2, "the first delivery began too, and sealed nothing"
    assert seal.throttled == 1, "of this delivery"


async def test_a_denied_reading_seals_the_scope_as_stale_at_once(stage: Stage) -> None:
    stage.sandbox.fault({"kind": "deny", "service": "sts", "operation": "AssumeRole"})
    seal, messages = await stage.collect(iam_job(stage.sandbox.account))
    assert (seal.outcome, seal.body, len(messages)) == (Outcome.STALE, Body.NONE, 2)
    assert seal.reason is not None
    assert seal.reason.code == "denied"
    assert "external id" in seal.reason.text
