"""Call budgets on a real Postgres: replicas share one line of send times, a throttle lowers it, rest restores it."""

import asyncio
from contextlib import AbstractAsyncContextManager
from datetime import timedelta
from typing import Any

import pytest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader

from grantwire.contracts.failures import DependencyDown
from grantwire.graph import Graph, budgets
from grantwire.graph.budgets import LEAST, Pace, SharedBudgets
from grantwire.telemetry import Recorder, monotonic
from tests.support.eventually import eventually

KEY = "iam/123456789012"


def sharing(graph: Graph, pace: Pace) -> AbstractAsyncContextManager[SharedBudgets]:
    return SharedBudgets.open(graph, {"iam": pace}, Recorder("tests"))


async def rate(graph: Graph) -> float:
    async with graph.connection() as connection:
        return float(await connection.fetchval("SELECT rate FROM rate_budget"))


async def lowered(graph: Graph) -> bool:
    return await rate(graph) < 16.1


async def rested(graph: Graph, seconds: float) -> None:
    """As if so much time had passed since the last throttle and the last call."""
    async with graph.connection() as connection:
        back = timedelta(seconds=seconds)
        await connection.execute(
            "UPDATE rate_budget SET next_at = next_at - $1::interval, slowed_at = slowed_at - $1::interval", back
        )


def restored(began: float) -> float:
    """Of a rate of twenty, by the time that has really passed: a hundredth of it each second."""
    return 0.2 * (monotonic() - began)


async def test_four_replicas_together_keep_the_rate_and_use_all_of_it(graph: Graph) -> None:
    pace = Pace(rate=100.0, burst=10.0)
    for attempt in range(3):  # a machine that pauses lets calls leave late, and then together
        began, sent = await _as_fast_as_they_may(graph, f"iam/{attempt:012}", pace)
        assert max(sent) - began >= (160 - 10) / 100 - 0.05, "more than the rate and one burst left"
        windows = [sum(1 for at in sent if start <= at < start + 0.5) for start in sent]
        if max(sent) - began < 2.2 and max(windows) <= 10 + 50 + 5:
            return
    assert max(sent) - began < 2.2, "the rate was not used"
    assert max(windows) <= 10 + 50 + 5, "half a second holds more than a burst and half the rate"


async def _as_fast_as_they_may(graph: Graph, key: str, pace: Pace) -> tuple[float, list[float]]:
    """When four replicas begin, and when each of their 160 calls leaves."""
    sent: list[float] = []

    async def call(replica: SharedBudgets) -> None:
        await replica.ready(key)
        sent.append(monotonic())

    async with (
        sharing(graph, pace) as a,
        sharing(graph, pace) as b,
        sharing(graph, pace) as c,
        sharing(graph, pace) as d,
    ):
        begun = monotonic()
        await asyncio.gather(*(call(replica) for _ in range(40) for replica in (a, b, c, d)))
    return begun, sorted(sent)


async def test_families_without_a_budget_and_rates_of_nought_wait_for_nothing(graph: Graph) -> None:
    shared = SharedBudgets(graph, {"iam": Pace.of(0.0)}, Recorder("tests"))
    begun = monotonic()
    for _ in range(200):
        await shared.ready(KEY)
        await shared.ready("sts/123456789012")
    shared.slowed(KEY)
    assert monotonic() - begun < 9, "two hundred calls of a rate of twenty would take ten seconds"
    async with graph.connection() as connection:
        assert await connection.fetchval("SELECT count(*) FROM rate_budget") == 0


async def test_accounts_have_lines_of_their_own(graph: Graph) -> None:
    pace = Pace(rate=2.0, burst=1.0)
    async with sharing(graph, pace) as shared:
        begun = monotonic()
        await asyncio.gather(*(shared.ready(f"iam/{account:012}") for account in range(30)))
        assert monotonic() - begun < 12, "thirty accounts waited for one another"


async def test_a_throttle_lowers_the_rate_once_and_rest_restores_it(graph: Graph) -> None:
    pace = Pace.of(20.0)
    await budgets.lease(graph, KEY, pace, 1)
    assert await budgets.slow(graph, KEY, pace) == pytest.approx(16.0, abs=0.1)
    began = monotonic()
    await rested(graph, -100)  # however long the next step takes, it is not a second after that
    assert await budgets.slow(graph, KEY, pace) is None, "one overrun brings many throttles; they count once"
    await rested(graph, 102)
    assert await budgets.slow(graph, KEY, pace) == pytest.approx(16.4 * 0.8, abs=0.2 + restored(began))
    await rested(graph, 10)
    given = await budgets.lease(graph, KEY, pace, 1)
    assert given.rate == pytest.approx(13.12 + 2.0, abs=0.3 + restored(began))
    await rested(graph, 3600)
    assert (await budgets.lease(graph, KEY, pace, 1)).rate == 20.0


async def test_a_budget_never_stops(graph: Graph) -> None:
    pace = Pace.of(20.0)
    for _ in range(40):
        await budgets.slow(graph, KEY, pace)
        await rested(graph, 1.1)
    assert await rate(graph) >= LEAST


async def test_a_report_from_a_thread_lowers_the_shared_rate(graph: Graph) -> None:
    pace = Pace.of(20.0)
    async with sharing(graph, pace) as shared:
        await shared.ready(KEY)
        await asyncio.to_thread(shared.slowed, KEY)
        await eventually(lambda: lowered(graph), what="a lower rate")


async def test_a_line_far_ahead_is_not_waited_for_longer_than_a_minute(graph: Graph) -> None:
    pace = Pace.of(20.0)
    await budgets.lease(graph, KEY, Pace.of(1.0), 10_000)
    assert (await budgets.lease(graph, KEY, pace, 1)).first_in <= 60.0


async def test_a_cancelled_caller_leaves_the_line(graph: Graph) -> None:
    pace = Pace(rate=1.0, burst=1.0)
    async with sharing(graph, pace) as shared:
        await shared.ready(KEY)
        waiting = asyncio.create_task(shared.ready(KEY))
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting


async def test_without_postgres_nothing_is_asked(database_url: str) -> None:
    async with Graph.open(database_url, application_name="tests") as graph:
        shared = SharedBudgets(graph, {"iam": Pace.of(20.0)}, Recorder("tests"))
    with pytest.raises(DependencyDown):
        await shared.ready(KEY)


async def test_how_long_calls_waited_is_told_by_api(graph: Graph) -> None:
    reader = InMemoryMetricReader()
    pace = Pace(rate=20.0, burst=1.0)
    async with SharedBudgets.open(graph, {"iam": pace}, Recorder("tests", MeterProvider([reader]))) as shared:
        await asyncio.gather(*(shared.ready(KEY) for _ in range(5)))
    data: Any = reader.get_metrics_data()
    (metric,) = data.resource_metrics[0].scope_metrics[0].metrics
    (point,) = metric.data.data_points
    assert (metric.name, point.attributes["api"], point.count) == ("grantwire.aws.budget.wait", "iam", 5)
    assert point.max >= 3 / 20
