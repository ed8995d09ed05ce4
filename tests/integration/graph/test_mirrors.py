"""Users as SCIM shows them: they mirror their directory user, and end with it, never before."""

import asyncio
from itertools import permutations
from typing import Any

import pytest

from grantwire.contracts.changes import RelationAdded, RelationRemoved, ResourceRemoved, ScopeRetired
from grantwire.graph import Graph, apply_seal
from grantwire.graph.checking import check
from grantwire.graph.retiring import leaving, lock, purge, restore, retire
from tests.integration.graph.joined import SCIM, STORE, World, mirrored, people, scope, sizes
from tests.integration.graph.scenes import facts, fetch, value, writes
from tests.integration.graph.telling import told


@pytest.fixture
async def world(graph: Graph) -> World:
    world = World(graph)
    await world.users.send(people("a", "b", "c"))
    await world.scim.send(mirrored("a", "b", "early"))
    assert await world.mirrored() == {"a", "b"}
    return world


async def shown(graph: Graph) -> set[str]:
    """The users that SCIM's scope has."""
    return {
        row["native_id"].removeprefix("scim:")
        for row in await fetch(graph, "SELECT native_id FROM node WHERE kind = 12")
    }


async def latest(graph: Graph) -> list[Any]:
    messages = await told(graph)
    return [message for message in messages if message.revision == messages[-1].revision]


async def leave(graph: Graph, *keys: str) -> None:
    async with graph.transaction() as connection:
        await lock(connection, list(keys))
        for key in leaving(keys):
            await retire(connection, key, "It left.")


async def come_back(graph: Graph, *keys: str) -> None:
    async with graph.transaction() as connection:
        await lock(connection, list(keys))
        for key in reversed(leaving(keys)):
            await restore(connection, key)


@pytest.mark.parametrize("order", list(permutations((STORE, SCIM))), ids=lambda keys: keys[0])
async def test_it_is_known_when_both_sides_are(graph: Graph, order: tuple[str, ...]) -> None:
    world = World(graph)
    contents = {STORE: people("a", "b"), SCIM: mirrored("b", "c")}
    for key in order:
        assert await world.mirrored() == set()
        await world.bus(key).send(contents[key])
    assert await world.mirrored() == {"b"}
    (added,) = [message for message in await latest(graph) if isinstance(message, RelationAdded)]
    assert (added.kind, added.scope, added.account, added.n) == ("mirrors", SCIM, None, 1)
    await sizes(graph)
    assert await check(graph) == []


async def test_an_unchanged_reading_writes_no_row(graph: Graph, world: World) -> None:
    before = await writes(graph)
    assert (await world.users.send(people("a", "b", "c"))).revision is None
    assert (await world.scim.send(mirrored("a", "b", "early"))).revision is None
    digest = (await scope(graph, SCIM))["digest"]
    assert (await world.scim.same(mirrored("a", "b", "early"), digest=digest)).outcome == "unchanged"
    after = await writes(graph)
    assert {name for name in after if after[name] != before[name]} == {"scope"}
    await world.users.send(people("a", "b", "c", title="boss"))
    after, before = await writes(graph), after
    assert after["edge"] == before["edge"], "a new title is no other user"


async def test_it_begins_with_a_new_directory_user(graph: Graph, world: World) -> None:
    applied = await world.users.send(people("a", "b", "c", "early"))
    assert await world.mirrored() == {"a", "b", "early"}
    assert (applied.inserted, applied.messages) == (1, 2)


async def test_it_ends_with_its_directory_user(graph: Graph, world: World) -> None:
    applied = await world.users.send(people("b", "c"))
    assert await world.mirrored() == {"b"} and await shown(graph) == {"b", "early"}
    assert (applied.removed, applied.messages) == (1, 3)
    messages = await latest(graph)
    assert [(type(one), one.scope) for one in messages] == [
        (ResourceRemoved, STORE),
        (RelationRemoved, SCIM),
        (ResourceRemoved, SCIM),
    ]
    assert await value(graph, "SELECT native_id FROM node_history WHERE kind = 12") == "scim:a"
    row = await scope(graph, SCIM)
    assert (row["digest"], row["rows_digest"], row["state"], row["rows"]) == (None, None, "complete", 3)
    await sizes(graph)
    assert await check(graph) == []


async def test_the_next_reading_is_a_whole_one_and_vouches_again(graph: Graph, world: World) -> None:
    known = (await scope(graph, SCIM))["digest"]
    await world.users.send(people("b", "c"))
    assert (await world.scim.same(mirrored("a", "b", "early"), digest=known)).outcome == "resync"
    assert (await world.scim.send(mirrored("b", "early"))).revision is None
    assert (await scope(graph, SCIM))["digest"] is not None
    assert await check(graph) == []


