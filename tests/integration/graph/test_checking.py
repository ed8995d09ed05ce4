"""Rows that were changed behind Grantwire's back: found, named, and put right by the next whole reading."""

from typing import Any

import pytest

from grantwire.contracts.connectors import Connector, ConnectorState
from grantwire.contracts.resources import Facts, Kind, RelationKind, facet
from grantwire.graph import Graph, connectors, queries, runs
from grantwire.graph.checking import check
from grantwire.graph.retiring import retire
from tests.integration.graph.scenes import (
    ACCOUNT,
    COVERS,
    Bus,
    account_node,
    arn,
    external,
    facts,
    fetch,
    group,
    link,
    member,
    role,
    trust,
    user,
    value,
)
from tests.integration.graph.telling import told

SCOPE = f"iam/{ACCOUNT}"
ALICE = f"iam_user {arn('user', 'alice')}"


def world() -> Facts:
    alice, ops, anyone = user("alice", level=1), role("ops"), external("*", "anyone")
    document = {"Condition": {"NumericLessThan": {"a": 1e22, "b": -0.5, "c": 3}}, "é": ["\x00"]}
    odd = user("odd", policy=document)
    relations = [member(group("admins"), alice), trust(anyone, ops), link(RelationKind.CONTAINS, account_node(), alice)]
    more = facet("iam", Kind.ACCOUNT, ACCOUNT, ACCOUNT, {"aliases": ["x"]})
    return facts([alice, odd, group("admins"), ops, more], relations, [anyone, account_node()])


@pytest.fixture
async def bus(graph: Graph) -> Bus:
    bus = Bus(graph, covers=[*COVERS, "facet"])
    await bus.send(world())
    return bus


async def lines(graph: Graph) -> list[str]:
    return [line async for line in queries.export(graph)]


async def test_what_was_applied_is_sound(graph: Graph, bus: Bus) -> None:
    await Bus(graph, account="444455556666").send(facts())
    assert await check(graph) == []
    await bus.send(facts([*world().resources, user("new")], world().relations[1:], world().mentions))
    assert await check(graph) == []
    await bus.fail()
    assert await check(graph) == [], "what no digest vouches for is held against its own hashes only"


DAMAGE = {
    "an attribute": ("UPDATE node SET attributes = attributes || '{\"level\": 2}' WHERE name = 'alice'", ALICE),
    "a name": ("UPDATE node SET name = 'eve' WHERE name = 'alice'", ALICE),
    "a hash": ("UPDATE node SET hash = lineage WHERE name = 'alice'", ALICE),
    "a lineage": ("UPDATE node SET lineage = hash WHERE name = 'alice'", ALICE),
    "a native id": ("UPDATE node SET native_id = 'eve' WHERE name = 'alice'", "iam_user eve"),
    "a kind": ("UPDATE node SET kind = 6 WHERE name = 'alice'", f"iam_role {arn('user', 'alice')}"),
    "a condition": (
        'UPDATE edge SET attributes = attributes || \'{"effect": "denied"}\' WHERE kind = 5',
        f"can_assume * -> {arn('role', 'ops')}",
    ),
    "a missing resource": ("DELETE FROM node WHERE name = 'odd'", None),
    "a missing relation": ("DELETE FROM edge WHERE kind = 2", None),
    "a relation made up": ("UPDATE edge SET kind = 4 WHERE kind = 2", None),
}


@pytest.mark.parametrize(("statement", "row"), DAMAGE.values(), ids=DAMAGE)
async def test_damage_is_named_and_put_right(graph: Graph, bus: Bus, statement: str, row: str | None) -> None:
    before, rows = await lines(graph), await value(graph, "SELECT rows FROM scope")
    await fetch(graph, statement)
    (found,) = await check(graph)
    assert (found.scope, found.connector, found.repaired) == (SCOPE, "prod", False)
    assert (found.row, found.damaged) == (row, 1 if row else 0)
    assert (row or "added, deleted or replaced") in found.text and "--repair" in found.text
    (found,) = await check(graph, repair=True)
    assert found.repaired
    digest = await value(graph, "SELECT digest FROM scope")
    assert (digest, await value(graph, "SELECT resync FROM scope")) == (None, True)
    await bus.send(world())
    assert await check(graph) == []
    assert await lines(graph) == before
    assert [tuple(row) for row in await fetch(graph, "SELECT state, rows FROM scope")] == [("complete", rows)]


async def test_a_name_that_is_missing_is_damage_of_what_names_it(graph: Graph, bus: Bus) -> None:
    before = await lines(graph)
    await fetch(graph, "DELETE FROM shared_node WHERE native_id = '*'")
    (found,) = await check(graph, repair=True)
    assert (found.row or "").startswith("can_assume ")
    await bus.send(world())
    assert (await check(graph), await lines(graph)) == ([], before)


async def test_subscribers_hear_what_readers_saw(graph: Graph, bus: Bus) -> None:
    """Of a damaged attribute they are told the true value; of damage that nobody could see, nothing."""
    await fetch(graph, "UPDATE node SET attributes = attributes || '{\"level\": 2}' WHERE name = 'alice'")
    await fetch(graph, "UPDATE node SET hash = lineage WHERE name = 'ops'")
    await check(graph, repair=True)
    await bus.send(world())
    (message,) = (await told(graph))[1:]
    assert message.model_dump(include={"fields", "values"}) == {"fields": ["level"], "values": {"level": 1}}


async def test_the_next_job_brings_the_whole_body(graph: Graph, bus: Bus) -> None:
    role_arn = arn("role", "grantwire")
    prod = Connector(id="prod", name="prod", role_arn=role_arn, external_id="external-id-0001")
    await connectors.put(graph, prod, account=ACCOUNT, state=ConnectorState.CONNECTED, reason=None)

    async def job() -> Any:
        run = await runs.request(graph, "prod", cause="manual", traceparent=None)
        return next(one for one in await runs.pending(graph) if one.run == run)

    assert (await job()).known_digest is not None
    await fetch(graph, "DELETE FROM node WHERE name = 'alice'")
    await check(graph, repair=True)
    wanted = await job()
    assert (wanted.known_digest, wanted.full) == (None, True)


async def test_retired_scopes_are_checked_too(graph: Graph, bus: Bus) -> None:
    async with graph.transaction() as connection:
        await retire(connection, SCOPE, "Gone.")
    await fetch(graph, "DELETE FROM node WHERE name = 'alice'")
    assert [found.scope for found in await check(graph)] == [SCOPE]
