"""Connectors, runs and the outbox: what is asked for is kept, and ends exactly once."""

import asyncio
import uuid
from datetime import timedelta

import pytest

from grantwire.contracts.connectors import Connector, ConnectorState
from grantwire.contracts.failures import Conflict, DependencyDown, NotFound
from grantwire.contracts.snapshots import Body, Outcome
from grantwire.graph import Graph, apply_seal, connectors, inbox, outbox, queries, runs
from grantwire.graph.outbox import OutboxRow, Waiting
from grantwire.telemetry.clock import utc_now
from tests.integration.graph.commands import arrived, command
from tests.integration.graph.scenes import ACCOUNT, BEGAN, TRACE, Bus, facts, fetch, user, value

PROD = Connector(id="prod", role_arn=f"arn:aws:iam::{ACCOUNT}:role/Grantwire", interval=timedelta(minutes=1))
SCOPE = f"iam/{ACCOUNT}"


async def waiting(graph: Graph, limit: int) -> list[OutboxRow]:
    async with outbox.leader(graph) as leader:
        found = await leader.waiting(limit)
        assert found is not None
        return found.changes


async def sent(graph: Graph, rows: list[OutboxRow]) -> None:
    async with outbox.leader(graph) as leader:
        await leader.delete(Waiting(changes=rows))


async def put(graph: Graph, connector: Connector = PROD, account: str | None = ACCOUNT) -> int:
    return await connectors.put(graph, connector, account=account, state=ConnectorState.SYNCING, reason=None)


async def test_settings_are_kept_by_version(graph: Graph) -> None:
    assert [await put(graph), await put(graph)] == [1, 1]
    changed = PROD.model_copy(update={"external_id": "abc"})
    assert await put(graph, changed) == 2
    assert await connectors.settings(graph, "prod", 1) == PROD
    assert await connectors.settings(graph, "prod", 2) == changed
    with pytest.raises(NotFound):
        await connectors.settings(graph, "prod", 3)
    await connectors.add_log(graph, "prod", "info", "Saved.")
    await connectors.set_state(graph, "prod", ConnectorState.FAILED, "no")
    stored = await connectors.get(graph, "prod")
    assert (stored.connector, stored.version, stored.account) == (PROD, 2, ACCOUNT), "without its secrets"
    assert stored.secrets == {"external_id"}
    assert (stored.state, stored.reason, stored.log[0].text) == (ConnectorState.FAILED, "no", "Saved.")
    assert [one.connector.id for one in await connectors.list_all(graph)] == ["prod"]


async def test_an_account_belongs_to_one_connector(graph: Graph) -> None:
    await put(graph)
    with pytest.raises(Conflict, match="prod"):
        await put(graph, PROD.model_copy(update={"id": "second"}))
    with pytest.raises(NotFound, match="there is prod"):
        await connectors.get(graph, "nobody")
    with pytest.raises(NotFound):
        await runs.request(graph, "nobody", cause="manual", traceparent=None)


async def test_two_connectors_for_one_account_at_once(graph: Graph) -> None:
    ids = [PROD.model_copy(update={"id": f"c{n}"}) for n in range(4)]
    done = await asyncio.gather(*(put(graph, one) for one in ids), return_exceptions=True)
    assert [one for one in done if one == 1] == [1]
    assert sum(isinstance(one, Conflict) for one in done) == 3


async def test_a_run_from_request_to_end(graph: Graph) -> None:
    await put(graph)
    run = await runs.request(graph, "prod", cause="manual", traceparent=TRACE)
    assert (await runs.get(graph, run)).state == "requested"
    (view,) = await queries.scopes(graph, BEGAN)
    assert (view.key, view.state, view.overdue, view.due_at) == (SCOPE, "new", False, None)
    (wanted,) = await runs.pending(graph)
    assert (wanted.run, wanted.scope, wanted.source, wanted.account) == (run, SCOPE, "iam", ACCOUNT)
    assert (wanted.known_digest, wanted.full, wanted.settings_version, wanted.traceparent) == (None, True, 1, TRACE)
    await runs.published(graph, run, SCOPE)
    assert (await runs.get(graph, run)).state == "running" and await runs.pending(graph) == []
    await Bus(graph).send(facts([user("a")]), run=run, calls={"iam:ListUsers": 2}, throttled=3)
    done = await runs.get(graph, run)
    assert (done.state, done.scopes[0].state, done.scopes[0].inserted, done.scopes[0].revision) == (
        "complete",
        "complete",
        1,
        1,
    )
    assert (done.scopes[0].calls, done.scopes[0].throttled) == ({"iam:ListUsers": 2}, 3)
    await runs.published(graph, run, SCOPE)
    assert (await runs.get(graph, run)).state == "complete", "a late word that it was published takes nothing back"
    stored = await connectors.get(graph, "prod")
    assert (stored.state, stored.log[0].text) == (ConnectorState.CONNECTED, "connected")


