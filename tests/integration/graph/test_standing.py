"""How a connector stands while accounts fail, rest, or are accepted as gaps."""

import asyncio
from datetime import timedelta

import pytest

from grantwire.contracts.connectors import ConnectorState
from grantwire.contracts.failures import Invalid, NotFound
from grantwire.graph import Graph, connectors, gaps, runs
from grantwire.telemetry.clock import utc_now
from tests.integration.graph.organizations import (
    ALL,
    DEV,
    LONE,
    OWN,
    PROD,
    Fleet,
    states,
)
from tests.integration.graph.scenes import fetch, value


async def test_failures_are_counted_and_make_interval_runs_leave_an_account_alone(graph: Graph) -> None:
    one = Fleet(graph)
    await one.put()
    await one.sync()
    for failures in (1, 2):
        run = await one.request()
        await one.read_organization(run)
        await one.expand(run)
        await one.fail(run, f"iam/{DEV}")
        assert await value(graph, "SELECT failures FROM scope WHERE key = $1", f"iam/{DEV}") == failures
    run = await one.request("interval")
    await one.read_organization(run)
    decision = await one.expand(run)
    assert decision is not None and {part.account for part in decision.jobs} == ALL - {DEV}
    assert (await states(graph))[f"iam/{DEV}"] == "stale"
    await one.sync()
    row = await fetch(graph, "SELECT failures, tried_at FROM scope WHERE key = $1", f"iam/{DEV}")
    assert row[0]["failures"] == 0 and row[0]["tried_at"] is not None


async def test_the_log_does_not_count_up_failing_accounts_one_by_one(graph: Graph) -> None:
    one = Fleet(graph)
    await one.put()
    run = await one.request()
    await one.read_organization(run)
    await one.expand(run)
    for id in (OWN, DEV, PROD, LONE):
        await one.fail(run, f"iam/{id}")
    stored = await connectors.get(graph, "org")
    assert stored.reason == f"4 of 5 scopes are stale; first iam/{OWN}: iam/{OWN} was denied."
    said = [line.text for line in stored.log if line.level == "warning"]
    assert said == [f"degraded: {stored.reason}", f"degraded: iam/{OWN}: iam/{OWN} was denied."]


async def test_the_last_two_accounts_at_once_settle_the_connector(graph: Graph) -> None:
    one = Fleet(graph)
    await one.put()
    for _ in range(12):
        run = await one.request()
        await one.read_organization(run)
        await one.expand(run)
        await fetch(graph, "UPDATE scope SET state = 'new' WHERE source = 'iam'")
        await fetch(graph, "UPDATE connector SET state = 'syncing', reason = NULL")
        await asyncio.gather(*(one.read(run, account) for account in ALL))
        assert (await connectors.get(graph, "org")).state is ConnectorState.CONNECTED


async def test_gaps_are_accepted_shown_withdrawn_and_over(graph: Graph) -> None:
    one = Fleet(graph)
    await one.put()
    await one.sync()
    run = await one.request()
    await one.read_organization(run)
    await one.expand(run)
    await one.fail(run, f"iam/{DEV}")
    assert (await connectors.get(graph, "org")).state is ConnectorState.DEGRADED
    until = utc_now() + timedelta(days=30)
    await gaps.accept(graph, "org", DEV, "The role comes in May.", until)
    assert (await states(graph))[f"iam/{DEV}"] == "unreachable"
    assert (await connectors.get(graph, "org")).state is ConnectorState.CONNECTED
    (gap,) = await gaps.list_all(graph)
    assert (gap.connector, gap.account, gap.reason, gap.until) == ("org", DEV, "The role comes in May.", until)
    view = await runs.get(graph, await one.sync())
    assert view.parts == {"complete": 4, "unreachable": 1} and view.state == "complete"
    await fetch(graph, "UPDATE accepted_gap SET until = now()")
    assert await gaps.list_all(graph, "org") == []
    assert (await runs.get(graph, await one.sync())).parts == {"complete": 5}
    await gaps.accept(graph, "org", DEV, "Again.", until)
    await gaps.withdraw(graph, "org", DEV)
    assert (await states(graph))[f"iam/{DEV}"] == "stale"


@pytest.mark.parametrize(
    ("account", "reason", "days", "field"),
    [("12", "why", 1, "account"), (DEV, " ", 1, "reason"), (DEV, "why", -1, "until")],
)
async def test_a_gap_that_makes_no_sense(graph: Graph, account: str, reason: str, days: int, field: str) -> None:
    until = utc_now() + timedelta(days=days)
    with pytest.raises(Invalid) as refusal:
        await gaps.accept(graph, "org", account, reason, until)
    assert refusal.value.field == field
    with pytest.raises(NotFound):
        await gaps.accept(graph, "org", DEV, "why", utc_now() + timedelta(days=1))
    await Fleet(graph).put()
    with pytest.raises(NotFound, match="no accepted gap"):
        await gaps.withdraw(graph, "org", DEV)
