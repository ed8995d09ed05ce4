"""Which connector reads which account, and what happens when one lets go."""

from datetime import timedelta

import pytest

from grantwire.contracts.connectors import ConnectorState
from grantwire.contracts.failures import Conflict, NotFound
from grantwire.graph import Graph, connectors, expanding, gaps, queries, runs
from grantwire.telemetry.clock import utc_now
from tests.integration.graph.organizations import (
    ALL,
    DEV,
    ID,
    LONE,
    OWN,
    SCOPE,
    Fleet,
    alone,
    keys,
    retired,
    states,
)
from tests.integration.graph.scenes import value


async def test_an_account_of_another_connector_is_left_to_it_and_that_is_said_once(graph: Graph) -> None:
    await connectors.put(graph, alone("dev", DEV), account=DEV, state=ConnectorState.SYNCING, reason=None)
    one = Fleet(graph)
    await one.put()
    for _ in range(2):
        run = await one.request()
        await one.read_organization(run)
        decision = await one.expand(run)
        assert decision is not None and {part.account for part in decision.jobs} == ALL - {DEV}
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
