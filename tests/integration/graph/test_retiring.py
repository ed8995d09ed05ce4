"""Scopes that leave, return and are purged: what readers see, what subscribers hear, what is kept."""

import asyncio
import json
from datetime import timedelta
from typing import Any

import pytest

from grantwire.contracts.changes import ScopeRetired, ScopeReturned
from grantwire.contracts.connectors import Connector, ConnectorState
from grantwire.contracts.failures import NotFound
from grantwire.contracts.resources import Facts, Kind, RelationKind
from grantwire.graph import Graph, connectors, queries, runs
from grantwire.graph.retiring import RETENTION, lock, purge, restore, retire, retired
from tests.integration.graph.scenes import (
    ACCOUNT,
    TRACE,
    Bus,
    account_node,
    arn,
    external,
    facts,
    fetch,
    group,
    link,
    member,
    organization_bus,
    organization_of,
    role,
    trust,
    user,
    value,
)
from tests.integration.graph.telling import told
from tests.support.eventually import eventually

OTHER = "444455556666"
THEIRS = f"iam/{OTHER}"
NOW = timedelta()


def ours() -> Facts:
    alice, ops, account = user("alice"), role("ops"), account_node()
    relations = [member(group("admins"), alice), trust(alice, ops), link(RelationKind.CONTAINS, account, alice)]
    return facts([alice, group("admins"), ops], relations, [account])


def theirs() -> Facts:
    """Another account: trusted by nobody here, trusting our alice and a vendor."""
    far, vendor = role("far", account=OTHER), external("arn:aws:iam::999988887777:role/vendor", "unresolved")
    relations = [trust(user("alice"), far), trust(vendor, far), link(RelationKind.CONTAINS, account_node(OTHER), far)]
    return facts([far], relations, [vendor, account_node(OTHER)])


async def lines(graph: Graph) -> list[dict[str, Any]]:
    return [json.loads(line) async for line in queries.export(graph)]


async def leave(graph: Graph, key: str = THEIRS, why: str = "The account left the organization.") -> int | None:
    async with graph.transaction() as connection:
        return await retire(connection, key, why, TRACE)


async def come_back(graph: Graph, key: str = THEIRS, **more: Any) -> int | None:
    async with graph.transaction() as connection:
        return await restore(connection, key, **more)


async def scope(graph: Graph, key: str = THEIRS) -> Any:
    return (await fetch(graph, "SELECT * FROM scope WHERE key = $1", key))[0]


@pytest.fixture
async def both(graph: Graph) -> tuple[Bus, Bus]:
    one, two = Bus(graph), Bus(graph, account=OTHER)
    await one.send(ours())
    await two.send(theirs())
    return one, two


async def test_a_retired_scope_is_out_of_every_answer(graph: Graph, both: tuple[Bus, Bus]) -> None:
    before = await lines(graph)
    assert await leave(graph) == 3
    left = await lines(graph)
    assert [row for row in before if row in left] == left, "nothing else changed"
    assert [row for row in left if OTHER in json.dumps(row) or "vendor" in json.dumps(row)] == []
    assert (await queries.counts(graph)).resources == {"account": 1, "iam_group": 1, "iam_role": 1, "iam_user": 1}
    assert (await queries.counts(graph)).relations == {"can_assume": 1, "contains": 1, "member_of": 1}
    for gone in ("far", role("far", account=OTHER).native_id, "AROAfar"):
        with pytest.raises(NotFound):
            await queries.resolve(graph, gone)
    assert [path.end.name for path in (await queries.can(graph, await queries.resolve(graph, "alice"))).paths] == [
        "admins",
        "ops",
    ]
    assert [view.key for view in await queries.scopes(graph, (await scope(graph))["retired_at"])] == [f"iam/{ACCOUNT}"]


async def test_it_is_told_once_and_its_rows_are_kept(graph: Graph, both: tuple[Bus, Bus]) -> None:
    await leave(graph)
    assert (await leave(graph), await leave(graph, "iam/000000000000")) == (None, None), "again, and one that is not"
    message = (await told(graph))[-1]
    assert isinstance(message, ScopeRetired) and (message.revision, message.scope) == (3, THEIRS)
    assert (message.account, message.why) == (OTHER, "The account left the organization.")
    assert (message.resources, message.relations) == ({"iam_role": 1}, {"can_assume": 2, "contains": 1})
    (kept,) = await retired(graph)
    assert (kept.key, kept.rows, kept.why) == (THEIRS, 4, message.why)
    assert message.purged_after == kept.purged_after == kept.retired_at + RETENTION
    assert await value(graph, "SELECT traceparent FROM outbox WHERE revision = 3") == TRACE
    assert await value(graph, "SELECT count(*) FROM node_history") == 0
    assert await value(graph, "SELECT removed FROM apply WHERE revision = 3") == 4