async def test_a_run_is_published_when_the_bus_has_its_changes(graph: Graph) -> None:
    await put(graph)
    bus = Bus(graph)
    first = await runs.request(graph, "prod", cause="manual", traceparent=TRACE)
    assert not (await runs.get(graph, first)).published, "a run that goes on may still change something"
    await bus.send(facts([user("a"), user("b")]), run=first)
    second = await runs.request(graph, "prod", cause="manual", traceparent=TRACE)
    await bus.send(facts([user("a"), user("c"), user("d")]), run=second)
    views = [await runs.get(graph, run) for run in (first, second)]
    assert [(view.scopes[0].messages, view.scopes[0].inserted, view.published) for view in views] == [
        (1, 2, False),
        (3, 2, False),
    ]
    await sent(graph, (rows := await waiting(graph, 10))[:2])
    assert [(await runs.get(graph, run)).published for run in (first, second)] == [True, False]
    await sent(graph, rows[2:])
    assert (await runs.get(graph, second)).published


async def test_a_run_that_changes_nothing_tells_nothing_and_waits_for_nobody(graph: Graph) -> None:
    await put(graph)
    bus, content = Bus(graph), facts([user("a")])
    await bus.send(content)
    run = await runs.request(graph, "prod", cause="manual", traceparent=None)
    await bus.same(content, digest=await value(graph, "SELECT digest FROM scope"), run=run)
    view = await runs.get(graph, run)
    assert (view.state, view.scopes[0].messages, view.published) == ("complete", 0, True)


async def test_the_latest_run_of_each_connector(graph: Graph) -> None:
    await put(graph)
    assert await runs.latest(graph) == []
    await put(graph, PROD.model_copy(update={"id": "other"}), account="444455556666")
    for _ in range(2):
        newest = await runs.request(graph, "prod", cause="manual", traceparent=None)
    (view,) = await runs.latest(graph)
    assert view == await runs.get(graph, newest)
    other = await runs.request(graph, "other", cause="interval", traceparent=None)
    assert [(one.connector, one.run) for one in await runs.latest(graph)] == [("other", other), ("prod", newest)]


async def test_what_a_job_is_told_about_the_digest(graph: Graph) -> None:
    await put(graph)
    bus = Bus(graph)
    await bus.send(facts())
    await runs.request(graph, "prod", cause="interval", traceparent=None)
    await runs.request(graph, "prod", cause="manual", traceparent=None, full=True)
    digest = await value(graph, "SELECT digest FROM scope")
    assert [(one.known_digest, one.full) for one in await runs.pending(graph)] == [(digest, False), (None, True)]
    await fetch(graph, "UPDATE scope SET full_at = now() - interval '25 hours'")
    assert all(one.full and one.known_digest is None for one in await runs.pending(graph))


async def test_a_resync_asks_again_in_a_run_of_its_own(graph: Graph) -> None:
    await put(graph)
    bus = Bus(graph)
    await bus.send(facts([user("a")]))
    run = await runs.request(graph, "prod", cause="manual", traceparent=TRACE)
    await runs.published(graph, run, SCOPE)
    seal, _ = bus.seal(None, body=Body.UNCHANGED, digest="0" * 64, run=run)
    for _ in range(2):
        assert (await apply_seal(graph, seal, None, traceparent=TRACE)).outcome == "resync"
    first = await runs.get(graph, run)
    assert (first.state, first.scopes[0].state) == ("partial", "stale")
    (again,) = await runs.pending(graph)
    assert (again.full, again.known_digest, again.traceparent) == (True, None, TRACE)
    assert first.scopes[0].reason is not None and again.run in first.scopes[0].reason.text
    await bus.send(facts([user("a")]), run=again.run)
    assert (await runs.get(graph, again.run)).state == "complete"


async def test_failed_and_stale_runs(graph: Graph) -> None:
    await put(graph)
    bus = Bus(graph)
    await bus.send(facts([user("a")]))
    dead = await runs.request(graph, "prod", cause="manual", traceparent=None)
    await runs.failed(graph, dead, SCOPE, "The collector crashed five times.")
    assert (await runs.get(graph, dead)).state == "failed"
    (view,) = await queries.scopes(graph, BEGAN)
    assert view.state == "stale" and view.reason is not None and "crashed" in view.reason.text
    assert (await connectors.get(graph, "prod")).state is ConnectorState.DEGRADED
    stale = await runs.request(graph, "prod", cause="manual", traceparent=None)
    seal, _ = bus.seal(None, outcome=Outcome.STALE, run=stale)
    await apply_seal(graph, seal, None, traceparent=None)
    await runs.failed(graph, stale, SCOPE, "too late to say so")
    assert (await runs.get(graph, stale)).state == "partial"
    assert await value(graph, "SELECT count(*) FROM node") == 1
    with pytest.raises(NotFound):
        await runs.get(graph, str(uuid.uuid4()))
    with pytest.raises(NotFound):
        await runs.get(graph, "no-uuid")


