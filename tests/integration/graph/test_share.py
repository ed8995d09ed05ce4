"""Commands pass what collectors wait for, and both together keep the rate."""

import asyncio
from contextlib import AbstractAsyncContextManager
from datetime import datetime

import pytest

from grantwire.graph import Graph, budgets
from grantwire.graph.budgets import Pace, SharedBudgets
from grantwire.graph.share import SHARE, CommandBudgets
from grantwire.telemetry import Recorder, monotonic
from tests.support.eventually import eventually

KEY = "identity-center/123456789012"
PACE = Pace(rate=40.0, burst=4.0)


def sharing(graph: Graph, pace: Pace = PACE) -> AbstractAsyncContextManager[CommandBudgets]:
    return CommandBudgets.open(graph, {"identity-center": pace}, Recorder("tests"))


async def rates(graph: Graph) -> dict[str, float]:
    async with graph.connection() as connection:
        return {row["key"]: row["rate"] for row in await connection.fetch("SELECT key, rate FROM rate_budget")}


async def end_of_line(graph: Graph) -> datetime:
    async with graph.connection() as connection:
        found: datetime = await connection.fetchval("SELECT next_at FROM rate_budget WHERE key = $1", KEY)
        return found


async def test_a_command_does_not_wait_behind_collectors_who_wait_for_it(graph: Graph) -> None:
    await budgets.lease(graph, KEY, PACE, 2_000)
    before = await end_of_line(graph)
    async with sharing(graph) as commands:
        begun = monotonic()
        for _ in range(4):
            await commands.ready(KEY)
        took = monotonic() - begun
    assert took < 15, "fifty seconds of collectors' calls were ahead"
    later = (await end_of_line(graph) - before).total_seconds()
    assert later == pytest.approx(4 / PACE.rate, abs=0.3), "four calls later than without them"


async def test_commands_alone_take_their_share_and_no_more(graph: Graph) -> None:
    async with sharing(graph) as commands:
        begun = monotonic()
        await asyncio.gather(*(commands.ready(KEY) for _ in range(40)))
        took = monotonic() - begun
    assert took >= (40 - SHARE * PACE.rate / 2) / (SHARE * PACE.rate) - 0.1


async def test_both_together_keep_the_rate(graph: Graph) -> None:
    async with (
        SharedBudgets.open(graph, {"identity-center": PACE}, Recorder("tests")) as collectors,
        sharing(graph) as commands,
    ):
        begun = monotonic()
        await asyncio.gather(*(commands.ready(KEY) for _ in range(20)), *(collectors.ready(KEY) for _ in range(60)))
        took = monotonic() - begun
    bursts = PACE.burst + SHARE * PACE.rate / 2
    assert took >= (80 - bursts) / PACE.rate - 0.1


async def test_a_throttle_lowers_the_share_and_the_whole(graph: Graph) -> None:
    async with sharing(graph) as commands:
        await commands.ready(KEY)
        commands.slowed(KEY)

        async def lowered() -> bool:
            found = await rates(graph)
            return found[KEY] < 33 and found["identity-center-commands/123456789012"] < 17

        await eventually(lowered)


async def test_without_a_rate_nothing_waits_and_nothing_is_kept(graph: Graph) -> None:
    async with sharing(graph, Pace.of(0.0)) as commands:
        for _ in range(100):
            await commands.ready(KEY)
        commands.slowed(KEY)
    assert await rates(graph) == {}
