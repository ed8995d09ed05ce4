"""Streams and consumers applied, compared, and left alone by services."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest
from nats.js.api import ConsumerConfig

from grantwire.bus import apply, broker, check, include
from grantwire.contracts.failures import DependencyDown, GrantwireError
from grantwire.contracts.streams import CHANGES, CONSUMERS, JOBS, SNAPSHOTS, STREAMS
from tests.integration.bus.stage import JOB_CONSUMER, QUICK, SERVICE, SUBJECT, Handler, Stage, job
from tests.support.nats import NatsServer


async def config(stage: Stage, stream: str) -> dict[str, Any]:
    return dict((await stage.client.jetstream().stream_info(stream)).config.as_dict())


async def test_applying_makes_everything_once_and_then_changes_nothing() -> None:
    with NatsServer() as server:
        with pytest.raises(GrantwireError, match=r"stream JOBS is missing; .*run `grantwire bus apply`"):
            await check(server.url)
        made = await apply(server.url)
        assert made == [f"stream {stream.name}: created" for stream in STREAMS] + [
            f"consumer {consumer.name}: created" for consumer in CONSUMERS
        ]
        assert await apply(server.url) == []
        await check(server.url)


async def test_what_differs_is_told_by_check_and_changed_by_apply(stage: Stage) -> None:
    smaller = replace(CHANGES, duplicate_window=60.0, max_bytes=1_000_000)
    await apply(stage.url, streams=[smaller], consumers=[])
    with pytest.raises(GrantwireError, match=r"stream CHANGES: duplicate_window 60000000000 -> 7200000000000[)]; run"):
        await check(stage.url, consumers=[])
    lines = await apply(stage.url, consumers=QUICK)
    assert lines == [
        "stream CHANGES: max_bytes 1000000 -> 4294967296",
        "stream CHANGES: duplicate_window 60000000000 -> 7200000000000",
    ]
    await check(stage.url, consumers=QUICK)


async def test_an_existing_durables_configuration_is_compared_and_corrected(stage: Stage) -> None:
    with pytest.raises(GrantwireError, match=f"consumer {JOB_CONSUMER.name}: ack_wait 6000000000 -> 10000000000"):
        await check(stage.url)
    lines = await apply(stage.url)
    assert f"consumer {JOB_CONSUMER.name}: ack_wait 6000000000 -> 10000000000" in lines
    await check(stage.url)


async def test_a_consumers_backoff_is_removed_because_it_would_replace_ack_wait(stage: Stage) -> None:
    settings = ConsumerConfig(
        name=JOB_CONSUMER.name,
        durable_name=JOB_CONSUMER.name,
        filter_subjects=list(JOB_CONSUMER.subjects),
        max_deliver=JOB_CONSUMER.max_deliver,
        max_ack_pending=JOB_CONSUMER.max_ack_pending,
        backoff=[5.0, 6.0],
    )
    await stage.client.jetstream().add_consumer(JOBS.name, settings)
    with pytest.raises(GrantwireError, match="backoff"):
        await check(stage.url, consumers=QUICK)
    await apply(stage.url, consumers=QUICK)
    info = await stage.client.jetstream().consumer_info(JOBS.name, JOB_CONSUMER.name)
    assert not info.config.backoff and info.config.ack_wait == JOB_CONSUMER.ack_wait


async def test_applying_keeps_what_is_not_ours_to_say(stage: Stage) -> None:
    live = (await stage.client.jetstream().stream_info(CHANGES.name)).config
    await stage.client.jetstream().update_stream(
        live.evolve(description="kept by hand", max_consumers=-1, duplicate_window=60.0)
    )
    assert len(await apply(stage.url, consumers=QUICK)) == 1
    assert (await config(stage, CHANGES.name))["description"] == "kept by hand"


async def test_limits_widened_by_hand_do_not_keep_a_service_from_starting(stage: Stage) -> None:
    await apply(stage.url, streams=[replace(SNAPSHOTS, max_bytes=SNAPSHOTS.max_bytes * 2)], consumers=[])
    await check(stage.url, consumers=QUICK)


async def test_a_change_the_server_refuses_is_told(stage: Stage) -> None:
    with pytest.raises(GrantwireError, match=r"NATS refuses STREAM.UPDATE.JOBS.*retention"):
        await apply(stage.url, streams=[replace(JOBS, retention="limits", one_per_subject=False)], consumers=[])


async def test_too_little_storage_is_told_with_the_next_step(stage: Stage) -> None:
    with pytest.raises(GrantwireError, match=r"too little storage for CHANGES.*max_file_store"):
        await apply(stage.url, streams=[replace(CHANGES, max_bytes=2 * 1024**4)], consumers=[])


async def test_without_a_server_the_address_is_named_and_the_password_is_not() -> None:
    steps: tuple[Callable[..., Awaitable[object]], ...] = (apply, check)
    for step in steps:
        with pytest.raises(DependencyDown, match=r"NATS at 127\.0\.0\.1:1 cannot be reached.*is it running\?") as told:
            await step("nats://grantwire:secret@127.0.0.1:1", patience=0.5)
        assert "secret" not in str(told.value)


async def test_declare_false_a_service_start_never_changes_a_streams_live_configuration(stage: Stage) -> None:
    by_hand = (await stage.client.jetstream().stream_info(JOBS.name)).config.evolve(max_age=3600.0, description="mine")
    await stage.client.jetstream().update_stream(by_hand)
    before = await config(stage, JOBS.name)
    handler = Handler()
    async with stage.publisher() as publisher, stage.service(handler.route()):
        await publisher.send(JOBS, SUBJECT, job(), id="1")
    assert await config(stage, JOBS.name) == before


async def test_a_missing_durable_is_never_made_by_a_service(stage: Stage) -> None:
    await stage.client.jetstream().delete_consumer(JOBS.name, JOB_CONSUMER.name)
    bus = broker(stage.url, service=SERVICE)
    include(bus, Handler().route())
    with pytest.raises(
        GrantwireError, match="A stream or consumer of collector-iam is missing; run `grantwire bus apply`"
    ):
        await bus.start()
    await bus.stop()
    assert JOB_CONSUMER.name not in {info.name for info in await stage.client.jetstream().consumers_info(JOBS.name)}


async def test_a_missing_stream_is_told_the_same_way(stage: Stage) -> None:
    await stage.client.jetstream().delete_stream(JOBS.name)
    bus = broker(stage.url, service=SERVICE)
    include(bus, Handler().route())
    with pytest.raises(GrantwireError, match="run `grantwire bus apply`"):
        await bus.start()
    await bus.stop()


async def test_a_log_that_is_made_again_counts_on_where_no_fence_can_be_ahead(stage: Stage) -> None:
    async with stage.publisher() as publisher:
        fence = (await publisher.send(SNAPSHOTS, "gw.snapshot.a.b.c", job(), id="1")).sequence
        await stage.client.jetstream().delete_stream(SNAPSHOTS.name)
        await apply(stage.url, consumers=QUICK)
        assert (await publisher.send(SNAPSHOTS, "gw.snapshot.a.b.c", job(), id="1")).sequence > fence
        assert fence < 2**53  # it stays a number in JSON
