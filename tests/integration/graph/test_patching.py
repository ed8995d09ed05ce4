"""Patches and whole readings that overlap or contradict each other."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from grantwire.contracts.connectors import Connector, ConnectorState
from grantwire.contracts.resources import Facts, Kind, RelationKind
from grantwire.graph import Graph, apply_seal, connectors, runs
from grantwire.graph.checking import check
from grantwire.telemetry.clock import utc_now
from tests.integration.graph.joined import ADMIN, World, scope
from tests.integration.graph.patches import (
    ADMINS,
    ALICE,
    ASSIGNMENTS,
    CASES,
    IAM,
    OPS,
    READERS,
    member_of,
    pair,
    part,
    patch,
    read_of,
    two_minutes_pass,
)
from tests.integration.graph.scenes import (
    ACCOUNT,
    COVERS,
    facts,
    fetch,
    member,
    user,
    value,
)

GROUPS = CASES["group of a user"]
PROD = Connector(id="prod", role_arn=f"arn:aws:iam::{ACCOUNT}:role/Grantwire", interval=timedelta(minutes=1))
PAIR_GONE = ((Kind.PROVISIONED_PERMISSION_SET, pair(ADMIN).native_id),)


# Readings that overlap


@pytest.mark.parametrize("first", ["patch", "whole"])
async def test_when_a_whole_reading_still_went_on_nobody_knows_which_was_later(graph: Graph, first: str) -> None:
    bus = World(graph).bus(IAM)
    await bus.send(GROUPS.world(False))
    whole = bus.seal(GROUPS.world(False), last_read=99)
    if first == "whole":
        await apply_seal(graph, *whole, traceparent=None)
    assert (await patch(graph, bus, GROUPS.read(True))).outcome == "applied"
    if first == "patch":
        await apply_seal(graph, *whole, traceparent=None)
    assert await member_of(graph) == {"admins", "readers"}
    assert (await scope(graph, IAM))["resync"] is True
    await bus.send(GROUPS.world(True))
    assert (await scope(graph, IAM))["resync"] is False


async def test_an_older_unchanged_seal_does_not_vouch_for_the_rows(graph: Graph) -> None:
    bus = World(graph).bus(IAM)
    await bus.send(GROUPS.world(False))
    digest = (await scope(graph, IAM))["digest"]
    bus.sequence += 1
    await patch(graph, bus, GROUPS.read(True))
    applied = await bus.same(GROUPS.world(False), fence=bus.sequence - 1, digest=digest)
    assert applied.outcome == "resync"
    state = await scope(graph, IAM)
    assert (state["digest"], state["resync"]) == (None, True)


async def test_an_older_reading_tells_all_the_rest(graph: Graph) -> None:
    bus = World(graph).bus(IAM)
    await bus.send(GROUPS.world(False))
    more = GROUPS.world(False)
    late = bus.seal(
        facts([*more.resources, user("bob")], [*more.relations, member(ADMINS, user("bob"))], more.mentions)
    )
    await patch(graph, bus, GROUPS.read(True))
    assert (await apply_seal(graph, *late, traceparent=None)).inserted == 2
    assert (await member_of(graph), await member_of(graph, "bob")) == ({"admins", "readers"}, {"admins"})


async def test_an_older_reading_that_lacks_the_user_hides_nothing(graph: Graph) -> None:
    """She was made again between the two."""
    bus = World(graph).bus(IAM)
    await bus.send(GROUPS.world(False))
    world = GROUPS.world(False)
    without = [row for row in world.relations if ALICE.native_id not in (row.source, row.target)]
    late = bus.seal(facts([ADMINS, READERS, OPS], without, world.mentions))
    await patch(graph, bus, GROUPS.read(True))
    await apply_seal(graph, *late, traceparent=None)
    assert await member_of(graph) == {"admins", "readers"}
    assert await value(graph, "SELECT count(*) FROM edge e JOIN node n ON n.id = e.dst WHERE n.name = 'alice'") == 1


async def test_of_what_a_reading_could_not_see_a_fence_makes_no_evidence(graph: Graph) -> None:
    bus = World(graph).bus(IAM)
    await bus.send(GROUPS.world(False))
    late = bus.seal(facts(GROUPS.world(False).resources), covers=[kind for kind in COVERS if kind != "member_of"])
    await patch(graph, bus, GROUPS.read(True))
    await apply_seal(graph, *late, traceparent=None)
    assert await member_of(graph) == {"admins", "readers"}
    state = await scope(graph, IAM)
    assert (state["state"], state["reason"]["code"]) == ("stale", "kept")
    assert "2 member_of" in state["reason"]["text"]
    await bus.send(facts(GROUPS.world(False).resources), covers=[kind for kind in COVERS if kind != "member_of"])
    assert (await scope(graph, IAM))["reason"]["code"] == "kept", "nothing is disputed"


async def test_what_a_later_reading_could_not_see_it_does_not_know_better(graph: Graph) -> None:
    bus, covers = World(graph).bus(IAM), [kind for kind in COVERS if kind != "member_of"]
    await bus.send(GROUPS.world(False))
    bus.sequence += 2
    await bus.send(facts(GROUPS.world(False).resources), covers=covers)
    assert (await patch(graph, bus, GROUPS.read(True), fence=bus.sequence - 1)).outcome == "applied"
    await two_minutes_pass(graph)
    await bus.send(facts(GROUPS.world(False).resources), covers=covers)
    assert (await patch(graph, bus, GROUPS.read(False), fence=bus.sequence - 3)).outcome == "older", "than that patch"
    assert await member_of(graph) == {"admins", "readers"}


# Disputes


async def read_for(graph: Graph, content: Facts, bus: Any) -> str:
    run = await runs.request(graph, "prod", cause="manual", traceparent=None)
    await runs.published(graph, run, IAM)
    await bus.send(content, run=run)
    return run


async def test_a_dispute_asks_once_for_the_reading_that_decides(graph: Graph) -> None:
    await connectors.put(graph, PROD, account=ACCOUNT, state=ConnectorState.SYNCING, reason=None)
    bus = World(graph).bus(IAM)
    await read_for(graph, GROUPS.world(False), bus)
    await patch(graph, bus, GROUPS.read(True))
    run = await read_for(graph, GROUPS.world(False), bus)
    part = (await runs.get(graph, run)).scopes[0]
    assert part.state == "stale" and part.reason is not None and part.reason.code == "disputed"
    assert await runs.pending(graph) == [], "not before it can decide"
    assert (await runs.timetable(graph, utc_now()))[0].running is False
    due: datetime = await value(graph, "SELECT not_before FROM run_scope WHERE finished_at IS NULL")
    assert due == await value(graph, "SELECT patched_at + interval '2 minutes' FROM part_fence")
    await read_for(graph, GROUPS.world(False), bus)
    assert await value(graph, "SELECT count(*) FROM run_scope WHERE finished_at IS NULL") == 1
    await fetch(graph, "UPDATE run_scope SET not_before = now() WHERE not_before IS NOT NULL")
    (wanted,) = await runs.pending(graph)
    assert (wanted.scope, wanted.full) == (IAM, True)
    assert (await runs.timetable(graph, utc_now()))[0].running is True
    await two_minutes_pass(graph)
    await bus.send(GROUPS.world(False), run=wanted.run)
    assert await member_of(graph) == {"readers"}
    assert (await connectors.get(graph, "prod")).state is ConnectorState.CONNECTED


async def test_a_later_patch_ends_a_dispute(graph: Graph) -> None:
    bus = World(graph).bus(IAM)
    await bus.send(GROUPS.world(False))
    await patch(graph, bus, GROUPS.read(True))
    await bus.send(GROUPS.world(False))
    assert (await patch(graph, bus, GROUPS.read(False))).outcome == "applied"
    await bus.send(GROUPS.world(False))
    assert await member_of(graph) == {"readers"}
    assert (await scope(graph, IAM))["state"] == "complete"


async def test_what_went_with_its_holder_is_not_disputed(graph: Graph) -> None:
    bus = World(graph).bus(IAM)
    await bus.send(GROUPS.world(False))
    await patch(graph, bus, GROUPS.read(True))
    await bus.send(facts([READERS, OPS], (), GROUPS.world(False).mentions))
    assert await value(graph, "SELECT count(*) FROM edge") == 0
    assert (await scope(graph, IAM))["state"] == "complete"


async def test_an_unassigned_pair_may_be_gone_soon_after(graph: Graph) -> None:
    """The list of its assignments was empty; whether it is still provisioned, that list does not say."""
    case = CASES["first or last assignment"]
    bus = World(graph).bus(ASSIGNMENTS)
    await bus.send(case.world(True))
    await patch(graph, bus, read_of(part(RelationKind.ASSIGNED, pair(ADMIN))))
    assert await value(graph, "SELECT count(*) FROM node WHERE kind = 14") == 2
    await bus.send(case.world(False))
    assert await value(graph, "SELECT count(*) FROM node WHERE kind = 14") == 1
    assert (await scope(graph, ASSIGNMENTS))["state"] == "complete"


async def test_damage_is_no_contradiction(graph: Graph) -> None:
    bus = World(graph).bus(IAM)
    await bus.send(GROUPS.world(False))
    await patch(graph, bus, GROUPS.read(True))
    await fetch(graph, "UPDATE edge SET hash = src WHERE kind = 2")
    assert len(await check(graph, repair=True)) == 1
    await bus.send(GROUPS.world(True))
    assert (await check(graph), (await scope(graph, IAM))["state"]) == ([], "complete")