async def test_scim_that_lags_does_not_bring_it_back(graph: Graph, world: World) -> None:
    await world.users.send(people("b", "c"))
    assert (await world.scim.send(mirrored("a", "b", "early", "late"))).inserted == 1
    assert await shown(graph) == {"b", "early", "late"}
    row = await scope(graph, SCIM)
    assert (row["state"], row["digest"]) == ("complete", None), "the rows are not what was read"
    await world.hear()
    await world.users.send(people("a", "b", "c"))
    await world.scim.send(mirrored("a", "b", "early", "late"))
    assert await world.mirrored() == {"a", "b"}, "the directory has the last word"
    assert (await scope(graph, SCIM))["digest"] is not None


async def test_the_first_reading_of_scim_leaves_out_who_ended(graph: Graph) -> None:
    world = World(graph)
    await world.users.send(people("a", "b"))
    await world.hear()
    await world.users.send(people("b"))
    await world.scim.send(mirrored("a", "b"))
    assert await shown(graph) == {"b"} and await world.mirrored() == {"b"}
    assert await check(graph) == []


async def test_who_was_never_seen_in_the_directory_has_not_vanished_from_it(graph: Graph, world: World) -> None:
    await world.users.send(people("a", "b"))
    await world.users.send(people("a"))
    assert await shown(graph) == {"a", "early"}


async def test_a_directory_that_was_not_read_whole_ends_nobody(graph: Graph, world: World) -> None:
    await world.users.fail()
    await world.users.send(people("b"), covers=[])
    assert await world.mirrored() == {"a", "b"} and await shown(graph) == {"a", "b", "early"}


async def test_removals_that_wait_end_nobody(graph: Graph) -> None:
    world, many = World(graph), [f"u{n}" for n in range(6)]
    await world.users.send(people(*many))
    await world.scim.send(mirrored(*many))
    await world.users.send(facts())
    assert (await scope(graph, STORE))["state"] == "held"
    assert len(await world.mirrored()) == 6


async def test_a_directory_that_left_ends_nobody(graph: Graph, world: World) -> None:
    before = await world.hear()
    await leave(graph, STORE)
    assert await world.mirrored() == set() and await shown(graph) == {"a", "b", "early"}
    await world.scim.send(mirrored("a", "b", "early"))
    await come_back(graph, STORE)
    assert await world.hear() == before
    await sizes(graph)
    assert await check(graph) == []


async def test_after_its_purge_nobody_knows_who_was_there(graph: Graph, world: World) -> None:
    await leave(graph, STORE)
    await purge(graph, older_than=(await value(graph, "SELECT interval '0'")), scope=STORE)
    await world.scim.send(mirrored("a", "b", "early"))
    assert await shown(graph) == {"a", "b", "early"} and await world.mirrored() == set()
    assert await check(graph) == []


async def test_who_ended_while_scim_was_away_ends_when_it_returns(graph: Graph, world: World) -> None:
    await leave(graph, SCIM)
    await world.users.send(people("b", "c"))
    assert await shown(graph) == {"a", "b", "early"}, "of what does not count, nothing changes"
    await come_back(graph, SCIM)
    assert await world.mirrored() == {"b"} and await shown(graph) == {"b", "early"}
    kinds = [message.type().split(".", 2)[2] for message in await latest(graph)]
    assert kinds == ["scope.returned.v1", "relation.removed.v1", "resource.removed.v1"]
    assert (await scope(graph, SCIM))["digest"] is None
    await sizes(graph)


async def test_both_leave_in_two_messages(graph: Graph, world: World) -> None:
    await leave(graph, STORE, SCIM)
    assert [message.relations for message in await told(graph) if isinstance(message, ScopeRetired)] == [
        {"mirrors": 2},
        {},
    ]
    heard = len(await told(graph))
    await come_back(graph, STORE, SCIM)
    assert await world.mirrored() == {"a", "b"} and len(await told(graph)) == heard + 2


async def test_both_at_once(graph: Graph, database_url: str) -> None:
    """SCIM shows somebody for the first time while the directory ends them: whoever comes second sees what the first
    one did."""
    async with Graph.open(database_url, application_name="second") as second:
        world, everybody = World(graph), [f"u{n}" for n in range(12)]
        await world.users.send(people(*everybody))
        await world.scim.send(mirrored(everybody[-1]))
        await world.hear()
        for turn, leaver in enumerate(everybody[:8]):
            directory = world.users.seal(people(*everybody[turn + 1 :]))
            answer = world.scim.seal(mirrored(leaver, everybody[-1]))
            await asyncio.gather(
                apply_seal(graph, *directory, traceparent=None), apply_seal(second, *answer, traceparent=None)
            )
            assert await world.mirrored() == {everybody[-1]} == await shown(graph)
        await sizes(graph)
    assert await check(graph) == []
