"""Postgres goes away in the middle: nothing is half, and the error says whose fault it is."""

import asyncio
import shutil
import signal
import tempfile
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import pytest

from grantwire.contracts.failures import DependencyDown
from grantwire.graph import Graph, apply_seal, migrate, queries
from grantwire.graph.outages import is_outage
from tests.integration.graph.scenes import Bus, facts, fetch, group, member, role, user, value
from tests.support.postgres import Launched, Server, execute, new_database

KILL = """SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE application_name = 'victim' AND pid <> pg_backend_pid()"""
BLOCKS = {
    "the revision": "SELECT 1 FROM tenant FOR UPDATE",
    "the rows": "LOCK TABLE node IN SHARE ROW EXCLUSIVE MODE",
    "the relations": "LOCK TABLE edge IN SHARE ROW EXCLUSIVE MODE",
    "the change log": "LOCK TABLE change_log IN SHARE ROW EXCLUSIVE MODE",
    "the outbox": "LOCK TABLE outbox IN SHARE ROW EXCLUSIVE MODE",
    "the scope": "LOCK TABLE scope IN SHARE ROW EXCLUSIVE MODE",
}


@pytest.mark.parametrize("at", BLOCKS)
async def test_a_connection_killed_in_the_middle_leaves_nothing_half(graph: Graph, database_url: str, at: str) -> None:
    """The apply is stopped at a lock that the test holds, and its backend is ended there."""
    before, after = facts([user("a"), role("r")]), facts([user("b"), group("g")], [member(group("g"), user("b"))])
    bus = Bus(graph)
    await bus.send(before)
    exported = [line async for line in queries.export(graph)]
    seal, body = bus.seal(after)
    async with Graph.open(database_url, application_name="victim") as victim:
        async with graph.transaction() as holder:
            await holder.execute(BLOCKS[at])
            work = asyncio.create_task(apply_seal(victim, seal, body, traceparent=None))
            await _waiting(graph)
            await fetch(graph, KILL)
            with pytest.raises(DependencyDown, match="Postgres cannot be reached"):
                await work
        assert [line async for line in queries.export(graph)] == exported
        assert await value(graph, "SELECT count(*) FROM outbox") == 1
        assert (await apply_seal(victim, seal, body, traceparent=None)).outcome == "applied", "the pool recovers"
    assert await queries.revision(graph) == 2


async def _waiting(graph: Graph) -> None:
    """Until the victim waits for a lock."""
    query = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'victim' AND wait_event_type = 'Lock'"
    async with asyncio.timeout(60):
        while not await value(graph, query):
            await asyncio.sleep(0.01)


async def test_a_server_that_dies_and_comes_back(
    tmp_path_factory: pytest.TempPathFactory, postgres_server: Server
) -> None:
    folder = Path(tempfile.mkdtemp(prefix="gw-test-pg-", dir="/tmp"))
    server = Launched(folder)
    try:
        server.create()
        server.start()
        url = await new_database(Server(server.url))
        await migrate.upgrade(url)
        async with Graph.open(url, application_name="victim") as graph:
            bus = Bus(graph)
            rows = [user(f"u{n}") for n in range(30_000)]
            seal, body = bus.seal(facts(rows))
            work = asyncio.create_task(apply_seal(graph, seal, body, traceparent=None))
            await _copying(url)
            server.stop(signal.SIGQUIT)  # every session ends at once, as after a crash
            with pytest.raises(DependencyDown):
                await work
            with pytest.raises(DependencyDown):
                await queries.revision(graph)
            server.start()
            assert await queries.revision(graph) == 0
            assert (await apply_seal(graph, seal, body, traceparent=None)).inserted == 30_000
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


async def _copying(url: str) -> None:
    async with Graph.open(url, application_name="watcher", max_size=1) as watcher, asyncio.timeout(60):
        while not await value(watcher, "SELECT count(*) FROM pg_stat_progress_copy"):
            await asyncio.sleep(0.001)


async def test_nobody_listens_there() -> None:
    with pytest.raises(DependencyDown, match="GRANTWIRE_DATABASE_URL"):
        async with Graph.open("postgresql://nobody@127.0.0.1:1/none?sslmode=disable", application_name="tests"):
            pass


async def test_our_own_mistakes_are_not_outages(graph: Graph) -> None:
    with pytest.raises(asyncpg.UndefinedTableError):
        await value(graph, "SELECT 1 FROM nothing")
    with pytest.raises(asyncpg.DataError):
        await value(graph, "SELECT $1::int", "text")
    assert not is_outage(asyncpg.InterfaceError("cannot perform operation: another operation is in progress"))
    assert is_outage(asyncpg.InternalClientError("cannot switch to state 12"))


async def test_a_deadlock_is_tried_again(graph: Graph, database_url: str) -> None:
    """The database ends one of two transactions that wait for each other; nobody outside notices."""
    bus = Bus(graph)
    await bus.send(facts([user("a")]))
    # It looks for a deadlock once, so late that by then there is one however slow the machine is.
    await execute(database_url, f"ALTER DATABASE {urlsplit(database_url).path[1:]} SET deadlock_timeout = '5s'")
    async with graph.transaction() as holder:
        await holder.execute("SELECT 1 FROM tenant FOR UPDATE")
        work = asyncio.create_task(_victim(database_url, bus))
        await _waiting(graph)
        await holder.execute("SET LOCAL deadlock_timeout = '60s'")  # let the other side be the one that is ended
        await holder.execute("SELECT 1 FROM node FOR UPDATE")  # the row that the apply has just deleted
    assert (await work) == "applied"


async def _victim(url: str, bus: Bus) -> str:
    async with Graph.open(url, application_name="victim") as graph:
        seal, body = bus.seal(facts([user("b")]))
        return (await apply_seal(graph, seal, body, traceparent=None)).outcome


async def test_the_url_of_another_driver_works(database_url: str) -> None:
    url = database_url.replace("postgresql://", "postgresql+asyncpg://").replace("sslmode=disable", "ssl=disable")
    async with Graph.open(url, application_name="tests") as graph:
        assert await queries.revision(graph) == 0
    await execute(database_url, "SELECT 1")


async def test_a_reserved_connection_that_was_lost_is_given_back_without_a_word(graph: Graph) -> None:
    """By the end of the block the driver may have let go of it."""
    gone = asyncio.Event()
    async with graph.reserved() as connection:
        connection.add_termination_listener(lambda *_: gone.set())
        pid = await connection.fetchval("SELECT pg_backend_pid()")
        await fetch(graph, f"SELECT pg_terminate_backend({pid})")
        async with asyncio.timeout(60):
            await gone.wait()
    assert await value(graph, "SELECT 1") == 1, "the pool goes on"


async def test_what_a_reserved_block_says_is_heard_although_its_connection_was_lost(graph: Graph) -> None:
    with pytest.raises(KeyError):
        async with graph.reserved() as connection:
            pid = await connection.fetchval("SELECT pg_backend_pid()")
            await fetch(graph, f"SELECT pg_terminate_backend({pid})")
            raise KeyError(pid)
