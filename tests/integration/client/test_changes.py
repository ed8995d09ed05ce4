"""Changes from a cursor on: all of them, in order, each once, whatever happens to the server; or the word that some
cannot be told any more."""

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from grantwire import bus
from grantwire.bus.connection import ask
from grantwire.client import Changes, CursorLost, Grantwire, Pace
from grantwire.contracts.failures import GrantwireError
from tests.integration.bus.keyed import Keyed, keyed
from tests.integration.client.answering import FarEnd, far_end
from tests.support.eventually import eventually

QUICK = Pace(answer=0.5, ask=0.1, idle=0.3)


@pytest_asyncio.fixture
async def house() -> AsyncIterator[Keyed]:
    with keyed() as running:
        await bus.apply(running.server.url, seed=running.seeds["admin"])
        yield running


@pytest_asyncio.fixture
async def end(house: Keyed) -> AsyncIterator[FarEnd]:
    async with far_end(house) as ready:
        yield ready


def gateway(house: Keyed, pace: Pace = QUICK) -> Grantwire:
    return Grantwire(house.server.url, nkey_seed=house.seeds["payments"], pace=pace)


async def take(changes: Changes, count: int) -> list[int]:
    async with asyncio.timeout(60):
        return [(await anext(changes)).change.revision for _ in range(count)]


async def test_from_a_cursor_all_that_came_since_in_order_and_then_live(house: Keyed, end: FarEnd) -> None:
    async with gateway(house, Pace(idle=300.0)) as gw:
        cursor = await gw.cursor()
        for number in range(1, 451):  # more than two pages
            await end.change(number)
        changes = gw.changes(cursor)
        assert await take(changes, 1) == [1]
        assert changes.lag == 449
        assert await take(changes, 449) == list(range(2, 451))
        waiting = asyncio.create_task(take(changes, 2))
        await eventually(lambda: changes.lag == 0 and changes.looks > 3)
        await end.change(451)
        await end.change(452)
        assert await waiting == [451, 452]


async def test_each_cursor_leads_on_from_its_change(house: Keyed, end: FarEnd) -> None:
    async with gateway(house) as gw:
        start = await gw.cursor()
        for number in (1, 2, 3):
            await end.change(number)
        first = await anext(gw.changes(start))
        assert await take(gw.changes(first.cursor), 2) == [2, 3]


async def test_without_a_cursor_it_begins_now(house: Keyed, end: FarEnd) -> None:
    await end.change(1)
    async with gateway(house) as gw:
        changes = gw.changes()
        waiting = asyncio.create_task(take(changes, 1))
        await eventually(lambda: changes.cursor is not None)
        await end.change(2)
        assert await waiting == [2]


async def test_after_a_restart_of_the_server_it_goes_on_without_a_gap() -> None:
    with keyed() as house:
        await bus.apply(house.server.url, seed=house.seeds["admin"])
        async with gateway(house) as gw:
            changes = gw.changes(await gw.cursor())
            async with far_end(house) as end:
                await end.change(1)
                assert await take(changes, 1) == [1]
            waiting = asyncio.create_task(take(changes, 3))
            house.server.restart()
            async with far_end(house) as end:
                for number in (2, 3, 4):
                    await end.change(number)
            assert await waiting == [2, 3, 4]


async def test_a_message_that_the_stream_holds_twice_is_told_once(house: Keyed, end: FarEnd) -> None:
    """As after the window in which the stream knows a message id again."""
    async with gateway(house) as gw:
        changes = gw.changes(await gw.cursor())
        await end.change(1)
        async with house.connected("admin") as (admin, _):
            config = (await ask(admin, "STREAM.INFO.CHANGES"))["config"]
            await ask(admin, "STREAM.UPDATE.CHANGES", config | {"duplicate_window": 100_000_000})

        async def again() -> bool:
            return await end.change(2, id="ob:1:1:0")

        await eventually(again, what="a second message of the same id")
        await end.change(3)
        assert await take(changes, 2) == [1, 3]


@pytest.mark.parametrize("followed", [False, True], ids=["at its beginning", "while it follows"])
async def test_a_gap_is_never_passed_over(house: Keyed, end: FarEnd, followed: bool) -> None:
    async with gateway(house) as gw:
        changes = gw.changes(await gw.cursor())
        await end.change(1)
        if followed:
            assert await take(changes, 1) == [1]
        for number in (2, 3, 4):
            await end.change(number)
        await purge(house, keep=1)
        with pytest.raises(CursorLost, match="no longer keeps"):
            await take(changes, 1)


async def test_a_stream_made_anew_is_another(house: Keyed, end: FarEnd) -> None:
    async with gateway(house) as gw:
        changes = gw.changes(await gw.cursor())
        waiting = asyncio.create_task(take(changes, 1))
        await eventually(lambda: changes.looks > 1)
        await make_anew(house)
        with pytest.raises(CursorLost, match="another stream"):
            await waiting


async def test_a_key_that_may_not_read_changes_is_told_so(house: Keyed) -> None:
    seed = house.seeds["scheduler"]
    async with Grantwire(house.server.url, nkey_seed=seed, inbox="_INBOX.scheduler", pace=QUICK) as gw:
        with pytest.raises(GrantwireError, match="does not let this key publish"):
            await gw.cursor()


async def purge(house: Keyed, keep: int) -> None:
    """What retention does, at once; what the house itself forbids everybody."""
    async with house.connected("admin") as (admin, _):
        config = (await ask(admin, "STREAM.INFO.CHANGES"))["config"]
        await ask(admin, "STREAM.UPDATE.CHANGES", config | {"max_msgs": keep, "discard": "old"})


async def make_anew(house: Keyed) -> None:
    async with house.connected("admin") as (admin, _):
        await ask(admin, "STREAM.DELETE.CHANGES")
    await bus.apply(house.server.url, seed=house.seeds["admin"])
