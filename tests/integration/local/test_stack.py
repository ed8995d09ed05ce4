"""The stack starts, keeps what it was given, brings its servers back and cleans up after itself."""

import asyncio
import os
import signal
from functools import partial

import nats
import pytest

from grantwire.local import LocalStack, StateDir, connect
from grantwire.local.errors import Locked, OtherMajor, PortInUse
from grantwire.telemetry.clock import monotonic
from tests.integration.local.apart import gone, is_running, stack_apart
from tests.support.eventually import eventually
from tests.support.quickest import quickest


async def remember(stack: LocalStack, value: str) -> None:
    connection = await connect(stack.database_url)
    await connection.execute("CREATE TABLE IF NOT EXISTS kept (value text)")
    await connection.execute("INSERT INTO kept VALUES ($1)", value)
    await connection.close()
    client = await nats.connect(stack.nats_url)
    js = client.jetstream()
    await js.add_stream(name="KEPT", subjects=["kept"])
    await js.publish("kept", value.encode())
    await client.close()


async def recall(stack: LocalStack) -> tuple[list[str], list[str]]:
    connection = await connect(stack.database_url)
    rows = [row["value"] for row in await connection.fetch("SELECT value FROM kept ORDER BY value")]
    await connection.close()
    client = await nats.connect(stack.nats_url)
    js = client.jetstream()
    count = (await js.stream_info("KEPT")).state.messages
    messages = [(await js.get_msg("KEPT", seq)).data or b"" for seq in range(1, count + 1)]
    await client.close()
    return rows, [message.decode() for message in messages]


async def test_what_was_stored_is_there_after_a_restart_that_takes_less_than_a_second(state: StateDir) -> None:
    async with LocalStack(state) as stack:
        urls = stack.database_url, stack.nats_url
        await remember(stack, "a")

    async def restarted() -> float:
        began = monotonic()
        async with LocalStack(state) as stack:
            took = monotonic() - began
            assert (stack.database_url, stack.nats_url) == urls
            assert await recall(stack) == (["a"], ["a"])
        return took

    assert await quickest(restarted, 1.0) < 1.0


async def test_no_child_is_left_after_the_stack_is_stopped(state: StateDir) -> None:
    async with LocalStack(state) as stack:
        pids = stack.pids()
        assert all(is_running(pid) for pid in pids.values())
    assert set(pids) == {"postgres", "nats"}
    assert not any(is_running(pid) for pid in pids.values())
    assert stack.pids() == {}


@pytest.mark.parametrize("name", ["postgres", "nats"])
async def test_a_killed_server_comes_back_on_the_same_port_with_its_data(state: StateDir, name: str) -> None:
    async with LocalStack(state) as stack:
        await remember(stack, "a")
        urls = stack.database_url, stack.nats_url
        for _ in range(2):
            old = stack.pids()[name]
            os.kill(old, signal.SIGKILL)
            assert await asyncio.wait_for(stack.serving(name, other_than=old), 60) != old
        assert (stack.database_url, stack.nats_url) == urls
        assert await recall(stack) == (["a"], ["a"])


async def test_killing_the_parent_ends_both_servers_and_the_next_start_has_the_data(state: StateDir) -> None:
    async with stack_apart(state.path) as apart:
        connection = await connect(apart.database_url)
        await connection.execute("CREATE TABLE kept AS SELECT 1 AS one")
        await connection.close()
        await apart.kill()
        for pid in (apart.postgres_pid, apart.nats_pid):
            await eventually(partial(gone, pid), what=f"the end of child {pid}")
    async with LocalStack(state) as stack:
        connection = await connect(stack.database_url)
        assert await connection.fetchval("SELECT one FROM kept") == 1
        await connection.close()


async def test_a_start_right_after_the_parent_was_killed_waits_for_the_old_servers(state: StateDir) -> None:
    async with stack_apart(state.path) as apart:
        await apart.kill()
        async with LocalStack(state) as stack:
            assert stack.pids()["postgres"] != apart.postgres_pid


async def test_sigterm_stops_both_servers_and_the_process(state: StateDir) -> None:
    async with stack_apart(state.path) as apart:
        apart.process.terminate()
        assert await asyncio.wait_for(apart.process.wait(), 60) == 0
        assert not is_running(apart.postgres_pid)
        assert not is_running(apart.nats_pid)


async def test_a_second_stack_on_one_directory_is_refused_and_told_who_has_it(state: StateDir) -> None:
    async with stack_apart(state.path, None) as apart:
        with pytest.raises(Locked, match=f"in use by process {apart.process.pid}"):
            async with LocalStack(state):
                pass
        assert is_running(apart.postgres_pid)


async def test_a_failed_start_leaves_neither_a_child_nor_the_lock(state: StateDir) -> None:
    async with LocalStack(state):
        pass
    version = state.path / "postgres" / "data" / "PG_VERSION"
    version.write_text("17\n")
    with pytest.raises(OtherMajor) as refused:
        async with LocalStack(state):
            pass
    for part in ("Postgres 17", "Postgres 18", "pg_dump", "pg_restore", str(version.parent)):
        assert part in str(refused.value)
    with state:
        assert not is_running(await asyncio.to_thread(nats_pid_in_log, state))


def nats_pid_in_log(state: StateDir) -> int:
    last = (state.path / "logs" / "nats.log").read_text().splitlines()[-1]
    return int(last.partition("]")[0].removeprefix("["))


async def test_a_cancelled_start_leaves_no_child(state: StateDir) -> None:
    async with LocalStack(state):
        pass

    async def start() -> None:
        async with LocalStack(state):
            await asyncio.Event().wait()

    starting = asyncio.create_task(start())
    data = state.path / "postgres" / "data" / "postmaster.pid"
    pid = await eventually(lambda: data.exists() and int((data.read_text() or "0").split()[0]), what="a postmaster")
    starting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await starting
    assert not is_running(pid)


async def test_a_port_in_use_is_named_with_its_holder(state: StateDir) -> None:
    async with LocalStack(state, postgres=False):
        pass
    port = state.port("nats")
    squatter = await asyncio.start_server(lambda _reader, _writer: None, "127.0.0.1", port)
    async with squatter:
        with pytest.raises(PortInUse, match=rf"Port {port} .*\(pid {os.getpid()}\).*{state.port_file('nats')}"):
            async with LocalStack(state, postgres=False):
                pass


async def test_a_server_that_runs_elsewhere_is_not_started(state: StateDir) -> None:
    async with LocalStack(state, database_url="postgresql://elsewhere/db", nats=False) as stack:
        assert stack.pids() == {}
        assert stack.database_url == "postgresql://elsewhere/db"
        with pytest.raises(LookupError, match="no nats"):
            _ = stack.nats_url
