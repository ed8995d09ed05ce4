"""A run of an organization from its first part to its last: which accounts it reads, what becomes of the others."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from grantwire.contracts.connectors import Connector, ConnectorState
from grantwire.contracts.failures import Conflict, Invalid, NotFound
from grantwire.graph import Graph, apply_seal, connectors, expanding, fleet, gaps, queries, runs
from grantwire.telemetry.clock import utc_now
from tests.integration.graph.organizations import (
    DEV,
    ID,
    LONE,
    OWN,
    PLACES,
    PROD,
    ROOT,
    SCOPE,
    TEAM_A,
    TEAMS,
    Fleet,
    keys,
    organization,
)
from tests.integration.graph.scenes import fetch, value
from tests.integration.graph.telling import told

ALL = {OWN, DEV, PROD, LONE}


async def states(graph: Graph) -> dict[str, str]:
    return {view.key: view.state for view in await queries.scopes(graph, utc_now())}


async def retired(graph: Graph) -> dict[str, str]:
    rows = await fetch(graph, "SELECT key, retired_why FROM scope WHERE retired_at IS NOT NULL")
    return {row["key"]: row["retired_why"] for row in rows}


async def test_a_run_begins_with_the_organization_and_goes_on_with_its_accounts(graph: Graph) -> None:
    one = Fleet(graph)
    await one.put()
    run = await one.request()
    (job,) = await runs.pending(graph)
    assert (job.scope, job.source, job.account, job.organization) == (SCOPE, "organization", OWN, ID)
    view = await runs.get(graph, run)
    assert (view.state, view.expanded, [part.scope for part in view.scopes]) == ("requested", False, [SCOPE])
    assert await expanding.to_expand(graph) == [], "its first part has not ended"
    await runs.published(graph, run, SCOPE)
    await one.read_organization(run)
    view = await runs.get(graph, run)
    assert (view.state, view.finished_at, view.published) == ("running", None, False), "its accounts are still to come"
    assert (await runs.timetable(graph, utc_now()))[0].running
    assert await expanding.to_expand(graph) == [run]

    decision = await one.expand(run)
    assert decision is not None and set(decision.jobs) == ALL
    assert await expanding.to_expand(graph) == [] and await one.expand(run) is None, "once is enough"
    jobs = await runs.pending(graph)
    assert {(job.scope, job.source, job.account, job.organization) for job in jobs} == {
        (f"iam/{account}", "iam", account, ID) for account in ALL
    }
    view = await runs.get(graph, run)
    assert (view.state, view.expanded, view.parts) == ("running", True, {"complete": 1, "requested": 4})
    assert [(part.source, part.account, part.name) for part in view.scopes[:2]] == [
        ("organization", OWN, "account-1"),
        ("iam", OWN, "account-1"),
    ]
    await one.read(run, *ALL)
    view = await runs.get(graph, run)
    assert (view.state, view.parts, view.calls) == ("complete", {"complete": 5}, 5)
    assert view.finished_at is not None and view.seconds is not None and view.seconds > 0
    assert (await connectors.get(graph, "org")).state is ConnectorState.CONNECTED


async def test_what_the_graph_knows_of_the_members(graph: Graph) -> None:
    one = Fleet(graph)
    await one.put()
    assert await fleet.accounts_inside(graph) == frozenset()
    await one.sync(organization(states={DEV: "SUSPENDED"}))
    async with graph.connection() as connection:
        members = {member.account: member for member in await fleet.members(connection, ID)}
        assert await fleet.members(connection, "o-other") == []
    assert members[DEV] == fleet.Member(DEV, "account-2", "SUSPENDED", (TEAM_A, TEAMS, ROOT))
    assert (members[PROD].units, members[OWN].units) == ((TEAMS, ROOT), (ROOT,))
    assert await fleet.accounts_inside(graph) == ALL
    await connectors.remove(graph, "org")
    assert await fleet.accounts_inside(graph) == frozenset(), "a retired organization has no accounts"


async def test_a_suspended_account_is_unreachable_keeps_its_rows_and_comes_back(graph: Graph) -> None:
    one = Fleet(graph)
    await one.put()
    await one.sync()
    run = await one.sync(organization(states={DEV: "SUSPENDED"}))
    view = await runs.get(graph, run)
    parts = {part.scope: part for part in view.scopes}
    assert (view.state, parts[f"iam/{DEV}"].state) == ("complete", "unreachable")
    reason = parts[f"iam/{DEV}"].reason
    assert reason is not None and reason.code == "suspended" and parts[f"iam/{DEV}"].finished_at is not None
    (scope,) = [scope for scope in await queries.scopes(graph, utc_now()) if scope.key == f"iam/{DEV}"]
    assert (scope.state, scope.reason, scope.rows, scope.overdue) == ("unreachable", reason, 1, False)
    later = [scope for scope in await queries.scopes(graph, utc_now() + timedelta(days=2)) if scope.overdue]
    assert f"iam/{DEV}" not in {scope.key for scope in later} and len(later) == 4
    assert (await connectors.get(graph, "org")).state is ConnectorState.CONNECTED, "it is no failure"
    await one.sync()
    assert (await states(graph))[f"iam/{DEV}"] == "complete"


async def test_an_account_that_leaves_is_retired_and_returns(graph: Graph) -> None:
    one = Fleet(graph)
    await one.put()
    await one.sync()
    await one.sync(organization({id: place for id, place in PLACES.items() if id != DEV}))
    assert await retired(graph) == {f"iam/{DEV}": f"Account {DEV} is no longer in the organization."}
    assert await states(graph) == {SCOPE: "complete"} | dict.fromkeys(keys(ALL - {DEV}), "complete")
    run = await one.request()
    await one.read_organization(run)
    await one.expand(run)
    assert await retired(graph) == {} and (await states(graph))[f"iam/{DEV}"] == "stale"
    await one.read(run, *ALL)
    assert (await runs.get(graph, run)).state == "complete" and (await states(graph))[f"iam/{DEV}"] == "complete"
    assert [type(message).__name__ for message in await told(graph) if message.scope == f"iam/{DEV}"] == [
        "ScopeLoaded",
        "ScopeRetired",
        "ScopeReturned",
    ]


async def test_a_filter_counts_at_once_even_if_the_organization_cannot_be_read(graph: Graph) -> None:
    one = Fleet(graph)
    await one.put()
    await one.sync()
    await one.put(exclude_ous=[TEAMS])
    run = await one.request()
    await one.fail(run, SCOPE)
    await one.expand(run)
    assert await retired(graph) == {
        f"iam/{id}": f"The filter exclude_ous leaves account {id} out." for id in (DEV, PROD)
    }
    await one.put(exclude_ous=[], child_iam=False)
    await one.sync()
    assert (await retired(graph)).keys() == keys({DEV, PROD, LONE})
    await one.put(child_iam=True)
    await one.sync()
    assert await retired(graph) == {}


async def test_a_failed_reading_of_the_organization_takes_nobody_away(graph: Graph) -> None:
    one = Fleet(graph)
    await one.put()
    await one.sync()
    run = await one.request()
    await runs.failed(graph, run, SCOPE, "The collector crashed five times.")
    decision = await one.expand(run)
    assert decision is not None and set(decision.jobs) == ALL and decision.retire == {}
    await one.read(run, *ALL)
    assert (await runs.get(graph, run)).state == "partial"


async def test_an_organization_that_cannot_be_read_at_first_does_not_hide_the_own_account(graph: Graph) -> None:
    one = Fleet(graph)
    await one.put()
    run = await one.request()
    await one.fail(run, SCOPE)
    decision = await one.expand(run)
    assert decision is not None and decision.jobs == [OWN]
    await one.read(run, OWN)
    assert (await runs.get(graph, run)).state == "partial"
    stored = await connectors.get(graph, "org")
    assert stored.state is ConnectorState.DEGRADED and stored.reason == f"{SCOPE}: {SCOPE} was denied."


async def test_two_schedulers_expand_a_run_once(graph: Graph) -> None:
    one = Fleet(graph)
    await one.put()
    run = await one.request()
    await one.read_organization(run)
    decisions = await asyncio.gather(*(one.expand(run) for _ in range(6)))
    assert sum(decision is not None for decision in decisions) == 1
    assert (await runs.get(graph, run)).parts == {"complete": 1, "requested": 4}


async def test_an_expansion_and_seals_of_the_same_scopes_at_once(graph: Graph) -> None:
    """Both take the scopes' locks and the tenant's revision: neither order of the two may end in a deadlock."""
    one = Fleet(graph)
    await one.put()
    first = await one.sync()
    for left in (organization({OWN: ROOT}), organization()):
        run = await one.request()
        await one.read_organization(run, left)
        await asyncio.gather(one.expand(run), *(one.read(first, account) for account in ALL))
    assert await retired(graph) == {}
    assert await value(graph, "SELECT count(*) FROM run_scope WHERE state = 'requested'") == 5


async def test_an_account_of_another_connector_is_left_to_it_and_that_is_said_once(graph: Graph) -> None:
    await connectors.put(graph, alone("dev", DEV), account=DEV, state=ConnectorState.SYNCING, reason=None)
    one = Fleet(graph)
    await one.put()
    for _ in range(2):
        run = await one.request()
        await one.read_organization(run)
        decision = await one.expand(run)
        assert decision is not None and set(decision.jobs) == ALL - {DEV}
    log = [line.text for line in (await connectors.get(graph, "org")).log]
    assert log.count(f"Account {DEV} is read by connector 'dev'; connector 'org' leaves it alone.") == 1


async def test_an_account_that_another_connector_gave_up_changes_hands(graph: Graph) -> None:
    await connectors.put(graph, alone("dev", DEV), account=DEV, state=ConnectorState.SYNCING, reason=None)
    one = Fleet(graph)
    await one.put()
    first = Fleet(graph, alone("dev", DEV))
    await first.read(await first.request(), DEV)
    await connectors.remove(graph, "dev")
    assert set(await retired(graph)) == {f"iam/{DEV}"}
    await one.sync()
    assert await retired(graph) == {}
    assert await value(graph, "SELECT connector FROM scope WHERE key = $1", f"iam/{DEV}") == "org"
    assert await value(graph, "SELECT count(*) FROM node WHERE account = $1 AND kind = 4", DEV) == 1


def alone(id: str, account: str) -> Connector:
    return Connector(id=id, role_arn=f"arn:aws:iam::{account}:role/Grantwire")


async def test_what_an_organization_reads_belongs_to_no_second_connector(graph: Graph) -> None:
    one = Fleet(graph)
    await one.put()
    with pytest.raises(Conflict, match=rf"Organization {ID} is read by connector 'org' already"):
        await connectors.put(
            graph,
            alone("two", DEV).model_copy(update={"organizations": True}),
            account=DEV,
            organization=ID,
            state=ConnectorState.SYNCING,
            reason=None,
        )
    await one.sync()
    with pytest.raises(Conflict, match="read by connector 'org' already as one of its organization's"):
        await connectors.put(graph, alone("two", DEV), account=DEV, state=ConnectorState.SYNCING, reason=None)
    await one.put(exclude_accounts=[DEV])
    await one.sync()
    await connectors.put(graph, alone("two", DEV), account=DEV, state=ConnectorState.SYNCING, reason=None)


async def test_a_connector_that_gives_up_its_organization_keeps_its_own_account(graph: Graph) -> None:
    one = Fleet(graph)
    await one.put()
    await one.sync()
    await one.put(organizations=False)
    assert (await connectors.get(graph, "org")).organization is None
    run = await one.request()
    assert [part.scope for part in (await runs.get(graph, run)).scopes] == [f"iam/{OWN}"]
    assert not (await runs.get(graph, run)).expanded, "what it had before is still to be judged"
    await one.read(run, OWN)
    assert await expanding.to_expand(graph) == [run]
    await one.expand(run)
    assert (await retired(graph)).keys() == {SCOPE, *keys(ALL - {OWN})}
    assert (await runs.get(graph, run)).state == "complete"
    run = await one.request()
    assert (await runs.get(graph, run)).expanded
    await one.put(organizations=True)
    await one.sync()
    assert await retired(graph) == {}


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
    assert decision is not None and set(decision.jobs) == ALL - {DEV}
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


async def test_a_removed_connector_leaves_nothing_that_counts_or_waits(graph: Graph) -> None:
    one = Fleet(graph)
    await one.put()
    await one.sync()
    await gaps.accept(graph, "org", LONE, "Later.", utc_now() + timedelta(days=1))
    waiting = await one.request()
    await connectors.remove(graph, "org")
    assert await retired(graph) == dict.fromkeys({SCOPE, *keys(ALL)}, "Connector 'org' was removed.")
    view = await runs.get(graph, waiting)
    assert (view.state, view.scopes[0].reason and view.scopes[0].reason.code) == ("failed", "connector_gone")
    assert await runs.pending(graph) == [] and await expanding.to_expand(graph) == []
    assert await runs.timetable(graph, utc_now()) == [] and await gaps.list_all(graph) == []
    assert [line async for line in queries.export(graph)] == []


async def test_removing_what_is_not_there_and_adding_it_again(graph: Graph) -> None:
    with pytest.raises(NotFound):
        await connectors.remove(graph, "org")
    one = Fleet(graph)
    assert await one.put() == 1
    await one.sync()
    await connectors.remove(graph, "org")
    with pytest.raises(NotFound):
        await connectors.settings(graph, "org", 1)
    assert await one.put(name="again") == 2, "the old settings keep their number"
    assert (await connectors.settings(graph, "org", 1)).name == ""
    await one.sync()
    assert await retired(graph) == {} and set((await states(graph)).values()) == {"complete"}
    log = [line.text for line in (await connectors.get(graph, "org")).log]
    assert "Connector 'org' was removed." in log


async def test_history_shows_runs_with_their_sums(graph: Graph) -> None:
    one = Fleet(graph)
    await one.put()
    first = await one.sync()
    second = await one.request()
    found = await runs.history(graph)
    assert [(run.run, run.state, run.parts) for run in found] == [
        (second, "requested", {"requested": 1}),
        (first, "complete", {"complete": 5}),
    ]
    view = await runs.get(graph, first)
    assert (found[1].calls, found[1].throttled, found[1].seconds) == (view.calls, view.throttled, view.seconds)
    assert (found[1].calls, found[0].seconds, found[0].finished_at) == (5, None, None)
    assert [run.run for run in await runs.history(graph, "org", 1)] == [second]
    assert await runs.history(graph, "nobody") == []


async def test_a_resync_of_an_organization_expands_again(graph: Graph) -> None:
    one = Fleet(graph)
    await one.put()
    await one.sync()
    run = await one.request()
    seal: Any = one.bus.seal(None, run=run, body="unchanged", digest="0" * 64, source="organization", scope=SCOPE)[0]
    assert (await apply_seal(graph, seal, None, traceparent=None)).outcome == "resync"
    (again,) = await runs.pending(graph)
    assert (again.scope, again.full) == (SCOPE, True)
    await one.expand(run)
    await one.read_organization(again.run)
    assert await expanding.to_expand(graph) == [again.run]


async def test_a_run_of_one_scope_reads_no_other(graph: Graph) -> None:
    one = Fleet(graph)
    await one.put()
    await one.sync()
    async with graph.transaction() as connection:
        asked: Any = {"cause": "manual", "traceparent": None, "full": True}
        run = await runs.request_in(connection, "org", scope=f"iam/{DEV}", **asked)
        organization_run = await runs.request_in(connection, "org", scope=SCOPE, **asked)
        with pytest.raises(NotFound):
            await runs.request_in(connection, "org", scope="iam/999999999999", **asked)
    view = await runs.get(graph, run)
    assert ([part.scope for part in view.scopes], view.expanded) == ([f"iam/{DEV}"], True)
    assert not (await runs.get(graph, organization_run)).expanded
    await one.read(run, DEV)
    assert (await runs.get(graph, run)).state == "complete" and await retired(graph) == {}


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
