"""A server that dies, a consumer that vanishes, a connection that is refused: nothing goes quiet."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

import nats
import pytest
import structlog
from nats.aio.client import Client
from nats.js.api import ConsumerConfig

from grantwire.bus import Publisher, apply, broker, include, running
from grantwire.bus.broker import PatientPull
from grantwire.contracts.failures import DependencyDown, GrantwireError
from grantwire.contracts.streams import COLLECT_IAM, JOBS
from tests.integration.bus.stage import JOB_CONSUMER, SERVICE, SUBJECT, Handler, Stage, job, until
from tests.support.nats import NatsServer

FROZEN: Final = 15.0  # seconds; starting a server in this process takes a little, a frozen loop would take for ever


@asynccontextmanager
async def ticking() -> AsyncIterator[list[float]]:
    """The gaps between turns of the event loop, longest first."""
    gaps: list[float] = []

    async def tick() -> None:
        clock = asyncio.get_running_loop().time
        while True:
            before = clock()
            await asyncio.sleep(0.01)
            gaps.append(clock() - before)

    task = asyncio.create_task(tick())
    try:
        yield gaps
    finally:
        task.cancel()


async def test_endless_reconnect_a_killed_server_comes_back_and_consuming_goes_on(stage: Stage) -> None:
    handler = Handler()
    async with stage.service(handler.route()) as bus, ticking() as gaps:
        publisher = Publisher(bus, "scheduler")
        for number in range(3):
            await publisher.send(JOBS, SUBJECT, job(str(number)), id=str(number), patience=10.0)
            await until(stage.empty, what=f"job {number} done")
            stage.nats.kill()
            await until(lambda: not bus.connection.is_connected, what="the loss noticed")
            stage.nats.start()
        await publisher.send(JOBS, SUBJECT, job("last"), id="last")
        await until(lambda: handler.seen[-1][0].run == "last", what="the last job handled")
    assert bus._connection_kwargs["max_reconnect_attempts"] == -1
    assert max(gaps) < FROZEN


async def test_a_job_in_flight_when_the_server_dies_is_settled_after_it_is_back(stage: Stage) -> None:
    go_on = asyncio.Event()

    async def until_told(*_: object) -> None:
        await go_on.wait()

    handler = Handler(act=until_told)
    async with stage.publisher() as publisher, stage.service(handler.route()):
        await publisher.send(JOBS, SUBJECT, job(), id="1")
        await until(lambda: handler.seen, what="the job in flight")
        stage.nats.restart()
        go_on.set()
        await until(stage.empty, what="the job acknowledged")


async def test_deleted_consumer_the_watchdog_notices_and_the_service_fails(stage: Stage) -> None:
    bus = broker(stage.url, service=SERVICE)
    include(bus, Handler().route())
    with pytest.raises(GrantwireError, match=f"{JOB_CONSUMER.name} on JOBS no longer receives messages"):
        async with running(bus, JOB_CONSUMER, every=0.1):
            await stage.client.jetstream().delete_consumer(JOBS.name, JOB_CONSUMER.name)
            await asyncio.wait_for(asyncio.Event().wait(), 60)
    assert not bus.running


async def test_deleted_consumer_is_not_asked_for_thousands_of_times_a_second(stage: Stage) -> None:
    requests = await stage.client.subscribe(f"$JS.API.CONSUMER.MSG.NEXT.JOBS.{JOB_CONSUMER.name}")
    async with stage.service(Handler().route()) as bus:
        await stage.client.jetstream().delete_consumer(JOBS.name, JOB_CONSUMER.name)
        before = bus.connection.stats["out_msgs"]
        await asyncio.sleep(1.5)  # the fact is what does not happen in this time
        assert bus.connection.stats["out_msgs"] - before < 10
    assert requests.pending_msgs < 10


async def test_the_watchdog_is_patient_while_the_server_is_away(stage: Stage) -> None:
    bus = broker(stage.url, service=SERVICE)
    handler = Handler()
    include(bus, handler.route())
    async with running(bus, JOB_CONSUMER, every=0.1):
        stage.nats.kill()
        await until(lambda: not bus.connection.is_connected, what="the loss noticed")
        stage.nats.start()
        await Publisher(bus, "scheduler").send(JOBS, SUBJECT, job(), id="1")
        await until(lambda: handler.seen, what="the job handled")


async def test_a_consumer_made_again_is_read_again(stage: Stage) -> None:
    handler = Handler()
    async with stage.publisher() as publisher, stage.service(handler.route()):
        await stage.client.jetstream().delete_consumer(JOBS.name, JOB_CONSUMER.name)
        await apply(stage.url, consumers=[JOB_CONSUMER])
        await publisher.send(JOBS, SUBJECT, job(), id="1")
        await until(lambda: handler.seen, what="the job handled")


async def test_a_connection_closed_for_good_fails_the_service_and_freezes_nothing(stage: Stage) -> None:
    bus = broker(stage.url, service=SERVICE)
    include(bus, Handler().route())
    with pytest.raises(GrantwireError, match="the connection is closed"):
        async with running(bus, JOB_CONSUMER, every=0.1), ticking() as gaps:
            await bus.connection.close()  # as nats-py does on an error of the protocol
            try:
                await asyncio.wait_for(asyncio.Event().wait(), 60)
            finally:
                assert max(gaps) < FROZEN


async def test_a_pull_on_a_closed_connection_yields_to_the_event_loop(stage: Stage) -> None:
    async with stage.service() as bus:
        pull = await bus.connection.jetstream().pull_subscribe_bind(JOB_CONSUMER.name, stream=JOBS.name)
        patient = PatientPull(pull, bus.connection)
        await bus.connection.close()
        async with ticking() as gaps:
            assert await patient.fetch(1, 5) == []
        assert len(gaps) > 10


async def test_timeout_class_no_message_is_an_empty_answer_whichever_timeout_it_was(stage: Stage) -> None:
    class Raising:
        def __init__(self, error: Exception) -> None:
            self.error = error

        async def fetch(self, *_: object, **__: object) -> list[object]:
            raise self.error

    for error in (nats.errors.TimeoutError(), TimeoutError(), nats.js.errors.FetchTimeoutError()):
        assert await PatientPull(Raising(error), stage.client).fetch() == []  # type: ignore[arg-type]
    async with stage.service() as bus:
        pull = await bus.connection.jetstream().pull_subscribe_bind(JOB_CONSUMER.name, stream=JOBS.name)
        assert await PatientPull(pull, bus.connection).fetch(1, 0.05) == []
        assert await PatientPull(pull, bus.connection).fetch(5, 0.05) == []


async def test_a_service_stops_while_the_server_is_away(stage: Stage) -> None:
    async with stage.service(Handler().route()) as bus:
        stage.nats.kill()
        await until(lambda: not bus.connection.is_connected, what="the loss noticed")
        began = asyncio.get_running_loop().time()
    assert asyncio.get_running_loop().time() - began < 20  # 5 s for the drain, 2 s for handlers; else it never ends
    stage.nats.start()


async def test_a_service_waits_for_a_server_that_comes_later() -> None:
    server = NatsServer()
    bus = broker(server.url, service=SERVICE)
    starting = asyncio.create_task(bus.start())
    with structlog.testing.capture_logs() as logs:
        await until(lambda: logs, what="the missing server told")
        with server:
            await starting
            await bus.stop()
    assert logs[0]["log_level"] == "error"


USERS = """
authorization { users: [
  { user: admin, password: admin }
  { user: collector, password: pass, permissions: {
      publish: ["$JS.API.CONSUMER.INFO.JOBS.*", "$JS.API.CONSUMER.MSG.NEXT.JOBS.*", "$JS.ACK.JOBS.>", "gw.snapshot.>"]
      subscribe: ["_INBOX.collector-iam.>"] } }
] }
"""


@asynccontextmanager
async def guarded() -> AsyncIterator[tuple[str, Client]]:
    """A server on which the collector may do only what it needs; its URL for the collector, and an admin's client."""
    with NatsServer(USERS) as server:
        admin = server.url.replace("//", "//admin:admin@")
        await apply(admin, consumers=[JOB_CONSUMER])
        client = await nats.connect(admin)
        try:
            yield server.url.replace("//", "//collector:pass@"), client
        finally:
            await client.close()