async def test_an_older_seal_still_ends_its_run(graph: Graph) -> None:
    await put(graph)
    bus = Bus(graph)
    run = await runs.request(graph, "prod", cause="manual", traceparent=None)
    late, body = bus.seal(facts(), run=run)
    await bus.send(facts([user("a")]))
    await apply_seal(graph, late, body, traceparent=None)
    part = (await runs.get(graph, run)).scopes[0]
    assert part.state == "unchanged" and part.reason is not None and part.reason.code == "older"


async def test_the_timetable_says_who_runs_and_since_when(graph: Graph) -> None:
    await put(graph)
    now = utc_now()
    (row,) = await runs.timetable(graph, now)
    assert (row.connector, row.interval, row.last_begun, row.running) == ("prod", timedelta(minutes=1), None, False)
    run = await runs.request(graph, "prod", cause="interval", traceparent=None)
    (row,) = await runs.timetable(graph, now)
    assert row.running and row.last_begun is not None
    await Bus(graph).send(facts(), run=run)
    assert not (await runs.timetable(graph, now))[0].running
    await connectors.set_state(graph, "prod", ConnectorState.PAUSED)
    assert await runs.timetable(graph, now) == []


async def test_a_job_that_nobody_ever_answers_does_not_block_its_connector(graph: Graph) -> None:
    await put(graph)
    run = await runs.request(graph, "prod", cause="interval", traceparent=None)
    await runs.published(graph, run, SCOPE)
    await fetch(graph, "UPDATE run_scope SET published_at = now() - interval '7 hours'")
    assert not (await runs.timetable(graph, utc_now()))[0].running
    await runs.request(graph, "prod", cause="interval", traceparent=None)
    assert (await runs.get(graph, run)).state == "failed"


async def test_freshness_is_judged_when_asked(graph: Graph) -> None:
    await put(graph)
    await Bus(graph).send(facts())
    (fresh,) = await queries.scopes(graph, BEGAN + timedelta(seconds=89))
    (late,) = await queries.scopes(graph, BEGAN + timedelta(seconds=91))
    assert (fresh.overdue, late.overdue, late.state) == (False, True, "complete")
    assert fresh.due_at == BEGAN + timedelta(minutes=1)


async def test_the_outbox_is_read_in_order_and_emptied(graph: Graph) -> None:
    bus = Bus(graph)
    await bus.send(facts())
    await bus.send(facts([user(f"u{n}") for n in range(12)]))
    first = await waiting(graph, 5)
    assert [(row.revision, row.n) for row in first] == [(1, 0), (2, 0), (2, 1), (2, 2), (2, 3)]
    assert (
        first[0].type == "dev.grantwire.scope.loaded.v1" and first[0].source == "prod" and first[0].traceparent == TRACE
    )
    await sent(graph, first)
    rest = await waiting(graph, 100)
    assert [(row.revision, row.n) for row in rest] == [(2, n) for n in range(4, 12)]
    await sent(graph, rest)
    assert await waiting(graph, 1) == []


async def test_one_relay_leads(graph: Graph) -> None:
    order: list[str] = []

    async def second() -> None:
        async with outbox.leader(graph) as leader:
            order.append("second")
            assert await leader.waiting(5) is not None

    async with outbox.leader(graph) as leader:
        assert await leader.waiting(5) is not None
        waiting = asyncio.create_task(second())
        await _until_waiting(graph)
        order.append("first")
    await waiting
    assert order == ["first", "second"]


async def test_a_cut_connection_ends_the_lead(graph: Graph) -> None:
    async with outbox.leader(graph) as leader:
        await fetch(graph, "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND granted")
        with pytest.raises(DependencyDown):
            await leader.waiting(5)


async def test_who_lost_the_lead_without_losing_the_connection_is_given_nothing(graph: Graph) -> None:
    """As behind a pooler that puts another server's session under an open connection."""
    await Bus(graph).send(facts([user("a")]))
    await inbox.accept(graph, arrived(command()))
    async with outbox.leader(graph) as leader, graph.connection() as connection:
        found = await leader.waiting(5)
        assert found is not None
        assert (len(found.changes), len(found.told)) == (1, 1)
        assert await outbox.Leader(connection).waiting(5) is None


async def _until_waiting(graph: Graph) -> None:
    async with asyncio.timeout(60):
        while not await value(graph, "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"):
            await asyncio.sleep(0.01)
