"""Patches beside all else that happens to a scope: derived relations, owners, the removal guard, leaving."""

import asyncio
from datetime import timedelta

import pytest

from grantwire.contracts.connectors import Connector, ConnectorState
from grantwire.contracts.failures import Malformed
from grantwire.contracts.resources import Kind, RelationKind
from grantwire.graph import Graph, apply_seal, connectors, holding, queries, runs
from grantwire.graph.checking import check
from grantwire.graph.patching import Part, PartRead
from grantwire.graph.purging import purge
from grantwire.graph.retiring import restore, retire
from tests.integration.graph.joined import ADMIN, World, pairs, role_of, scope, sets
from tests.integration.graph.patches import (
    ADMINS,
    ALICE,
    CASES,
    IAM,
    INLINE,
    OPS,
    READERS,
    assigned,
    attached,
    groups_of,
    member_of,
    pair,
    part,
    patch,
    read_of,
    two_minutes_pass,
)
from tests.integration.graph.scenes import (
    ACCOUNT,
    TRACE,
    Bus,
    external,
    facts,
    fetch,
    group,
    link,
    member,
    user,
    value,
    writes,
)
from tests.integration.graph.telling import told

GROUPS = CASES["group of a user"]
PROD = Connector(id="prod", role_arn=f"arn:aws:iam::{ACCOUNT}:role/Grantwire", interval=timedelta(minutes=1))
PAIR_GONE = ((Kind.PROVISIONED_PERMISSION_SET, pair(ADMIN).native_id),)


# Derived relations, principals that are gone, rows of other scopes


async def test_a_role_follows_its_pair_for_the_same_cause(graph: Graph) -> None:
    world = World(graph)
    await world.sets.send(sets(ADMIN))
    await world.roles(ADMIN)
    await world.pairs()
    assert await world.realized() == {}
    of = part(RelationKind.ASSIGNED, pair(ADMIN))
    await patch(graph, world.assignments, read_of(of, assigned("u-1", ADMIN), resources=(pair(ADMIN),)))
    assert await world.realized() == {ADMIN: role_of(ADMIN)}
    await patch(graph, world.assignments, read_of(of, gone=PAIR_GONE), cause="command 2")
    assert await world.realized() == {}
    causes = [message.cause for message in await told(graph) if message.kind == "realized_as"]
    assert causes == ["command 1", "command 2"]
    assert await check(graph) == []


async def test_of_a_known_pair_only_the_assignment_is_written(graph: Graph) -> None:
    world, case = World(graph), CASES["assignment"]
    await world.assignments.send(case.world(False))
    before = await writes(graph)
    await patch(graph, world.assignments, case.read(True))
    after = await writes(graph)
    assert {name: after[name] - before[name] for name in ("node", "edge")} == {"node": 0, "edge": 1}


async def test_a_deleted_principal_stays_one(graph: Graph) -> None:
    """A list of assignments names it as the user that it was."""
    world, gone = World(graph), external("u-gone", "deleted")
    here = pairs(ADMIN)
    kept = link(RelationKind.ASSIGNED, gone, pair(ADMIN))
    await world.assignments.send(facts(here.resources, [*here.relations, kept], [*here.mentions, gone]))
    of = part(RelationKind.ASSIGNED, pair(ADMIN))
    patched = await patch(graph, world.assignments, read_of(of, assigned("u-gone", ADMIN), assigned("u-1", ADMIN)))
    assert (patched.inserted, patched.removed) == (1, 0)


async def test_what_another_scope_owns_stays(graph: Graph) -> None:
    world = World(graph)
    await Bus(graph, connector="second", account="444455556666").send(facts([ALICE, ADMINS], [member(ADMINS, ALICE)]))
    await world.iam.send(facts([READERS]))
    patched = await patch(graph, world.iam, groups_of(ALICE))
    assert (patched.outcome, patched.removed) == ("unchanged", 0)
    patched = await patch(graph, world.iam, groups_of(ALICE, ADMINS))
    assert (patched.outcome, patched.inserted) == ("unchanged", 0)
    assert await member_of(graph) == {"admins"}


async def test_what_a_reading_cannot_show_is_refused(graph: Graph) -> None:
    bus = World(graph).bus(IAM)
    of_ops = part(RelationKind.ATTACHED, OPS, Kind.INLINE_POLICY)
    refused = [
        PartRead(Part(RelationKind.CONTAINS, (Kind.ACCOUNT, ACCOUNT)), ()),
        PartRead(part(RelationKind.ATTACHED, OPS), ()),
        PartRead(part(RelationKind.MEMBER_OF, ADMINS), ()),
        PartRead(part(RelationKind.MEMBER_OF, ALICE), (member(ADMINS, user("bob")),)),
        PartRead(of_ops, (), (ALICE,)),
        PartRead(of_ops, (), (), ((Kind.INLINE_POLICY, f"{ALICE.native_id}#all"),)),
        PartRead(of_ops, (attached(INLINE, OPS),), (), ((INLINE.kind, INLINE.native_id),)),
    ]
    for read in refused:
        with pytest.raises(Malformed, match=r"part|reading"):
            await patch(graph, bus, read)
    with pytest.raises(Malformed, match="twice"):
        await patch(graph, bus, groups_of(ALICE), groups_of(ALICE, ADMINS))