async def test_inbox_prefix_a_service_needs_no_inbox_but_its_own(stage: Stage) -> None:
    handler = Handler()
    async with guarded() as (url, admin):
        bus = broker(url, service=SERVICE)
        include(bus, handler.route())
        await bus.start()
        headers = {"ce-id": "1", "ce-type": "dev.grantwire.collect.scope.v1", "ce-source": "scheduler"}
        await admin.jetstream().publish(SUBJECT, job().encode(), headers=headers)
        await until(lambda: handler.seen, what="the job handled")
        await bus.stop()


async def test_permission_violations_are_told_at_error(stage: Stage) -> None:
    async with guarded() as (url, _):
        bus = broker(url, service=SERVICE)
        with structlog.testing.capture_logs() as logs:
            await bus.start()
            with pytest.raises(DependencyDown):
                await Publisher(bus, "x").send(JOBS, SUBJECT, job(), id="1", patience=0.5)
            told = await until(lambda: _violations(logs), what="the denial told")
            await bus.stop()
    assert told[0]["log_level"] == "error" and SUBJECT.lower() in told[0]["error"]


def _violations(logs: list[Any]) -> list[Any]:
    return [entry for entry in logs if "permissions violation" in str(entry.get("error")).lower()]


async def test_credentials_that_are_not_accepted_fail_at_once() -> None:
    with NatsServer(USERS) as server:
        bus = broker(server.url.replace("//", "//collector:wrong@"), service=SERVICE)
        with pytest.raises(DependencyDown, match="does not let collector-iam in") as told:
            await asyncio.wait_for(bus.start(), 60)  # others wait for ever
        assert "wrong" not in str(told.value)
        await bus.stop()


async def test_a_consumer_changed_under_a_running_service_is_told(stage: Stage) -> None:
    bus = broker(stage.url, service=SERVICE)
    include(bus, Handler().route())
    with structlog.testing.capture_logs() as logs:
        async with running(bus, JOB_CONSUMER, every=0.05):
            await stage.client.jetstream().add_consumer(
                JOBS.name,
                ConsumerConfig(
                    name=JOB_CONSUMER.name,
                    durable_name=JOB_CONSUMER.name,
                    filter_subjects=list(COLLECT_IAM.subjects),
                    ack_wait=7.0,
                    max_deliver=JOB_CONSUMER.max_deliver,
                    max_ack_pending=JOB_CONSUMER.max_ack_pending,
                ),
            )
            await until(lambda: any("differs" in entry["event"] for entry in logs), what="the change told")
