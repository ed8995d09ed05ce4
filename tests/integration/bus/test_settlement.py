"""What becomes of a message, on a real server."""

import asyncio

import pytest

from grantwire.bus import Busy, Delivery, Publisher
from grantwire.contracts.envelope import CONTENT_TYPE, ID, SOURCE, TYPE
from grantwire.contracts.failures import Conflict, DependencyDown, Invalid, Transient
from grantwire.contracts.jobs import CollectScope
from grantwire.contracts.snapshots import SnapshotBegun
from grantwire.contracts.streams import DEAD, JOBS
from tests.integration.bus.stage import JOB_CONSUMER, SUBJECT, Handler, Stage, job, until

HEADERS = {ID: "j1", TYPE: CollectScope.type(), SOURCE: "scheduler"}


async def test_a_handled_job_is_acknowledged_and_gone(stage: Stage) -> None:
    handler = Handler()
    async with stage.publisher() as publisher, stage.service(handler.route()):
        ack = await publisher.send(JOBS, SUBJECT, job(), id="j1")
        await until(stage.empty, what="the job gone")
    [(message, delivery)] = handler.seen
    assert message == job()
    assert (delivery.sequence, delivery.attempt, delivery.last) == (ack.sequence, 1, False)
    assert (delivery.envelope.id, delivery.envelope.source) == ("j1", "scheduler")
    assert (delivery.stream, delivery.consumer, delivery.subject) == ("JOBS", JOB_CONSUMER.name, SUBJECT)


async def test_ack_policy_an_exception_never_loses_the_message(stage: Stage) -> None:
    handler = Handler(errors=[KeyError("surprise")])
    async with stage.publisher() as publisher, stage.service(handler.route()):
        await publisher.send(JOBS, SUBJECT, job(), id="j1")
        await until(lambda: len(handler.seen) == 2, what="the second delivery")
        await until(stage.empty, what="the job acknowledged")
    assert [delivery.attempt for _, delivery in handler.seen] == [1, 2]
    assert await stage.messages(DEAD.name) == 0


async def test_bare_naks_a_retry_carries_a_growing_delay(stage: Stage) -> None:
    handler = Handler(errors=[Transient("Not yet."), Transient("Not yet.")])
    async with stage.publisher() as publisher, stage.service(handler.route(backoff=0.4)):
        await publisher.send(JOBS, SUBJECT, job(), id="j1")
        await until(lambda: len(handler.seen) == 3, what="the third delivery")
    first, second = (later - earlier for earlier, later in zip(handler.times, handler.times[1:], strict=False))
    assert 0.2 <= first < JOB_CONSUMER.ack_wait  # 0.4 s, at least half of it; without a word it comes after ack_wait
    assert 0.4 <= second < JOB_CONSUMER.ack_wait
    assert handler.seen[-1][1].last


async def test_a_transient_failure_waits_at_least_as_long_as_its_cause_says(stage: Stage) -> None:
    handler = Handler(errors=[Transient("AWS throttles; wait.", delay=0.7)])
    async with stage.publisher() as publisher, stage.service(handler.route(backoff=0.01)):
        await publisher.send(JOBS, SUBJECT, job(), id="j1")
        await until(lambda: len(handler.seen) == 2, what="the second delivery")
    assert handler.times[1] - handler.times[0] >= 0.65


async def test_a_malformed_message_is_a_dead_letter_at_once_with_its_headers_error_and_deliveries(stage: Stage) -> None:
    handler = Handler()
    async with stage.service(handler.route()), stage.dead_letters() as dead:
        sequence = await stage.raw(SUBJECT, b"{}", HEADERS | {"Nats-Msg-Id": "x", "Nats-Expected-Stream": "JOBS"})
        await until(stage.empty, what="the message out of the way")
        [letter] = await dead.list()
    assert not handler.seen
    assert letter.headers == HEADERS
    assert (letter.body, letter.subject, letter.sequence) == (b"{}", SUBJECT, sequence)
    assert (letter.stream, letter.consumer, letter.deliveries) == ("JOBS", JOB_CONSUMER.name, 1)
    assert "not a CollectScope" in letter.reason and "run: Field required" in letter.reason
    assert letter.at and letter.type == CollectScope.type()
    [(delivery, reason)] = handler.dead
    assert delivery.envelope.id == "j1" and "Field required" in reason


