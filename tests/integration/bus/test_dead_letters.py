"""Exhausted messages, dead letters, replays, on a real server."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from grantwire.bus import Bus, Busy, DeadLetters, Delivery, Mover, Outgoing, Publisher, apply, broker, include
from grantwire.bus.letters import bury, letter_of
from grantwire.bus.mover import MessageExhausted
from grantwire.contracts.envelope import CHUNK, SNAPSHOT, TRACEPARENT
from grantwire.contracts.failures import Conflict, NotFound
from grantwire.contracts.streams import ADVISORIES, COMMANDS, DEAD, GRANT_ACCESS, JOBS, SNAPSHOTS
from grantwire.telemetry import monotonic
from tests.integration.bus.stage import (
    HASTY_CONSUMER,
    JOB_CONSUMER,
    MOVE_CONSUMER,
    SUBJECT,
    Handler,
    Stage,
    job,
    until,
)
from tests.integration.bus.stage import TRACEPARENT as TRACE


@asynccontextmanager
async def moving(stage: Stage, dead: Any = None) -> AsyncIterator[Bus]:
    bus = broker(stage.url, service="relay")
    include(bus, Mover(bus, service="relay", dead=dead).route(MOVE_CONSUMER, backoff=0.05))
    try:
        await bus.start()
        yield bus
    finally:
        await bus.stop()


async def exhaust(stage: Stage) -> None:
    """Take the job as often as it is given without ever settling it, as a process does that is killed each time."""
    await apply(stage.url, consumers=[HASTY_CONSUMER])
    pull = await stage.client.jetstream().pull_subscribe_bind(JOB_CONSUMER.name, stream=JOBS.name)
    for _ in range(JOB_CONSUMER.max_deliver):
        await pull.fetch(1, timeout=60)

    async def given_up() -> int:
        with pytest.raises(TimeoutError):
            await pull.fetch(1, timeout=0.5)  # the server gives up when it is asked once more
        return await stage.messages(ADVISORIES.name)

    await until(given_up, what="word that it was given up")
    await pull.unsubscribe()


async def test_exhaustion_is_not_silent_the_job_is_a_dead_letter_and_the_scopes_next_job_passes(stage: Stage) -> None:
    handler = Handler()
    async with stage.publisher() as publisher:
        ack = await publisher.send(JOBS, SUBJECT, job("r1"), id="j1", traceparent=TRACE)
        await exhaust(stage)
        assert await stage.messages(ADVISORIES.name) == 1  # kept although nobody listened
        with pytest.raises(Busy):
            await publisher.send(JOBS, SUBJECT, job("r2"), id="j2")
        async with moving(stage, handler.told) as bus:
            await until(stage.empty, what="the job out of the way")
            [letter] = await DeadLetters(bus).list()
            await publisher.send(JOBS, SUBJECT, job("r2"), id="j2")
    assert (letter.stream, letter.sequence, letter.subject, letter.consumer) == (
        "JOBS",
        ack.sequence,
        SUBJECT,
        JOB_CONSUMER.name,
    )
    assert letter.deliveries == JOB_CONSUMER.max_deliver and "Not settled in 3 deliveries" in letter.reason
    assert letter.headers[TRACEPARENT] == TRACE and letter.message_id == "j1"
    [(delivery, reason)] = handler.dead
    assert delivery.envelope.id == "j1" and delivery.last and reason == letter.reason


async def test_the_handlers_own_reason_is_kept_and_the_relay_is_told(stage: Stage) -> None:
    failing = Handler(errors=[RuntimeError(f"no {number}") for number in range(3)])
    told = Handler()
    async with stage.publisher() as publisher, moving(stage, told.told) as bus:
        async with stage.service(failing.route(backoff=0.01)):
            await publisher.send(JOBS, SUBJECT, job(), id="j1")
            await until(stage.empty, what="the job out of the way")
        [letter] = await DeadLetters(bus).list()
        await until(lambda: told.dead, what="the relay told")
    assert letter.reason == "RuntimeError: no 2"
    assert len(told.dead) == 1


async def test_killed_between_copy_and_delete_it_is_repeated_without_duplicates(stage: Stage) -> None:
    died: list[Delivery] = []

    async def dies_once(delivery: Delivery, _reason: str) -> None:
        died.append(delivery)
        if len(died) == 1:
            raise asyncio.CancelledError  # as when the process ends: the copy lies in DEAD, nothing is deleted

    async with stage.publisher() as publisher:
        await publisher.send(JOBS, SUBJECT, job(), id="j1")
        await exhaust(stage)
        async with moving(stage, dies_once):
            await until(lambda: stage.messages(DEAD.name), what="the copy")
            assert await stage.messages(JOBS.name) == 1
        async with moving(stage, dies_once):
            await until(stage.empty, what="the job deleted")
        await until(lambda: _settled(stage), what="the advisory acknowledged")
    assert await stage.messages(DEAD.name) == 1
    assert len(died) == 2


async def _settled(stage: Stage) -> bool:
    return await stage.pending(MOVE_CONSUMER) == (0, 0)


async def test_an_exhausted_seal_stays_in_its_log(stage: Stage) -> None:
    async with stage.publisher() as publisher, moving(stage) as bus:
        ack = await publisher.send(SNAPSHOTS, "gw.snapshot.a.b.c", job(), id="s1")
        advisory = MessageExhausted(
            stream=SNAPSHOTS.name, consumer="projector-snapshot-sealed", stream_seq=ack.sequence, deliveries=5
        )
        await Mover(bus, service="relay").message_exhausted(advisory, None)  # type: ignore[arg-type]
        [letter] = await DeadLetters(bus).list()
        assert letter.sequence == ack.sequence
        assert await stage.messages(SNAPSHOTS.name) == 1


async def test_a_terminated_message_keeps_its_reason_and_a_foreign_stream_is_left_alone(stage: Stage) -> None:
    await stage.client.jetstream().add_stream(name="THEIRS", subjects=["theirs"])
    theirs = await stage.raw("theirs", b"x")
    async with stage.publisher() as publisher, moving(stage) as bus:
        ours = (await publisher.send(SNAPSHOTS, "gw.snapshot.a.b.c", job(), id="s1")).sequence
        for stream, sequence in (("THEIRS", theirs), ("SNAPSHOTS", ours), ("SNAPSHOTS", ours + 7)):
            told = {"id": "a", "type": "t", "stream": stream, "consumer": "c", "stream_seq": sequence, "deliveries": 1}
            subject = f"$JS.EVENT.ADVISORY.CONSUMER.MSG_TERMINATED.{stream}.c"
            await stage.client.publish(subject, json.dumps(told | {"reason": "poison"}).encode())
        await until(lambda: _dealt(stage, 3), what="all advisories dealt with")
        [letter] = await DeadLetters(bus).list()
    assert (letter.stream, letter.sequence, letter.reason) == ("SNAPSHOTS", ours, "poison")


async def _dealt(stage: Stage, count: int) -> bool:
    info = await stage.client.jetstream().consumer_info(MOVE_CONSUMER.stream, MOVE_CONSUMER.name)
    return bool(info.ack_floor and info.ack_floor.consumer_seq == count)


async def test_an_unreadable_advisory_is_a_dead_letter_itself(stage: Stage) -> None:
    async with moving(stage) as bus:
        await stage.client.publish("$JS.EVENT.ADVISORY.CONSUMER.MAX_DELIVERIES.JOBS.c", b"not json")
        await until(lambda: stage.messages(DEAD.name), what="the dead letter")
        [letter] = await DeadLetters(bus).list()
    assert letter.stream == ADVISORIES.name and "The advisory cannot be read" in letter.reason


async def dead_job(stage: Stage, publisher: Publisher) -> None:
    handler = Handler(errors=[NotFound("There is no connector prod.")])
    async with stage.service(handler.route()):
        await publisher.send(JOBS, SUBJECT, job("r1"), id="j1", traceparent=TRACE)
        await until(stage.empty, what="the job out of the way")


async def test_replay_puts_the_original_back_with_its_headers_and_trace_and_removes_the_letter(stage: Stage) -> None:
    handler = Handler()
    async with stage.publisher() as publisher, stage.dead_letters() as dead:
        await dead_job(stage, publisher)
        [letter] = await dead.list()
        assert await dead.show(letter.number) == letter
        async with stage.service(handler.route()):
            await dead.replay(letter.number)
            await until(stage.empty, what="the job handled")
        assert await dead.list() == []
        with pytest.raises(NotFound, match=f"There is no dead letter {letter.number}"):
            await dead.show(letter.number)
        with pytest.raises(NotFound):
            await dead.replay(letter.number)
    [(message, delivery)] = handler.seen
    assert message == job("r1")
    assert (delivery.envelope.id, delivery.envelope.traceparent) == ("j1", TRACE)
    assert not any(name.startswith("Gw-Dead-") for name in delivery.headers)
    assert delivery.headers["Nats-Msg-Id"].startswith("replay:")


async def test_a_replay_that_was_cut_short_is_repeated_without_duplicates(stage: Stage) -> None:
    async with stage.publisher() as publisher, stage.dead_letters() as dead:
        await dead_job(stage, publisher)
        [letter] = await dead.list()
        again = Outgoing(letter.subject, letter.body, dict(letter.headers), f"replay:{letter.number}:{letter.id}")
        await publisher.send_raw(JOBS, again)  # what a replay does before it removes the letter
        await dead.replay(letter.number)
        assert await dead.list() == [] and await stage.messages(JOBS.name) == 1


async def test_a_replay_while_the_scope_is_busy_is_refused_and_the_letter_stays(stage: Stage) -> None:
    async with stage.publisher() as publisher, stage.dead_letters() as dead:
        await dead_job(stage, publisher)
        await publisher.send(JOBS, SUBJECT, job("r2"), id="j2")
        [letter] = await dead.list()
        with pytest.raises(Busy):
            await dead.replay(letter.number)
        assert [each.number for each in await dead.list()] == [letter.number]


async def test_a_chunk_from_a_batch_can_be_replayed(stage: Stage) -> None:
    """Its stored headers name the batch: sent again they would open a batch that nobody ends."""
    items = [Outgoing("gw.resources.a.b.c", b"x", {SNAPSHOT: "s", CHUNK: str(n)}, f"s:{n}") for n in range(2)]
    async with stage.publisher() as publisher, stage.dead_letters() as dead, moving(stage) as bus:
        await publisher.send_batch(SNAPSHOTS, items)
        last = await publisher.position(SNAPSHOTS)
        advisory = MessageExhausted(stream=SNAPSHOTS.name, consumer="c", stream_seq=last, deliveries=5)
        await Mover(bus, service="relay").message_exhausted(advisory, None)  # type: ignore[arg-type]
        [letter] = await dead.list()
        assert dict(letter.headers) == {SNAPSHOT: "s", CHUNK: "1"} | {
            key: value for key, value in letter.headers.items() if key == TRACEPARENT
        }
        await dead.replay(letter.number)
        assert await stage.messages(SNAPSHOTS.name) == 3


async def test_a_command_is_put_back_by_nobody_but_its_team(stage: Stage) -> None:
    lost = letter_of(
        stream=COMMANDS.name,
        consumer=GRANT_ACCESS.name,
        sequence=1,
        subject="gw.cmd.payments.prod.123456789012.grant",
        headers={},
        body=b"{}",
        reason="tried often enough",
        deliveries=20,
    )
    await bury(stage.client, lost, deadline=monotonic() + 60)
    async with stage.dead_letters() as dead:
        [letter] = await dead.list()
        with pytest.raises(Conflict, match="sends it again under the same id"):
            await dead.replay(letter.number)
        assert [each.number for each in await dead.list()] == [letter.number]
    assert await stage.empty(COMMANDS.name)
