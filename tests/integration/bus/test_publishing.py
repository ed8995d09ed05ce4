"""Publishing and reading back, on a real server."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from functools import partial

import pytest

from grantwire.bus import Busy, Full, Outgoing, Publisher, apply
from grantwire.contracts import chunks, subjects
from grantwire.contracts.envelope import CHUNK, SNAPSHOT, TYPE
from grantwire.contracts.failures import Conflict, DependencyDown, GrantwireError, Oversized, Transient
from grantwire.contracts.streams import CHANGES, JOBS, SNAPSHOTS, Stream
from tests.integration.bus.stage import SCOPE, SUBJECT, Stage, job, until

CHUNKS = subjects.resources("prod", "iam", SCOPE)
BODY = b'{"type":"resource"}\n'


def chunk(number: int, *, snapshot: str = "s1", body: bytes | None = None, subject: str = CHUNKS) -> Outgoing:
    headers = {SNAPSHOT: snapshot, CHUNK: str(number), TYPE: "dev.grantwire.resources.seen.v1"}
    return Outgoing(subject, BODY + str(number).encode() if body is None else body, headers, f"{snapshot}:{number}")


def bodies(count: int) -> list[bytes]:
    return [BODY + str(number).encode() for number in range(count)]


async def read(publisher: Publisher, first: int, *, snapshot: str = "s1") -> list[bytes]:
    return await publisher.read_back(SNAPSHOTS, CHUNKS, first, await publisher.position(SNAPSHOTS), snapshot=snapshot)


async def test_the_ack_says_where_the_message_is_and_the_same_id_is_stored_once(stage: Stage) -> None:
    async with stage.publisher() as publisher:
        first = await publisher.send(CHANGES, "gw.change.a.b.c", job(), id="1")
        again = await publisher.send(CHANGES, "gw.change.a.b.c", job(), id="1")
        assert (again.sequence, first.duplicate, again.duplicate) == (first.sequence, False, True)
        assert await publisher.position(CHANGES) == first.sequence


async def test_a_repetition_of_a_stored_job_is_a_duplicate_and_not_busy(stage: Stage) -> None:
    async with stage.publisher() as publisher:
        await publisher.send(JOBS, SUBJECT, job(), id="1")
        assert (await publisher.send(JOBS, SUBJECT, job(), id="1")).duplicate
        with pytest.raises(Busy):
            await publisher.send(JOBS, SUBJECT, job(), id="2")


async def test_a_purged_subject_takes_the_next_job_and_others_keep_theirs(stage: Stage) -> None:
    other = subjects.job("iam", "prod", "iam/999988887777")
    async with stage.publisher() as publisher:
        await publisher.send(JOBS, SUBJECT, job(), id="1")
        await publisher.send(JOBS, other, job(), id="2")
        assert [await publisher.purge(JOBS, SUBJECT) for _ in range(2)] == [1, 0]
        await publisher.send(JOBS, SUBJECT, job(), id="3")
        with pytest.raises(Busy):
            await publisher.send(JOBS, other, job(), id="4")
        with pytest.raises(GrantwireError, match="run `grantwire bus apply`"):
            await publisher.purge(replace(JOBS, name="NOWHERE"), SUBJECT)


async def test_named_stream_a_subject_of_another_stream_is_refused(stage: Stage) -> None:
    async with stage.publisher() as publisher:
        with pytest.raises(GrantwireError, match=r"gw\.change\.a\.b\.c does not belong to the stream JOBS"):
            await publisher.send(JOBS, "gw.change.a.b.c", job(), id="1")
    assert await stage.empty(CHANGES.name)


async def test_awaited_ack_a_subject_of_no_stream_is_never_silent(stage: Stage) -> None:
    async with stage.publisher() as publisher:
        with pytest.raises(DependencyDown, match=r"No stream takes messages for JOBS.*run `grantwire bus apply`"):
            await publisher.send(JOBS, "nobody.listens", job(), id="1", patience=0.3)


async def test_an_oversized_message_is_refused_before_it_is_sent(stage: Stage) -> None:
    async with stage.publisher() as publisher:
        with pytest.raises(Oversized, match=r"has 1,2\d\d,\d\d\d bytes, 1,040,384 are allowed; it was not sent"):
            await publisher.send(JOBS, SUBJECT, job(known_digest="x" * 1_200_000), id="1")
        with pytest.raises(Oversized):
            await publisher.send_batch(SNAPSHOTS, [chunk(0), chunk(1, body=b"x" * 1_100_000)])
        assert await stage.empty(JOBS.name) and await stage.empty(SNAPSHOTS.name)
        await publisher.send(JOBS, SUBJECT, job(), id="1")  # the connection was not closed


async def test_headers_count_as_size_because_the_server_would_close_the_connection(stage: Stage) -> None:
    async with stage.publisher() as publisher:
        heavy = Outgoing(CHUNKS, b"x" * 1_039_000, {SNAPSHOT: "s" * 5_000}, "1")
        with pytest.raises(Oversized):
            await publisher.send_raw(SNAPSHOTS, heavy)
        await publisher.send(JOBS, SUBJECT, job(), id="1")


async def test_one_error_code_two_meanings_full_is_not_busy(stage: Stage) -> None:
    small = replace(SNAPSHOTS, max_bytes=1_000_000)
    await apply(stage.url, streams=[small], consumers=[])
    async with stage.publisher() as publisher:
        for number in range(3):
            await publisher.send_raw(small, chunk(number, body=b"x" * 300_000))
        with pytest.raises(Full, match="SNAPSHOTS is full") as refused:
            await publisher.send_raw(small, chunk(3, body=b"x" * 300_000), patience=2.0)
        assert isinstance(refused.value, Transient) and refused.value.delay
        with pytest.raises(Full):
            await publisher.send_batch(small, [chunk(number, body=b"x" * 200_000) for number in (3, 4)])
        assert await stage.messages(SNAPSHOTS.name) == 3  # what is there stays
        await apply(stage.url, streams=[SNAPSHOTS], consumers=[])
        await publisher.send_batch(small, [chunk(number, body=b"x" * 200_000) for number in (3, 4)])
        assert await stage.messages(SNAPSHOTS.name) == 5


def test_busy_is_a_conflict() -> None:
    assert issubclass(Busy, Conflict) and not issubclass(Busy, Transient)


async def test_a_batch_is_there_as_a_whole_and_in_order(stage: Stage) -> None:
    async with stage.publisher() as publisher:
        first = await publisher.position(SNAPSHOTS)
        await publisher.send_batch(SNAPSHOTS, [chunk(number) for number in range(450)])  # three batches
        assert await read(publisher, first) == bodies(450)
        stored = await stage.client.jetstream().get_msg(SNAPSHOTS.name, first + 1)
        assert (stored.headers or {})["Nats-Batch-Id"]


async def test_a_repeated_batch_stores_only_what_is_missing(stage: Stage) -> None:
    async with stage.publisher() as publisher:
        first = await publisher.position(SNAPSHOTS)
        await publisher.send_batch(SNAPSHOTS, [chunk(number) for number in range(4)])
        await publisher.send_batch(SNAPSHOTS, [chunk(number) for number in range(10)])  # 10201, then one by one
        await publisher.send_batch(SNAPSHOTS, [chunk(number) for number in range(10)])
        assert await read(publisher, first) == bodies(10)
        assert await stage.messages(SNAPSHOTS.name) == 10


async def test_a_batch_of_one_is_deduplicated_too_and_of_none_is_nothing(stage: Stage) -> None:
    async with stage.publisher() as publisher:
        await publisher.send_batch(SNAPSHOTS, [])
        await publisher.send_batch(SNAPSHOTS, [chunk(0)])
        await publisher.send_batch(SNAPSHOTS, [chunk(0)])
    assert await stage.messages(SNAPSHOTS.name) == 1


@pytest.fixture
def restarted(stage: Stage) -> Iterator[Stage]:
    yield stage
    stage.nats.restart()


async def test_publishing_outlives_a_killed_server_with_nothing_lost_or_doubled(restarted: Stage) -> None:
    stage = restarted

    async def publish(publisher: Publisher) -> None:
        for number in range(200):
            await publisher.send_batch(SNAPSHOTS, [chunk(number * 20 + each) for each in range(20)])
            await publisher.send(CHANGES, "gw.change.a.b.c", job(str(number)), id=str(number))

    async with stage.publisher() as publisher:
        first = await publisher.position(SNAPSHOTS)
        work = asyncio.create_task(publish(publisher))
        for count in (20, 60, 120):
            await until(partial(_reached, stage, CHANGES, count), what=f"{count} messages stored")
            stage.nats.restart()
        await work
        assert await read(publisher, first) == bodies(4_000)
        assert await stage.messages(SNAPSHOTS.name) == 4_000
        assert await stage.messages(CHANGES.name) == 200


async def _reached(stage: Stage, stream: Stream, count: int) -> bool:
    return await stage.messages(stream.name) >= count


async def test_without_a_server_patience_ends_in_a_sentence(restarted: Stage) -> None:
    stage = restarted
    async with stage.publisher() as publisher:
        stage.nats.kill()
        with pytest.raises(DependencyDown, match="NATS does not acknowledge messages for JOBS"):
            await publisher.send(JOBS, SUBJECT, job(), id="1", patience=1.0)
        with pytest.raises(DependencyDown, match="NATS does not acknowledge messages for SNAPSHOTS"):
            await publisher.send_batch(SNAPSHOTS, [chunk(0), chunk(1)], patience=1.0)
        with pytest.raises(DependencyDown, match="The stream SNAPSHOTS cannot be read"):
            await publisher.read_back(SNAPSHOTS, CHUNKS, 1, 9, snapshot="s1", patience=0.5)
        stage.nats.start()
        assert not (
            await publisher.send(JOBS, SUBJECT, job(), id="2")
        ).duplicate  # given up means given up: not sent late


async def test_timeout_class_a_silent_server_is_a_dependency_that_is_down(stage: Stage) -> None:
    async with stage.publisher() as publisher:
        stage.nats.pause()
        try:
            with pytest.raises(DependencyDown):
                await publisher.send(JOBS, SUBJECT, job(), id="1", patience=0.5)
            with pytest.raises(DependencyDown, match="does not answer"):
                await publisher.position(JOBS, patience=0.5)
        finally:
            stage.nats.resume()
        await publisher.send(JOBS, SUBJECT, job(), id="1")


async def test_read_back_tells_interleaved_snapshots_apart_and_of_a_repeated_chunk_takes_the_first(
    stage: Stage,
) -> None:
    async with stage.publisher() as publisher:
        first = await publisher.position(SNAPSHOTS)
        for number in (2, 0, 1):
            await publisher.send_raw(SNAPSHOTS, chunk(number))
            await publisher.send_raw(SNAPSHOTS, chunk(number, snapshot="s2", body=b"other"))
        await publisher.send_raw(SNAPSHOTS, replace(chunk(1, body=b"later"), id="repeated"))
        await publisher.send_raw(SNAPSHOTS, replace(chunk(7), headers={}, id="no headers"))
        assert await read(publisher, first) == bodies(3)
        assert await read(publisher, first, snapshot="s2") == [b"other"] * 3
        assert await read(publisher, first, snapshot="nobody's") == []


async def test_read_back_stays_within_its_bounds_and_its_subject(stage: Stage) -> None:
    async with stage.publisher() as publisher:
        before = await publisher.position(SNAPSHOTS)
        for number in range(5):
            await publisher.send_raw(SNAPSHOTS, chunk(number))
        await publisher.send_raw(SNAPSHOTS, chunk(5, subject=CHUNKS + "9"))
        found = await publisher.read_back(SNAPSHOTS, CHUNKS, before + 2, before + 4, snapshot="s1")
        assert found == bodies(5)[1:4]
        assert await publisher.read_back(SNAPSHOTS, CHUNKS, before + 9, before + 90, snapshot="s1") == []


async def test_read_back_of_large_chunks_is_whole(stage: Stage) -> None:
    large = [bytes([65 + number % 26]) * chunks.CHUNK_BYTES for number in range(100)]
    async with stage.publisher() as publisher:
        first = await publisher.position(SNAPSHOTS)
        await publisher.send_batch(SNAPSHOTS, [chunk(number, body=body) for number, body in enumerate(large)])
        found = await read(publisher, first)
    assert chunks.digest(found, "plan") == chunks.digest(large, "plan")


async def test_a_purged_stream_gives_what_is_left_for_the_digest_to_refuse(stage: Stage) -> None:
    async with stage.publisher() as publisher:
        first = await publisher.position(SNAPSHOTS)
        await publisher.send_batch(SNAPSHOTS, [chunk(number) for number in range(10)])
        await stage.client.jetstream().purge_stream(SNAPSHOTS.name, seq=first + 5)
        assert await read(publisher, first) == bodies(10)[4:]
        await stage.client.jetstream().purge_stream(SNAPSHOTS.name)
        assert await read(publisher, first) == []
        assert await publisher.position(SNAPSHOTS) == first + 10  # a purge does not turn the clock back


async def test_a_missing_stream_is_named_with_the_next_step(stage: Stage) -> None:
    async with stage.publisher() as publisher:
        await stage.client.jetstream().delete_stream(SNAPSHOTS.name)
        with pytest.raises(GrantwireError, match="The stream SNAPSHOTS is not there; run `grantwire bus apply`"):
            await publisher.position(SNAPSHOTS)
        with pytest.raises(DependencyDown, match="No stream takes messages for SNAPSHOTS"):
            await publisher.send_raw(SNAPSHOTS, chunk(0), patience=0.3)