async def test_it_returns_as_it_was(graph: Graph, both: tuple[Bus, Bus]) -> None:
    before = await lines(graph)
    await leave(graph)
    assert (await come_back(graph), await come_back(graph)) == (4, None)
    assert await lines(graph) == before
    message = (await told(graph))[-1]
    assert isinstance(message, ScopeReturned)
    assert (message.resources, message.relations) == ({"iam_role": 1}, {"can_assume": 2, "contains": 1})
    row = await scope(graph)
    assert (row["state"], row["reason"]["code"], row["retired_why"]) == ("stale", "returned", None)
    assert (await both[1].same(theirs(), digest=row["digest"])).outcome == "unchanged"
    assert (await scope(graph))["state"] == "complete"


async def test_a_scope_that_was_never_read_leaves_and_returns_in_silence(graph: Graph) -> None:
    bus = Bus(graph)
    await bus.fail()
    assert (await leave(graph, bus.scope), await come_back(graph, bus.scope)) == (None, None)
    assert (await told(graph), (await scope(graph, bus.scope))["state"]) == ([], "new")


async def test_a_late_reading_does_not_bring_it_back(graph: Graph, both: tuple[Bus, Bus]) -> None:
    two = both[1]
    await leave(graph)
    before = await lines(graph)
    assert (await two.send(facts())).outcome == "retired"
    assert (await two.same(theirs(), digest=(await scope(graph))["digest"])).outcome == "retired"
    assert (await two.fail()).outcome == "retired"
    assert await lines(graph) == before and (await scope(graph))["state"] == "complete"
    await come_back(graph)
    assert (await two.send(theirs())).revision is None


async def test_a_late_seal_of_a_new_scope_is_not_loaded(graph: Graph) -> None:
    bus = Bus(graph)
    await bus.fail()
    await leave(graph, bus.scope)
    assert (await bus.send(ours())).outcome == "retired"
    assert await value(graph, "SELECT count(*) FROM node") == 0


async def test_another_connector_may_take_it_over(graph: Graph, both: tuple[Bus, Bus]) -> None:
    await leave(graph)
    await come_back(graph, connector="second")
    assert (await told(graph))[-1].connector == "second"
    assert (await Bus(graph, "second", OTHER, sequence=9).send(theirs())).revision is None
    assert (await scope(graph))["connector"] == "second"


async def test_removals_that_waited_wait_no_longer(graph: Graph) -> None:
    bus = Bus(graph)
    people = [user(f"u{n:03}") for n in range(60)]
    await bus.send(facts(people))
    await bus.send(facts())
    assert (await scope(graph, bus.scope))["state"] == "held"
    await leave(graph, bus.scope)
    row = await scope(graph, bus.scope)
    assert (row["state"], row["held"], row["held_set"], row["held_since"]) == ("stale", None, None, None)
    assert await value(graph, "SELECT count(*) FROM held_removal") == 0
    await come_back(graph, bus.scope)
    await bus.send(facts())
    assert (await scope(graph, bus.scope))["state"] == "held", "judged anew"


async def test_outsiders_are_judged_by_what_counts(graph: Graph, both: tuple[Bus, Bus]) -> None:
    outsider = external(f"arn:aws:sts::{OTHER}:assumed-role/x/y", "session")
    one, org = both[0], organization_bus(graph)
    world = ours()
    await one.send(facts(world.resources, [*world.relations, trust(outsider, role("ops"))], [outsider]))

    async def inside() -> bool | None:
        found: bool | None = (await queries.resolve(graph, outsider.native_id)).attributes["in_organization"]
        return found

    assert await inside() is True, "an account of this tenant"
    await leave(graph)
    assert await inside() is None, "nobody knows the organization"
    await org.send(organization_of(ACCOUNT))
    assert await inside() is False
    await org.send(organization_of(ACCOUNT, OTHER))
    assert await inside() is True
    await leave(graph, org.scope)
    assert await inside() is None


async def test_a_purge_takes_what_is_old_enough(graph: Graph, both: tuple[Bus, Bus]) -> None:
    one, two = both
    await two.send(facts([role("far", account=OTHER, level=1)], theirs().relations, theirs().mentions))
    await leave(graph)
    before = await lines(graph)
    assert await purge(graph, older_than=RETENTION) == []
    assert await purge(graph, older_than=NOW, scope=one.scope) == [], "it is not retired"
    (gone,) = await purge(graph, older_than=NOW, scope=THEIRS)
    assert (gone.scope, gone.rows, gone.history) == (THEIRS, 4, 1)
    assert await lines(graph) == before and await retired(graph) == []
    for table in ("node", "edge", "node_history", "edge_history"):
        left = await value(graph, f"SELECT count(*) FROM {table} WHERE scope_id = 2")
        assert left == 0, table
    assert len(await told(graph)) == 4, "two loads, a change, a retirement: a purge says nothing"
    await two.send(theirs())
    assert (await scope(graph))["state"] == "complete", "it may begin anew"


