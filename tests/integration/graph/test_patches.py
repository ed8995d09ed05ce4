"""What a command changed is seen at once, and no reading that began before it takes that back."""

from datetime import timedelta
from typing import Any

import pytest

from grantwire.graph import Graph, apply_seal
from grantwire.graph.checking import check
from grantwire.telemetry import utc_now
from tests.integration.graph.joined import Source, World, scope, sizes
from tests.integration.graph.patches import CASES, Case, of, patch, rows, two_minutes_pass
from tests.integration.graph.scenes import TRACE, fetch, value
from tests.integration.graph.telling import told

each_case = pytest.mark.parametrize("case", CASES.values(), ids=CASES)
both_ways = pytest.mark.parametrize("held", [True, False], ids=["granted", "revoked"])


async def shows(world: World, case: Case, held: bool) -> None:
    """The graph is that world, what was told adds up to it, and every row is sound."""
    assert rows(await world.hear()) == of(case.world(held))
    await sizes(world.graph)
    assert await check(world.graph) == []


async def loaded(graph: Graph, case: Case, held: bool) -> tuple[World, Source]:
    world = World(graph)
    bus = world.bus(case.scope)
    await bus.send(case.world(held))
    await shows(world, case, held)
    return world, bus


async def fences(graph: Graph) -> int:
    return int(await value(graph, "SELECT count(*) FROM part_fence"))


@each_case
@both_ways
async def test_it_is_seen_at_once_and_twice_is_once(graph: Graph, case: Case, held: bool) -> None:
    world, bus = await loaded(graph, case, not held)
    patched = await patch(graph, bus, case.read(held))
    assert (patched.outcome, patched.revision) == ("applied", 2)
    await shows(world, case, held)
    news = [message for message in await told(graph) if message.revision == 2]
    assert {message.cause for message in news} == {"command 1"}
    assert len(news) == patched.inserted + patched.changed + patched.removed
    assert await value(graph, "SELECT snapshot FROM apply WHERE revision = 2") == "command 1"
    assert {row["traceparent"] for row in await fetch(graph, "SELECT traceparent FROM outbox")} == {TRACE}
    state = await scope(graph, case.scope)
    assert (state["digest"], state["rows_digest"], state["state"]) == (None, None, "complete")
    again = await patch(graph, bus, case.read(held), fence=bus.sequence)
    assert (again.outcome, again.revision) == ("older", 2)
    later = await patch(graph, bus, case.read(held), cause="command 2")
    assert (later.outcome, later.revision, later.inserted) == ("unchanged", 2, 0)
    await shows(world, case, held)


@each_case
@both_ways
async def test_a_late_older_reading_does_not_take_it_back(graph: Graph, case: Case, held: bool) -> None:
    """Neither is a revoked relation resurrected nor a granted one hidden, and nothing false is told."""
    world, bus = await loaded(graph, case, not held)
    late = bus.seal(case.world(not held))
    await patch(graph, bus, case.read(held))
    revision = await value(graph, "SELECT revision FROM tenant")
    assert (await apply_seal(graph, *late, traceparent=None)).outcome == "applied"
    await shows(world, case, held)
    assert await value(graph, "SELECT revision FROM tenant") == revision
    state = await scope(graph, case.scope)
    assert (state["digest"], state["state"], state["resync"]) == (None, "complete", False)


@both_ways
async def test_what_was_known_already_is_known_from_then_on(graph: Graph, held: bool) -> None:
    case = CASES["assignment"]
    world, bus = await loaded(graph, case, held)
    late = bus.seal(case.world(not held))
    patched = await patch(graph, bus, case.read(held))
    assert (patched.outcome, patched.revision, await fences(graph)) == ("unchanged", 1, 1)
    assert (await apply_seal(graph, *late, traceparent=None)).outcome == "applied"
    await shows(world, case, held)


@both_ways
async def test_older_than_a_whole_reading(graph: Graph, held: bool) -> None:
    """A lower fence never overwrites a higher one; but which of the two was read later, nobody knows."""
    case = CASES["group of a user"]
    world, bus = await loaded(graph, case, held)
    bus.sequence += 1
    await bus.send(case.world(not held))
    patched = await patch(graph, bus, case.read(held), fence=bus.sequence - 1)
    assert (patched.outcome, patched.revision) == ("older", 2)
    await shows(world, case, not held)
    assert (await scope(graph, case.scope))["resync"] is True
    assert await fences(graph) == 0
    assert (await patch(graph, bus, case.read(held))).outcome == "applied", "read again"
    await shows(world, case, held)


@each_case
@both_ways
async def test_a_later_reading_that_agrees(graph: Graph, case: Case, held: bool) -> None:
    world, bus = await loaded(graph, case, not held)
    await patch(graph, bus, case.read(held))
    digest = bus.seal(case.world(held))[0].digest
    assert (await bus.same(case.world(held), digest=digest)).outcome == "resync", "nothing vouches for the rows yet"
    assert (await bus.send(case.world(held))).revision is None
    state = await scope(graph, case.scope)
    assert (state["digest"], state["resync"], state["state"]) == (digest, False, "complete")
    assert await fences(graph) == 1, "AWS may still answer from before the write"
    await two_minutes_pass(graph)
    assert (await bus.same(case.world(held), digest=digest)).outcome == "unchanged"
    assert await fences(graph) == 0
    await shows(world, case, held)


@pytest.mark.parametrize("took", [{"seconds": 90.0}, {"read_began_at": -90}], ids=["long", "long-ago"])
@both_ways
async def test_a_reading_decides_by_when_it_began(graph: Graph, held: bool, took: dict[str, Any]) -> None:
    """Whatever time it took, or lay in the stream: AWS may have answered it right after the write."""
    case = CASES["group of a user"]
    world, bus = await loaded(graph, case, not held)
    await patch(graph, bus, case.read(held))
    await two_minutes_pass(graph)
    if "read_began_at" in took:
        took = {"read_began_at": utc_now() + timedelta(seconds=took["read_began_at"])}
    assert (await bus.send(case.world(not held), **took)).revision is None
    await shows(world, case, held)
    assert (await scope(graph, case.scope))["reason"]["code"] == "disputed"
    assert await fences(graph) == 1
    assert (await bus.send(case.world(not held))).revision is not None, "it began after the two minutes"
    await shows(world, case, not held)
    assert await fences(graph) == 0


@each_case
@both_ways
async def test_a_later_reading_that_contradicts(graph: Graph, case: Case, held: bool) -> None:
    """For two minutes it is disputed; then the later reading is right."""
    world, bus = await loaded(graph, case, not held)
    await patch(graph, bus, case.read(held))
    assert (await bus.send(case.world(not held))).revision is None
    await shows(world, case, held)
    state = await scope(graph, case.scope)
    assert (state["digest"], state["resync"], state["state"]) == (None, True, "stale")
    assert state["reason"]["code"] == "disputed"
    said, holder = state["reason"]["text"], case.read(held).part.holder[1]
    assert ("lacks" if held else "shows") in said and holder in said and "command 1" in said
    await two_minutes_pass(graph)
    assert (await bus.send(case.world(not held))).revision is not None
    await shows(world, case, not held)
    state = await scope(graph, case.scope)
    assert (state["digest"] is not None, state["resync"], state["state"]) == (True, False, "complete")
    assert await fences(graph) == 0
