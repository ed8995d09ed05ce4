"""Derived relations that were changed behind Grantwire's back: found, named, and put right at once."""

import pytest

from grantwire.graph import Graph, queries
from grantwire.graph.checking import check
from tests.integration.graph.joined import (
    ADMIN,
    READ,
    SCIM,
    World,
    mirrored,
    pairs,
    people,
    reserved,
    roles,
    scope,
    sets,
    sizes,
)
from tests.integration.graph.scenes import ACCOUNT, Bus, facts, fetch, value
from tests.integration.graph.test_realized import leave

ASSIGNMENTS = f"assignments/{ACCOUNT}"
PAIR = pairs(ADMIN).resources[0].native_id
REALIZED = f"realized_as {PAIR} -> {reserved(ADMIN).native_id}"


@pytest.fixture
async def world(graph: Graph) -> World:
    world = World(graph)
    await world.sets.send(sets(ADMIN, READ))
    await world.roles(ADMIN, READ)
    await world.pairs(ADMIN, READ)
    await world.users.send(people("a", "b"))
    await world.scim.send(mirrored("a", "b"))
    await world.hear()
    assert await check(graph) == []
    return world


DAMAGE = {
    "one is missing": (
        "DELETE FROM edge e USING node n WHERE e.kind = 10 AND n.id = e.dst AND n.name LIKE '%Admin%'",
        1,
    ),
    "all are missing": ("DELETE FROM edge WHERE kind = 10", 2),
    "an attribute": ("UPDATE edge SET attributes = '{\"x\": 1}' WHERE kind = 10", 2),
    "a hash": ("UPDATE edge SET hash = src WHERE kind = 10", 2),
    "another end": ("UPDATE edge SET dst = (SELECT id FROM node WHERE kind = 10 LIMIT 1) WHERE kind = 10", 4),
}


@pytest.mark.parametrize(("statement", "wrong"), DAMAGE.values(), ids=DAMAGE)
async def test_damage_is_named_and_put_right(graph: Graph, world: World, statement: str, wrong: int) -> None:
    before = await world.hear()
    await fetch(graph, statement)
    (found,) = await check(graph)
    assert (found.scope, found.connector, found.damaged, found.repaired) == (ASSIGNMENTS, "prod", wrong, False)
    assert (found.row or "").startswith("realized_as ") and "--repair" in found.text
    assert f"{wrong} derived relations" in found.text and "The next run" not in found.text
    (found,) = await check(graph, repair=True)
    assert found.repaired and "derived anew" in found.text
    assert await check(graph) == []
    assert await export(world) == before
    row = await scope(graph, ASSIGNMENTS)
    assert (row["digest"] is None, row["resync"]) == (False, False), "AWS need not be asked again"


async def export(world: World) -> list[str]:
    """Without judging what was told: whoever reads the changes did not hear of the damage."""
    return [line async for line in queries.export(world.graph)]


async def test_what_is_put_right_is_told(graph: Graph, world: World) -> None:
    gone = "DELETE FROM edge e USING node n WHERE e.kind = 10 AND n.id = e.dst AND n.name LIKE '%Admin%'"
    await fetch(graph, gone)
    world.told.now -= {key for key in world.told.now if key[1] == "realized_as" and key[3] == PAIR}
    await fetch(graph, "UPDATE scope SET rows = rows - 1 WHERE key = $1", ASSIGNMENTS)
    (found,) = await check(graph, repair=True)
    assert found.row == REALIZED
    await world.hear()
    assert await value(graph, "SELECT snapshot FROM apply ORDER BY revision DESC LIMIT 1") == "repaired"
    await sizes(graph)


async def test_a_scim_user_whose_directory_user_ended_is_damage(graph: Graph, world: World) -> None:
    await fetch(graph, "UPDATE scope SET retired_at = now() WHERE key = $1", SCIM)
    await world.users.send(people("a"))
    await fetch(graph, "UPDATE scope SET retired_at = NULL WHERE key = $1", SCIM)
    (found,) = await check(graph, repair=True)
    assert (found.scope, found.damaged) == (SCIM, 2)
    assert await check(graph) == []
    assert await value(graph, "SELECT count(*) FROM node WHERE kind = 12") == 1


async def test_damage_of_both_sorts_is_told_apart(graph: Graph, world: World) -> None:
    await fetch(graph, "UPDATE node SET attributes = '{\"x\": 1}' WHERE native_id = $1", PAIR)
    await fetch(graph, "DELETE FROM edge WHERE kind = 10")
    (found,) = await check(graph, repair=True)
    assert (found.damaged, found.row) == (3, f"provisioned_permission_set {PAIR}")
    assert "The next run reads" in found.text and "derived anew" in found.text
    await world.pairs(ADMIN, READ)
    assert await check(graph) == []


async def test_a_role_that_is_missing_takes_its_relation_along_until_it_is_read_again(
    graph: Graph, world: World
) -> None:
    await fetch(graph, "DELETE FROM node WHERE name = $1", reserved(ADMIN).name)
    found = {one.scope: one for one in await check(graph, repair=True)}
    assert set(found) == {f"iam/{ACCOUNT}"}, "a relation without a name cannot be told, nor can it be judged"
    await world.roles(ADMIN, READ)
    assert await check(graph) == []


async def test_retired_scopes_keep_what_they_had(graph: Graph, world: World) -> None:
    await leave(graph, ASSIGNMENTS)
    await world.roles(READ)
    assert await check(graph) == []


async def test_an_account_without_identity_center_has_nothing_to_follow(graph: Graph) -> None:
    await Bus(graph).send(facts(roles(ADMIN).resources))
    assert await check(graph) == []