async def test_a_message_without_an_envelope_is_a_dead_letter_and_nobody_is_told(stage: Stage) -> None:
    handler = Handler()
    async with stage.service(handler.route()), stage.dead_letters() as dead:
        await stage.raw(SUBJECT, job().encode())
        await until(stage.empty, what="the message out of the way")
        [letter] = await dead.list()
    assert "has no ce-id, ce-type, ce-source header" in letter.reason
    assert not handler.dead


async def test_a_message_of_an_unknown_type_is_a_dead_letter(stage: Stage) -> None:
    handler = Handler()
    async with stage.service(handler.route()), stage.dead_letters() as dead:
        await stage.raw(SUBJECT, job().encode(), HEADERS | {TYPE: "dev.grantwire.collect.scope.v2"})
        await until(stage.empty, what="the message out of the way")
        [letter] = await dead.list()
    assert "does not know dev.grantwire.collect.scope.v2" in letter.reason
    assert not handler.seen


async def test_an_ignored_type_is_only_acknowledged(stage: Stage) -> None:
    handler = Handler()
    async with stage.service(handler.route(ignore=(SnapshotBegun,))):
        await stage.raw(SUBJECT, b"anything", HEADERS | {TYPE: SnapshotBegun.type()})
        await until(stage.empty, what="the message acknowledged")
    assert not handler.seen
    assert await stage.messages(DEAD.name) == 0


async def test_unknown_fields_are_ignored(stage: Stage) -> None:
    handler = Handler()
    async with stage.service(handler.route()):
        await stage.raw(SUBJECT, job().encode()[:-1] + b',"newer":true}', HEADERS)
        await until(stage.empty, what="the message acknowledged")
    assert handler.seen[0][0] == job()


@pytest.mark.parametrize("content_type", ["application/cloudevents+json", "application/json", "text/plain", ""])
async def test_json_content_types_do_not_matter(stage: Stage, content_type: str) -> None:
    handler = Handler()
    async with stage.service(handler.route()):
        await stage.raw(SUBJECT, job().encode(), HEADERS | {CONTENT_TYPE: content_type})
        await until(stage.empty, what="the message acknowledged")
    assert handler.seen[0][0] == job()


async def test_a_final_error_is_a_dead_letter_at_once(stage: Stage) -> None:
    handler = Handler(errors=[Invalid("The role ARN is not one.", "role_arn")])
    async with stage.publisher() as publisher, stage.service(handler.route()), stage.dead_letters() as dead:
        await publisher.send(JOBS, SUBJECT, job(), id="j1")
        await until(stage.empty, what="the message out of the way")
        [letter] = await dead.list()
    assert letter.reason == "The role ARN is not one."
    assert len(handler.seen) == 1
    assert [reason for _, reason in handler.dead] == ["The role ARN is not one."]


async def test_a_message_stays_when_its_death_cannot_be_told(stage: Stage) -> None:
    handler = Handler(errors=[Conflict("No."), Conflict("No.")])
    refused = [RuntimeError("database away")]

    async def told(delivery: Delivery, reason: str) -> None:
        if refused:
            raise refused.pop()
        await handler.told(delivery, reason)

    async with stage.publisher() as publisher, stage.service(handler.route(dead=told)):
        await publisher.send(JOBS, SUBJECT, job(), id="j1")
        await until(stage.empty, what="the message out of the way")
    assert len(handler.dead) == 1
    assert await stage.messages(DEAD.name) == 1  # the second copy has the id of the first


async def test_while_a_dependency_is_down_the_handler_waits_and_burns_no_deliveries(stage: Stage) -> None:
    handler = Handler(errors=[DependencyDown("Postgres is down.") for _ in range(15)])
    async with stage.publisher() as publisher, stage.service(handler.route(retry=JOB_CONSUMER.ack_wait / 12)):
        await publisher.send(JOBS, SUBJECT, job(), id="j1")
        await until(stage.empty, what="the job acknowledged")
    assert handler.times[-1] - handler.times[0] > JOB_CONSUMER.ack_wait  # heartbeats kept it
    assert {delivery.attempt for _, delivery in handler.seen} == {1}
    assert len(handler.seen) == 16


