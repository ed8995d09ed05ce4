"""A run of an organization from its first part to its last: which accounts it reads, what becomes of the others."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from grantwire.contracts.connectors import ConnectorState
from grantwire.contracts.failures import NotFound
from grantwire.contracts.identity_center import IdentityCenter
from grantwire.graph import Graph, apply_seal, connectors, expanding, fleet, queries, runs
from grantwire.scheduler.fleet import decide_at_once
from grantwire.telemetry.clock import utc_now
from tests.integration.graph.organizations import (
    ALL,
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
    retired,
    settings,
    states,
)
from tests.integration.graph.scenes import value
from tests.integration.graph.telling import told


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
    assert decision is not None and {part.account for part in decision.jobs} == ALL
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


async def test_what_needs_no_account_is_read_beside_the_organization(graph: Graph) -> None:
    one = Fleet(graph, settings(identity_center=True))
    center = IdentityCenter(instance_arn="arn:aws:sso:::instance/ssoins-1", identity_store="d-1", region="eu-west-1")
    await one.put_with(center)
    run = await one.request()
    assert await expanding.to_begin(graph) == [run]
    await expanding.begin(graph, run, decide_at_once)
    assert await expanding.to_begin(graph) == [], "once is enough"
    beside = {"permission_sets/ssoins-1", "directory_groups/d-1", "directory_memberships/d-1"}
    jobs = [job.scope for job in await runs.pending(graph)]
    assert (jobs[0], set(jobs[1:])) == (SCOPE, beside)
    for scope in jobs:
        await runs.published(graph, run, scope)
    assert await expanding.to_expand(graph) == [], "the organization is still read"
    await one.read_organization(run)
    assert await expanding.to_expand(graph) == [run], "what is read beside it holds nothing up"
    await one.expand(run)
    found = await runs.get(graph, run)
    assert found.state == "running" and {part.scope for part in found.scopes if part.state == "published"} == beside
    assert {part.scope for part in found.scopes if part.state == "requested"} == {
        "directory_users/d-1",
        *keys(ALL),
        *(f"assignments/{account}" for account in ALL),
    }


async def test_a_run_without_an_identity_center_begins_with_the_organization_alone(graph: Graph) -> None:
    one = Fleet(graph)
    await one.put()
    run = await one.request()
    assert await expanding.to_begin(graph) == []
    decision = await expanding.begin(graph, run, decide_at_once)
    assert decision is not None and decision.jobs == []
    assert [job.scope for job in await runs.pending(graph)] == [SCOPE]


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
    assert decision is not None and {part.account for part in decision.jobs} == ALL and decision.retire == {}
    await one.read(run, *ALL)
    assert (await runs.get(graph, run)).state == "partial"


async def test_an_organization_that_cannot_be_read_at_first_does_not_hide_the_own_account(graph: Graph) -> None:
    one = Fleet(graph)
    await one.put()
    run = await one.request()
    await one.fail(run, SCOPE)
    decision = await one.expand(run)
    assert decision is not None and [part.account for part in decision.jobs] == [OWN]
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
