"""Snapshots that only add: what they lack stays without being a gap, and each row tells since when it is told so."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from grantwire.contracts.changes import ResourceAdded, ResourceChanged
from grantwire.contracts.resources import Facts, Kind, Resource
from grantwire.graph import Graph
from grantwire.graph.checking import check
from grantwire.graph.finishing import Applied
from tests.integration.graph.scenes import Bus, facts, value, writes
from tests.integration.graph.telling import told

SCOPE = "scim/tenant"
FIRST = datetime(2026, 3, 1, 12, 0, 0, 250_000, UTC)
LATER = FIRST + timedelta(hours=1)
AT, THEN = "2026-03-01T12:00:00Z", "2026-03-01T13:00:00Z"


def seen(*names: str, **active: bool) -> Facts:
    return facts(
        Resource(Kind.SCIM_USER, f"scim:{name}", None, name, {"user_name": name, "active": active.get(name, True)})
        for name in names
    )


async def send(bus: Bus, content: Facts, began: datetime = FIRST, **changes: Any) -> Applied:
    said: dict[str, Any] = {
        "source": "scim",
        "scope": SCOPE,
        "account": None,
        "covers": [],
        "adds_only": True,
        "plan": "scim",
    }
    return await bus.send(content, read_began_at=began, **{**said, **changes})


@pytest.fixture
async def bus(graph: Graph) -> Bus:
    """Three users are known."""
    bus = Bus(graph)
    await send(bus, seen("ann", "bob", "cid"))
    return bus


async def read_at(graph: Graph, name: str) -> Any:
    return await value(graph, "SELECT attributes->>'read_at' FROM node WHERE name = $1", name)


async def names(graph: Graph) -> str:
    found = await value(graph, "SELECT string_agg(name, ' ' ORDER BY name) FROM node")
    return str(found)


async def state(graph: Graph) -> tuple[str, bool]:
    """The scope's state, and whether its digest vouches for something."""
    return (
        await value(graph, "SELECT state FROM scope WHERE key = $1", SCOPE),
        await value(graph, "SELECT digest IS NOT NULL FROM scope WHERE key = $1", SCOPE),
    )


async def test_a_first_load_says_when_it_was_read(graph: Graph, bus: Bus) -> None:
    assert [await read_at(graph, name) for name in ("ann", "bob", "cid")] == [AT] * 3
    assert (await state(graph), await check(graph)) == (("complete", True), [])


async def test_what_is_absent_stays_and_is_no_gap(graph: Graph, bus: Bus) -> None:
    applied = await send(bus, seen("bob"), LATER)
    assert (applied.removed, applied.held, applied.changed, applied.inserted) == (0, 0, 0, 0)
    assert await names(graph) == "ann bob cid"
    assert (await state(graph), await check(graph)) == (("complete", True), [])


@pytest.mark.parametrize("many", [3, 60])
async def test_a_listing_of_nobody_removes_nobody_and_holds_nothing(graph: Graph, bus: Bus, many: int) -> None:
    await send(bus, seen(*(f"u{n}" for n in range(many))))
    applied = await send(bus, facts(), LATER)
    assert (applied.removed, applied.held) == (0, 0)
    assert await value(graph, "SELECT count(*) FROM node") == many + 3
    assert await state(graph) == ("complete", True)


async def test_the_same_again_needs_no_body_and_moves_nothing(graph: Graph, bus: Bus) -> None:
    await send(bus, seen("bob"), LATER)
    before = await writes(graph)
    said = {"source": "scim", "scope": SCOPE, "covers": [], "adds_only": True, "plan": "scim"}
    assert (await bus.same(seen("bob"), read_began_at=LATER, **said)).outcome == "unchanged"
    after = await writes(graph)
    assert (after["node"], after["outbox"]) == (before["node"], before["outbox"])
    assert await read_at(graph, "bob") == AT


async def test_the_time_moves_with_what_is_said_and_not_before(graph: Graph, bus: Bus) -> None:
    await send(bus, seen("ann", "bob", "cid", "dan", bob=False), LATER)
    assert [await read_at(graph, name) for name in ("ann", "bob", "cid", "dan")] == [AT, THEN, AT, THEN]
    await send(bus, seen("ann", "bob", bob=False), LATER + timedelta(hours=1))
    assert [await read_at(graph, name) for name in ("ann", "bob", "dan")] == [AT, THEN, THEN]


async def test_only_what_was_added_or_changed_is_told(graph: Graph, bus: Bus) -> None:
    before = len(await told(graph))
    await send(bus, seen("bob", "dan", bob=False), LATER)
    changes = (await told(graph))[before:]
    assert {type(each) for each in changes} == {ResourceAdded, ResourceChanged}
    (changed,) = [each for each in changes if isinstance(each, ResourceChanged)]
    assert (changed.native_id, sorted(changed.fields)) == ("scim:bob", ["active", "read_at"])


async def test_another_scope_s_snapshots_remove_as_ever(graph: Graph, bus: Bus) -> None:
    """The seal says it, not the kind: one that covers its kind is all there is."""
    applied = await send(bus, seen("bob"), LATER, covers=["scim_user"], adds_only=False)
    assert applied.removed == 2


DAMAGE = [
    "UPDATE node SET hash = lineage WHERE name = 'bob'",
    "UPDATE node SET attributes = attributes || '{\"active\": 1}' WHERE name = 'bob'",
    "DELETE FROM node WHERE name = 'bob'",
]


async def test_what_was_damaged_and_is_not_listed_is_put_right_as_far_as_it_can_be(graph: Graph, bus: Bus) -> None:
    await value(graph, "UPDATE node SET hash = lineage WHERE name = 'ann'")
    await value(graph, "UPDATE node SET lineage = hash WHERE name = 'cid'")
    assert len(await check(graph, repair=True)) == 1
    await send(bus, seen("bob"), LATER)
    assert (await check(graph), await names(graph)) == ([], "ann bob cid")


async def test_a_row_whose_id_is_another_s_is_named_until_it_is_listed(graph: Graph, bus: Bus) -> None:
    await value(graph, "UPDATE node SET native_id = 'scim:eve' WHERE name = 'ann'")
    for listed, damaged in ((seen("bob"), 1), (seen("bob", "ann"), 0)):
        await check(graph, repair=True)
        await send(bus, listed, LATER)
        assert len(await check(graph)) == damaged
        assert await value(graph, "SELECT count(*) FROM node") == 3, "nobody was invented"


@pytest.mark.parametrize("damage", DAMAGE)
async def test_what_was_damaged_is_put_right(graph: Graph, bus: Bus, damage: str) -> None:
    await value(graph, damage)
    assert len(await check(graph, repair=True)) == 1
    await send(bus, seen("bob"), LATER)
    assert (await check(graph), await names(graph)) == ([], "ann bob cid")
    assert await value(graph, "SELECT attributes->'active' FROM node WHERE name = 'bob'") is True
