"""A service as a process: signals, failures, exit codes."""

import asyncio
import signal
import sys
from pathlib import Path

import pytest

from grantwire.bus import run
from grantwire.contracts.streams import JOBS
from tests.integration.bus.stage import JOB_CONSUMER, SERVICE, SUBJECT, Stage, job, until

PROGRAM = f"""
import asyncio, sys
from contextlib import asynccontextmanager
from dataclasses import replace
from grantwire.bus import broker, include, route, running, serve
from grantwire.contracts.jobs import CollectScope
from grantwire.contracts.streams import COLLECT_IAM

CONSUMER = replace(COLLECT_IAM, ack_wait={JOB_CONSUMER.ack_wait}, max_deliver=3)

async def collect_scope(message, delivery):
    print("began", flush=True)
    await asyncio.sleep(1.0)
    print("done", flush=True)

@asynccontextmanager
async def build(url):
    bus = broker(url, service="{SERVICE}", stop_seconds=60.0)
    include(bus, route(CONSUMER, CollectScope, collect_scope, service="{SERVICE}"))
    async with running(bus, CONSUMER, every=0.1):
        print("ready", flush=True)
        yield

sys.exit(serve(build(sys.argv[1])))
"""


async def started(folder: Path, url: str) -> asyncio.subprocess.Process:
    program = folder / "service.py"
    program.write_text(PROGRAM)
    return await asyncio.create_subprocess_exec(
        sys.executable, str(program), url, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )


async def line(process: asyncio.subprocess.Process) -> str:
    assert process.stdout
    return (await asyncio.wait_for(process.stdout.readline(), 60)).decode().strip()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_lets_the_running_handler_end(stage: Stage, tmp_path: Path, number: signal.Signals) -> None:
    process = await started(tmp_path, stage.url)
    assert await line(process) == "ready"
    async with stage.publisher() as publisher:
        await publisher.send(JOBS, SUBJECT, job(), id="1")
    assert await line(process) == "began"
    process.send_signal(number)
    assert await line(process) == "done"
    assert await asyncio.wait_for(process.wait(), 60) == 0
    assert await stage.empty()


async def test_a_killed_process_loses_nothing(stage: Stage, tmp_path: Path) -> None:
    async with stage.publisher() as publisher:
        await publisher.send(JOBS, SUBJECT, job(), id="1")
    for _ in range(2):
        process = await started(tmp_path, stage.url)
        assert [await line(process), await line(process)] == ["ready", "began"]
        process.kill()
        await process.wait()
    process = await started(tmp_path, stage.url)
    assert [await line(process) for _ in range(3)] == ["ready", "began", "done"]
    await until(stage.empty, what="the job acknowledged")
    process.terminate()
    assert await asyncio.wait_for(process.wait(), 60) == 0


async def test_a_deleted_consumer_ends_the_process_with_a_sentence(stage: Stage, tmp_path: Path) -> None:
    process = await started(tmp_path, stage.url)
    assert await line(process) == "ready"
    await stage.client.jetstream().delete_consumer(JOBS.name, JOB_CONSUMER.name)
    assert await asyncio.wait_for(process.wait(), 60) == 1
    assert process.stdout and b"no longer receives messages" in await process.stdout.read()


async def test_a_signal_ends_a_service_that_waits_for_its_server(tmp_path: Path) -> None:
    process = await started(tmp_path, "nats://127.0.0.1:1")
    assert "The bus reports an error" in await line(process)
    process.terminate()
    assert await asyncio.wait_for(process.wait(), 60) == 0


async def test_cancelling_run_leaves_the_service() -> None:
    left: list[str] = []

    class Service:
        async def __aenter__(self) -> None:
            left.append("entered")

        async def __aexit__(self, *_: object) -> None:
            left.append("left")

    task = asyncio.create_task(run(Service()))
    await until(lambda: left, what="the service entered")
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await until(lambda: left == ["entered", "left"], what="the service left")