# The removal guard


async def test_the_guard_does_not_count_what_commands_removed(graph: Graph) -> None:
    bus, people, admins = World(graph).bus(IAM), [user(f"u{n:02}") for n in range(40)], group("admins")
    await bus.send(facts([*people, admins], [member(admins, one) for one in people]))
    for one in people[:15]:
        await patch(graph, bus, groups_of(one))
    await bus.send(facts([*people, admins], [member(admins, one) for one in people[35:]]))
    assert (await scope(graph, IAM))["state"] == "complete", "twenty, and not thirty-five"
    assert await value(graph, "SELECT count(*) FROM edge") == 5


async def test_a_command_may_take_what_the_guard_holds(graph: Graph) -> None:
    await connectors.put(graph, PROD, account=ACCOUNT, state=ConnectorState.SYNCING, reason=None)
    bus, people, admins = World(graph).bus(IAM), [user(f"u{n:02}") for n in range(40)], group("admins")
    await bus.send(facts([*people, admins], [member(admins, one) for one in people]))
    less = facts([*people, admins], [member(admins, one) for one in people[30:]])
    await bus.send(less)
    (before,) = await holding.list_all(graph)
    await holding.confirm(graph, IAM, before.fingerprint, traceparent=TRACE)
    await patch(graph, bus, groups_of(people[0]))
    (held,) = await holding.list_all(graph, ids=True)
    assert (held.rows, held.confirmed) == (29, True) and held.fingerprint != before.fingerprint
    await two_minutes_pass(graph)
    assert (await bus.send(less)).removed == 29
    assert await holding.list_all(graph) == []


async def test_nothing_waits_once_commands_took_it_all(graph: Graph) -> None:
    bus, people, admins = World(graph).bus(IAM), [user(f"u{n}") for n in range(5)], group("admins")
    await bus.send(facts([*people, admins], [member(admins, one) for one in people]))
    await bus.send(facts([*people, admins]))
    assert len(await holding.list_all(graph)) == 1
    await patch(graph, bus, *(groups_of(one) for one in people))
    assert await holding.list_all(graph) == []


# Scopes that are not there


async def test_of_a_scope_that_was_never_read_a_patch_makes_nothing_known(graph: Graph) -> None:
    await connectors.put(graph, PROD, account=ACCOUNT, state=ConnectorState.SYNCING, reason=None)
    bus = World(graph).bus(IAM)
    assert (await patch(graph, bus, GROUPS.read(True))).outcome == "unknown_scope"
    run = await runs.request(graph, "prod", cause="manual", traceparent=None)
    late = bus.seal(GROUPS.world(False), run=run)
    assert (await patch(graph, bus, GROUPS.read(True))).outcome == "unknown_scope"
    assert (await apply_seal(graph, *late, traceparent=None)).outcome == "resync", "it knows too little"
    assert await queries.revision(graph) == 0
    (wanted,) = await runs.pending(graph)
    assert (wanted.scope, wanted.full) == (IAM, True)
    assert (await bus.send(GROUPS.world(True), run=wanted.run)).outcome == "applied"
    assert await member_of(graph) == {"admins", "readers"}


async def test_a_retired_scope_is_left_alone(graph: Graph) -> None:
    bus = World(graph).bus(IAM)
    await bus.send(GROUPS.world(False))
    late = bus.seal(GROUPS.world(False))
    async with graph.transaction() as connection:
        await retire(connection, IAM, "It left.")
    patched = await patch(graph, bus, GROUPS.read(True))
    assert (patched.outcome, patched.revision, await member_of(graph)) == ("retired", None, {"readers"})
    async with graph.transaction() as connection:
        await restore(connection, IAM)
    assert (await apply_seal(graph, *late, traceparent=None)).outcome == "resync"
    await bus.send(GROUPS.world(True))
    assert await member_of(graph) == {"admins", "readers"}


async def test_a_purge_takes_the_fences_along(graph: Graph) -> None:
    bus = World(graph).bus(IAM)
    await bus.send(GROUPS.world(False))
    await patch(graph, bus, GROUPS.read(True))
    async with graph.transaction() as connection:
        await retire(connection, IAM, "It left.")
    await purge(graph, older_than=timedelta(0))
    assert await value(graph, "SELECT count(*) FROM part_fence") == 0


async def test_patches_and_whole_readings_at_once(graph: Graph) -> None:
    """Whoever comes first: each part ends as its newest patch said, and revisions have no gap."""
    world, people, admins = World(graph), [user(f"u{n}") for n in range(8)], group("admins")
    bus = world.iam
    await bus.send(facts([*people, admins]))
    await world.hear()
    late = [bus.seal(facts([*people, admins], [member(admins, one) for one in people[n:]])) for n in range(4)]
    seals = [apply_seal(graph, *seal, traceparent=None) for seal in late]
    work = [patch(graph, bus, groups_of(one, *([admins] if n % 2 else []))) for n, one in enumerate(people)]
    await asyncio.gather(*work, *seals)
    found = await fetch(graph, "SELECT n.name FROM edge e JOIN node n ON n.id = e.src WHERE e.kind = 2 ORDER BY 1")
    assert [row["name"] for row in found] == ["u1", "u3", "u5", "u7"]
    await world.hear()