async def test_a_seal_that_comes_after_the_purge_makes_no_new_scope(graph: Graph) -> None:
    role_arn = arn("role", "grantwire")
    prod = Connector(id="prod", name="prod", role_arn=role_arn, external_id="external-id-0001")
    await connectors.put(graph, prod, account=ACCOUNT, state=ConnectorState.CONNECTED, reason=None)
    run = await runs.request(graph, "prod", cause="manual", traceparent=None)
    await leave(graph, f"iam/{ACCOUNT}")
    assert [gone.rows for gone in await purge(graph, older_than=NOW)] == [0]
    (part,) = (await runs.get(graph, run)).scopes
    assert part.reason is not None and (part.state, part.reason.code) == ("stale", "retired")
    assert (await Bus(graph).send(ours(), run=run)).outcome == "retired"
    assert await value(graph, "SELECT count(*) FROM scope") == 0


async def test_rows_of_a_retired_scope_make_way(graph: Graph) -> None:
    """An account moves to another organization after the first one's connector was removed."""
    old, new = organization_bus(graph), organization_bus(graph, connector="second")
    new.organization = "o-y"
    await old.send(organization_of(ACCOUNT, OTHER))
    await leave(graph, old.scope)
    moved = organization_of(ACCOUNT)
    applied = await new.send(facts(moved.resources[2:], moved.relations[1:]))
    assert (applied.conflicts, (await scope(graph, new.scope))["state"]) == (0, "complete")
    assert (await queries.counts(graph)).resources == {"account": 1}
    assert await value(graph, "SELECT count(*) FROM node_history") == 1, "what the old one said is kept"
    await come_back(graph, old.scope)
    assert (await queries.counts(graph)).resources == {"account": 2, "organization": 1, "organizational_unit": 1}
    row = await scope(graph, old.scope)
    assert (row["digest"], row["rows"]) == (None, 5), "its next reading is a whole one, and finds the conflict"
    assert (await old.send(organization_of(ACCOUNT, OTHER))).conflicts == 2


async def test_names_that_others_use_outlive_a_purge(graph: Graph, both: tuple[Bus, Bus]) -> None:
    async with graph.connection() as connection:
        await connection.execute("DELETE FROM shared_node WHERE native_id = $1", arn("user", "alice"))
    await leave(graph, f"iam/{ACCOUNT}")
    named = [row for row in await lines(graph) if row.get("source") == arn("user", "alice")]
    assert len(named) == 1
    await purge(graph, older_than=NOW)
    assert [row for row in await lines(graph) if row.get("source") == arn("user", "alice")] == named
    assert not [row for row in await lines(graph) if row.get("native_id") == arn("user", "alice")], "but not as a row"


async def test_a_scope_that_returns_at_the_last_moment_is_not_purged(graph: Graph) -> None:
    bus = Bus(graph)
    await bus.send(ours())
    before = await lines(graph)
    await leave(graph, bus.scope)
    async with graph.transaction() as connection:
        await restore(connection, bus.scope)
        purging = asyncio.create_task(purge(graph, older_than=NOW))
        await eventually(lambda: value(graph, "SELECT count(*) FROM pg_locks WHERE NOT granted"))
    assert await purging == [] and await lines(graph) == before


async def test_several_scopes_leave_while_they_are_applied(graph: Graph) -> None:
    """Locked first, they wait for running applies; the applies that come later find them retired."""
    accounts = [f"{n:012}" for n in range(1, 7)]
    buses = [Bus(graph, account=account) for account in accounts]
    await asyncio.gather(*(bus.send(facts([user("a", account=bus.account or "")])) for bus in buses))

    async def all_leave() -> None:
        async with graph.transaction() as connection:
            await lock(connection, [bus.scope for bus in buses])
            for bus in buses:
                await retire(connection, bus.scope, "They all left.")

    more = [bus.send(facts([user(name, account=bus.account or "") for name in "ab"])) for bus in buses]
    await asyncio.gather(*more[:3], all_leave(), *more[3:])
    assert await lines(graph) == []
    revisions = [row["revision"] for row in await fetch(graph, "SELECT DISTINCT revision FROM outbox ORDER BY 1")]
    assert revisions == list(range(1, len(revisions) + 1))


async def test_an_account_without_iam_is_a_kind_of_its_own(graph: Graph, both: tuple[Bus, Bus]) -> None:
    """The account's row is the organization's: it stays while the organization has the account."""
    await organization_bus(graph).send(organization_of(ACCOUNT, OTHER))
    await leave(graph)
    found = await queries.resolve(graph, OTHER, kinds=[Kind.ACCOUNT])
    assert (found.owned, found.attributes["state"]) == (True, "ACTIVE")
