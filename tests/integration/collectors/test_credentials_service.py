"""The whole service on a real bus and database: a job on the stream, a snapshot on the stream."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import pytest
import pytest_asyncio

from grantwire import bus, telemetry
from grantwire.aws import CREDENTIALS, Calls, Sessions
from grantwire.collectors.credentials.service import Settings, build
from grantwire.collectors.credentials.source import AwsCredentials
from grantwire.collectors.kit.handlers import Collector
from grantwire.collectors.kit.stored import StoredConnectors, StoredKeys
from grantwire.contracts import chunks
from grantwire.contracts.jobs import CollectScope
from grantwire.contracts.resources import Facts
from grantwire.contracts.snapshots import Body, Outcome
from grantwire.contracts.streams import COLLECT_CREDENTIALS
from grantwire.graph import Graph
from grantwire.sandbox.server import Sandbox, start
from tests.integration.collectors.conftest import use
from tests.integration.collectors.credential_reading import job, no_time, rows_of, told_lines
from tests.integration.collectors.reading import QUICK, connector
from tests.integration.collectors.stage import Stage, bodies, staged
from tests.support.keys import KEYS, SECRET_KEY
from tests.support.nats import NatsServer
from tests.support.postgres import database_url, postgres_server, template_url

__all__ = ["database_url", "postgres_server", "template_url"]


@pytest.fixture(scope="module")
def server() -> Iterator[NatsServer]:
    with NatsServer() as running:
        yield running


@pytest.fixture(scope="module")
def running() -> Iterator[Sandbox]:
    with start(3, credentials=True, users=8, groups=2, roles=5) as sandbox:
        yield sandbox


@pytest.fixture
def secrets(running: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sandbox]:
    running.control("POST", "reset")
    use(running, monkeypatch)
    yield running
    assert running.violations() == []


@pytest_asyncio.fixture
async def stage(secrets: Sandbox, server: NatsServer, database_url: str) -> AsyncIterator[Stage]:
    service = Settings(
        database_url=database_url, nats_url=server.url, aws_read_timeout=20.0, aws_attempts=2, secret_key=SECRET_KEY
    )
    async with staged(secrets, connector(secrets), server.url, database_url, build(service)) as found:
        yield found


@pytest_asyncio.fixture
async def hasty(secrets: Sandbox, server: NatsServer, database_url: str) -> AsyncIterator[Stage]:
    """A collector that waits for no report and comes back to a job at once."""
    service = _without_waiting(server.url, database_url)
    async with staged(secrets, connector(secrets), server.url, database_url, service) as found:
        yield found


@asynccontextmanager
async def _without_waiting(nats_url: str, database_url: str) -> AsyncIterator[None]:
    calls, broker = Calls(QUICK.concurrency), bus.broker(nats_url, service="tests")
    async with Graph.open(database_url, application_name="tests", keys=KEYS) as graph:
        source = AwsCredentials(Sessions(QUICK, calls, actions=CREDENTIALS), StoredKeys(graph), no_time)
        recorder = telemetry.Recorder("tests")
        collector = Collector(StoredConnectors(graph), source, bus.Publisher(broker, "tests"), recorder)
        jobs = bus.route(COLLECT_CREDENTIALS, CollectScope, collector.collect_scope, service="tests", backoff=0.02)
        bus.include(broker, jobs, lanes=1)
        async with bus.running(broker, COLLECT_CREDENTIALS):
            yield
    calls.close()


async def test_a_job_becomes_a_snapshot_that_is_the_truth_and_the_next_one_is_a_seal(stage: Stage) -> None:
    asked = job(stage.sandbox, stage.sandbox.account)
    seal, messages = await stage.collect(asked)
    facts: Facts = chunks.decode(bodies(seal, messages))
    assert (seal.outcome, seal.body, seal.plan) == (Outcome.COMPLETE, Body.CHUNKS, "report")
    assert rows_of(facts) == told_lines(stage.sandbox, stage.sandbox.account)
    again, messages = await stage.collect(asked, known_digest=seal.digest)
    assert (again.body, again.digest, len(messages)) == (Body.UNCHANGED, seal.digest, 2)


async def test_a_report_that_is_never_made_leaves_the_scope_stale_with_the_reason(hasty: Stage) -> None:
    hasty.sandbox.control("POST", "credentials", {"delay": 3_000.0})
    seal, _ = await hasty.collect(job(hasty.sandbox, hasty.sandbox.account))
    assert (seal.outcome, seal.body, seal.covers) == (Outcome.STALE, Body.NONE, [])
    assert seal.reason is not None
    assert (seal.reason.code, "has not finished the credential report" in seal.reason.text) == ("transient", True)


async def test_a_report_that_is_late_is_there_for_the_next_delivery(hasty: Stage) -> None:
    hasty.sandbox.control("POST", "credentials", {"delay": 3_000.0})
    await hasty.collect(job(hasty.sandbox, hasty.sandbox.account))
    hasty.sandbox.control("POST", "clock", {"advance": 3_001})
    seal, _ = await hasty.collect(job(hasty.sandbox, hasty.sandbox.account))
    assert (seal.outcome, seal.plan) == (Outcome.COMPLETE, "report")