async def test_a_service_that_stops_does_not_wait_for_a_dependency(stage: Stage) -> None:
    handler = Handler(errors=[DependencyDown("Postgres is down.") for _ in range(15)])
    async with stage.publisher() as publisher:
        async with stage.service(handler.route(retry=30.0), stop_seconds=20.0):
            await publisher.send(JOBS, SUBJECT, job(), id="j1")
            await until(lambda: handler.seen, what="the first delivery")
            began = asyncio.get_running_loop().time()
        assert asyncio.get_running_loop().time() - began < 15
    assert await stage.messages(JOBS.name) == 1


async def test_heartbeats_keep_a_long_job_from_being_delivered_twice(stage: Stage) -> None:
    async def long(_message: CollectScope, _delivery: Delivery) -> None:
        await asyncio.sleep(1.5 * JOB_CONSUMER.ack_wait)

    handler = Handler(act=long)
    async with stage.publisher() as publisher, stage.service(handler.route(), lanes=2):  # a second reader would get it
        await publisher.send(JOBS, SUBJECT, job(), id="j1")
        await until(stage.empty, what="the job acknowledged")
    assert len(handler.seen) == 1


async def test_the_last_failure_leaves_a_dead_letter_that_knows_why(stage: Stage) -> None:
    handler = Handler(errors=[RuntimeError(f"no {number}") for number in range(3)])
    async with stage.publisher() as publisher, stage.service(handler.route(backoff=0.01)), stage.dead_letters() as dead:
        await publisher.send(JOBS, SUBJECT, job(), id="j1")
        await until(lambda: stage.messages(DEAD.name), what="the dead letter")
        [letter] = await dead.list()
    assert (letter.reason, letter.deliveries) == ("RuntimeError: no 2", JOB_CONSUMER.max_deliver)
    assert handler.seen[-1][1].last


async def test_a_reply_to_header_makes_nobody_publish(stage: Stage) -> None:
    spy = await stage.client.subscribe("somebody.else")
    handler = Handler()
    async with stage.service(handler.route()):
        await stage.raw(SUBJECT, job().encode(), HEADERS | {"reply_to": "somebody.else"})
        await until(stage.empty, what="the message acknowledged")
    await stage.client.flush()
    assert spy.pending_msgs == 0


async def test_a_busy_scope_coalesces_while_its_job_waits_and_while_it_is_in_flight(stage: Stage) -> None:
    go_on = asyncio.Event()

    async def until_told(_message: CollectScope, _delivery: Delivery) -> None:
        await go_on.wait()

    async def accepted(publisher: Publisher) -> bool:
        try:
            return bool((await publisher.send(JOBS, SUBJECT, job("r4"), id="j4")).sequence)
        except Busy:
            return False

    handler = Handler(act=until_told)
    async with stage.publisher() as publisher:
        await publisher.send(JOBS, SUBJECT, job("r1"), id="j1")
        with pytest.raises(Busy, match="already holds a message"):
            await publisher.send(JOBS, SUBJECT, job("r2"), id="j2")
        async with stage.service(handler.route()):
            await until(lambda: handler.seen, what="the job in flight")
            with pytest.raises(Busy):
                await publisher.send(JOBS, SUBJECT, job("r3"), id="j3")
            go_on.set()
            await until(lambda: accepted(publisher), what="the next job accepted")
            await until(stage.empty, what="both done")
    assert [message.run for message, _ in handler.seen] == ["r1", "r4"]


async def test_one_lane_handles_one_message_at_a_time_and_n_lanes_n(stage: Stage) -> None:
    for lanes in (1, 3):
        busy = most = 0
        full = asyncio.Event()

        async def count(_message: CollectScope, _delivery: Delivery) -> None:
            nonlocal busy, most
            busy += 1
            most = max(most, busy)
            if busy == lanes:  # noqa: B023
                full.set()  # noqa: B023
            await full.wait()  # noqa: B023 - however slowly the others come
            await asyncio.sleep(0.05)
            busy -= 1

        handler = Handler(act=count)
        async with stage.publisher() as publisher, stage.service(handler.route(), lanes=lanes):
            for number in range(9):
                await publisher.send(JOBS, f"gw.job.iam.prod.{lanes}-{number}", job(), id=f"{lanes}-{number}")
            await until(stage.empty, what="all jobs done")
        assert most == lanes
