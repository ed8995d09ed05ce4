"""Which role a permission set is in an account: in whatever order that becomes known, and for as long as it is true."""

import asyncio
from functools import partial
from itertools import permutations
from typing import Any

import pytest

from grantwire.contracts.changes import RelationAdded, RelationRemoved, RelationRenamed, ScopeRetired
from grantwire.graph import Graph, apply_seal, queries
from grantwire.graph.retiring import leaving, lock, restore, retire
from tests.integration.graph.joined import (
    ADMIN,
    INSTANCE,
    READ,
    World,
    a_set,
    pairs,
    reserved,
    role_of,
    roles,
    scope,
    sets,
    sizes,
)
from tests.integration.graph.scenes import ACCOUNT, TRACE, Bus, facts, fetch, role, user, value, with_attributes, writes
from tests.integration.graph.telling import told
from tests.support.eventually import eventually

IAM, ASSIGNMENTS = f"iam/{ACCOUNT}", f"assignments/{ACCOUNT}"
BOTH = {ADMIN: role_of(ADMIN), READ: role_of(READ)}
OTHER = "444455556666"
KILL = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE datname = current_database() AND wait_event_type = 'Lock' AND pid <> pg_backend_pid()"""
CONTENT = {IAM: roles(ADMIN, READ, "Left"), ASSIGNMENTS: pairs(ADMIN, READ, "Roleless"), INSTANCE: sets(ADMIN, READ)}


@pytest.fixture
async def world(graph: Graph) -> World:
    world = World(graph)
    for key, content in CONTENT.items():
        await world.bus(key).send(content)
    assert await world.realized() == BOTH
    return world


async def latest(graph: Graph) -> list[Any]:
    messages = await told(graph)
    return [message for message in messages if message.revision == messages[-1].revision]


async def leave(graph: Graph, *keys: str) -> None:
    async with graph.transaction() as connection:
        await lock(connection, list(keys))
        for key in leaving(keys):
            await retire(connection, key, "It left.", TRACE)


async def come_back(graph: Graph, *keys: str) -> None:
    async with graph.transaction() as connection:
        await lock(connection, list(keys))
        for key in reversed(leaving(keys)):
            await restore(connection, key)


@pytest.mark.parametrize(
    "order", list(permutations(CONTENT)), ids=lambda keys: "-".join(key.partition("/")[0] for key in keys)
)
async def test_it_is_known_when_the_last_of_three_scopes_is(graph: Graph, order: tuple[str, ...]) -> None:
    world = World(graph)
    for key in order:
        assert await world.realized() == {}
        await world.bus(key).send(CONTENT[key])
    assert await world.realized() == BOTH
    await sizes(graph)
    messages = await latest(graph)
    assert [message.n for message in messages] == [0, 1, 2], "one revision: the load, then what followed"
    added = [message for message in messages if isinstance(message, RelationAdded)]
    assert {(one.kind, one.scope, one.account, one.connector) for one in added} == {
        ("realized_as", ASSIGNMENTS, ACCOUNT, "prod")
    }
    assert await value(graph, "SELECT count(*) FROM change_log WHERE kind = 10 AND entity = 'edge'") == 2


async def test_an_unchanged_reading_writes_no_row(graph: Graph, world: World) -> None:
    rows = await fetch(graph, "SELECT ctid, xmin, src, dst FROM edge WHERE kind = 10 ORDER BY src")
    before = await writes(graph)
    for key, content in CONTENT.items():
        bus = world.bus(key)
        assert (await bus.send(content)).revision is None
        assert (await bus.same(content, digest=(await scope(graph, key))["digest"])).outcome == "unchanged"
    after = await writes(graph)
    assert {name for name in after if after[name] != before[name]} == {"scope"}
    assert await fetch(graph, "SELECT ctid, xmin, src, dst FROM edge WHERE kind = 10 ORDER BY src") == rows


async def test_what_does_not_matter_leaves_it_alone(graph: Graph, world: World) -> None:
    rows = await fetch(graph, "SELECT ctid, xmin FROM edge WHERE kind = 10 ORDER BY src")
    used = [with_attributes(row, last_used_at="2026-01-03T00:00:00Z") for row in CONTENT[IAM].resources]
    assert (await world.iam.send(facts([*used, user("new"), role("plain")]))).messages == 5
    assert await fetch(graph, "SELECT ctid, xmin FROM edge WHERE kind = 10 ORDER BY src") == rows
    assert await world.realized() == BOTH


async def test_it_ends_with_the_pair(graph: Graph, world: World) -> None:
    applied = await world.pairs(ADMIN)
    assert await world.realized() == {ADMIN: BOTH[ADMIN]}
    assert (applied.removed, applied.messages) == (6, 7), "two pairs with two relations each, and what followed"
    await sizes(graph)


async def test_it_ends_with_the_role(graph: Graph, world: World) -> None:
    applied = await world.roles(READ)
    assert await world.realized() == {READ: BOTH[READ]}
    assert (applied.removed, applied.messages) == (2, 3)
    (removed,) = [message for message in await latest(graph) if isinstance(message, RelationRemoved)]
    assert (removed.scope, removed.target, removed.mark) == (ASSIGNMENTS, reserved(ADMIN).native_id, None)
    row = (await fetch(graph, "SELECT * FROM edge_history WHERE kind = 10"))[0]
    assert (row["scope_id"], row["until"] >= row["since"]) == ((await scope(graph, ASSIGNMENTS))["id"], True)
    await sizes(graph)
    assert (await scope(graph, ASSIGNMENTS))["revision"] == removed.revision
    assert (await scope(graph, ASSIGNMENTS))["digest"] is not None, "what was read is what is there"


async def test_it_ends_with_the_permission_set_and_begins_with_it(world: World) -> None:
    await world.sets.send(sets(READ))
    assert await world.realized() == {READ: BOTH[READ]}
    await world.sets.send(sets(READ, ADMIN))
    assert await world.realized() == BOTH


async def test_it_goes_by_what_a_set_is_called(world: World) -> None:
    """AWS renames none; should a set ever have another name, its role has another, too."""
    await world.sets.send(facts([a_set(ADMIN, "Operator"), a_set(READ)]))
    assert await world.realized() == {READ: BOTH[READ]}
    await world.iam.send(facts([reserved("Operator"), reserved(READ)]))
    assert await world.realized() == {ADMIN: role_of("Operator"), READ: BOTH[READ]}


async def test_permission_sets_reach_every_account(graph: Graph, world: World) -> None:
    other = World(graph, OTHER, buses=world.buses, told=world.told, heard=world.heard)
    await other.roles(ADMIN)
    await other.pairs(ADMIN)
    applied = await world.sets.send(sets(READ))
    assert applied.messages == 3, "the set, and its role in either account"
    assert await other.realized() == {READ: BOTH[READ]}
    await world.sets.send(sets(READ, ADMIN))
    assert len(await other.all("realized_as")) == 3


async def test_a_new_role_takes_over(graph: Graph, world: World) -> None:
    """AWS made another role, and the old one is listed for a while, or for ever."""
    old, new = reserved(ADMIN), reserved(ADMIN, "f" * 16, created_at="2026-02-01T00:00:00Z")
    await world.iam.send(facts([old, new, reserved(READ), reserved("Left")]))
    assert await world.realized() == {**BOTH, ADMIN: role_of(ADMIN, "f" * 16)}
    kinds = [message.type().split(".")[3] for message in await latest(graph)]
    assert kinds == ["added", "removed", "added"], "the role, then one relation for the other"
    await world.iam.send(facts([old, reserved(READ)]))
    assert await world.realized() == BOTH


async def test_two_roles_of_one_moment_are_not_guessed_between(world: World) -> None:
    await world.iam.send(facts([reserved(ADMIN), reserved(ADMIN, "f" * 16), reserved(READ)]))
    assert await world.realized() == {READ: BOTH[READ]}


async def test_of_a_recreated_role_it_ends_and_begins(graph: Graph, world: World) -> None:
    await world.iam.send(facts([reserved(ADMIN, unique_id="AROAnew"), reserved(READ), reserved("Left")]))
    assert await world.realized() == BOTH
    relations = [message for message in await latest(graph) if message.kind == "realized_as"]
    assert [(type(message), message.mark) for message in relations] == [
        (RelationRemoved, "recreated"),
        (RelationAdded, "recreated"),
    ]
    assert await value(graph, "SELECT count(*) FROM edge_history WHERE kind = 10") == 1
    await sizes(graph)


async def test_a_renamed_role_keeps_it(graph: Graph, world: World) -> None:
    moved = reserved(ADMIN, unique_id=f"AROA{ADMIN}0123456789abcdef", path="/aws-reserved/sso.amazonaws.com/")
    await world.iam.send(facts([moved, reserved(READ), reserved("Left")]))
    assert await world.realized() == BOTH
    (renamed,) = [message for message in await latest(graph) if message.kind == "realized_as"]
    assert isinstance(renamed, RelationRenamed)
    assert (renamed.previous_target, renamed.target) == (reserved(ADMIN).native_id, moved.native_id)


async def test_a_stale_account_keeps_it(world: World) -> None:
    await world.iam.fail()
    await world.assignments.fail()
    assert await world.realized() == BOTH
    await world.pairs(ADMIN, READ)
    assert await world.realized() == BOTH


async def test_roles_that_were_not_read_are_no_evidence(world: World) -> None:
    await world.iam.send(facts([user("a")]), covers=["iam_user"], plan="minimum")
    assert await world.realized() == BOTH


async def test_removals_that_wait_keep_it(graph: Graph) -> None:
    world, many = World(graph), [f"set-{n}" for n in range(6)]
    await world.sets.send(sets(*many))
    await world.roles(*many)
    await world.pairs(*many)
    await world.pairs()
    assert (await scope(graph, ASSIGNMENTS))["state"] == "held"
    assert len(await world.realized()) == 6
    await sizes(graph)


async def test_an_account_that_nobody_reads_has_none(graph: Graph) -> None:
    world = World(graph)
    await world.sets.send(sets(ADMIN))
    await world.pairs(ADMIN)
    await Bus(graph, account=OTHER).send(roles(ADMIN, account=OTHER))
    assert await world.realized() == {}


# Scopes that leave and return


@pytest.mark.parametrize("key", CONTENT)
async def test_it_counts_as_long_as_all_of_it_does(graph: Graph, world: World, key: str) -> None:
    before = await world.hear()
    await leave(graph, key)
    assert await world.realized() == {}
    await come_back(graph, key)
    assert await world.realized() == BOTH
    assert await world.hear() == before
    await sizes(graph)


async def test_scopes_that_leave_together_take_it_along_in_one_message(graph: Graph, world: World) -> None:
    await leave(graph, *CONTENT)
    messages = [message for message in await told(graph) if isinstance(message, ScopeRetired)]
    assert [message.relations.get("realized_as") for message in messages] == [2, None, None]
    assert await world.realized() == {} and await value(graph, "SELECT count(*) FROM edge WHERE kind = 10") == 2
    heard = len(await told(graph))
    await come_back(graph, *CONTENT)
    assert await world.realized() == BOTH
    assert len(await told(graph)) == heard + 3, "what was there before is there again"
    await sizes(graph)


async def test_what_changed_while_a_scope_was_away_follows_its_return(graph: Graph, world: World) -> None:
    await leave(graph, ASSIGNMENTS)
    await world.iam.send(facts([reserved(READ, "e" * 16)]))
    assert await world.realized() == {}
    await come_back(graph, ASSIGNMENTS)
    assert await world.realized() == {READ: role_of(READ, "e" * 16)}
    kinds = [message.type().split(".", 2)[2] for message in await latest(graph)]
    assert kinds == ["scope.returned.v1", "relation.removed.v1", "relation.removed.v1", "relation.added.v1"]
    await sizes(graph)


# Whatever comes twice, late or at once


async def test_a_seal_that_comes_again_changes_nothing(graph: Graph) -> None:
    world = World(graph)
    sent = [world.bus(key).seal(content) for key, content in CONTENT.items()]
    for seal, body in sent:
        await apply_seal(graph, seal, body, traceparent=None)
    before, heard = await world.hear(), len(await told(graph))
    for seal, body in sent:
        assert (await apply_seal(graph, seal, body, traceparent=None)).outcome == "older"
    assert await world.hear() == before and len(await told(graph)) == heard


async def test_a_crash_leaves_neither_half(graph: Graph, world: World) -> None:
    """A relation is written in the transaction of what it follows: both happen or neither."""
    before = await world.hear()
    seal, body = world.iam.seal(roles(READ))
    async with graph.transaction() as connection:
        await connection.execute("SELECT revision FROM tenant FOR UPDATE")  # the last lock of every apply
        applying = asyncio.create_task(apply_seal(graph, seal, body, traceparent=None))
        await eventually(lambda: value(graph, "SELECT count(*) FROM pg_locks WHERE NOT granted"))
        await connection.execute(KILL)
    with pytest.raises(Exception, match="Postgres cannot be reached"):
        await applying
    assert await world.hear() == before
    await apply_seal(graph, seal, body, traceparent=None)
    assert await world.realized() == {READ: BOTH[READ]}


@pytest.mark.parametrize("rounds", [6])
async def test_two_projectors_at_once(graph: Graph, database_url: str, rounds: int) -> None:
    """Whoever commits last sees what the others committed."""
    async with Graph.open(database_url, application_name="second") as second:
        world, names = World(graph), [f"set-{n}" for n in range(4)]
        for turn in range(rounds):
            chosen = names[turn % 2 : 2 + turn % 3]
            contents = {IAM: roles(*chosen, "More"), ASSIGNMENTS: pairs(*names), INSTANCE: sets(*names[turn % 2 :])}
            sealed = [world.bus(key).seal(content) for key, content in contents.items()]
            work = [
                apply_seal(where, seal, body, traceparent=None)
                for (seal, body), where in zip(sealed, (graph, second, graph), strict=True)
            ]
            await asyncio.gather(*work)
            assert set(await world.realized()) == set(chosen) & set(names[turn % 2 :])
        await sizes(graph)


async def test_many_accounts_at_once_while_sets_change(graph: Graph) -> None:
    accounts = [f"{n:012}" for n in range(1, 7)]
    worlds = [World(graph, account) for account in accounts]
    first = [each.pairs(ADMIN, READ) for each in worlds]
    second = [each.roles(ADMIN, READ) for each in worlds]
    await asyncio.gather(*first, worlds[0].sets.send(sets(ADMIN)), *second)
    assert len(await worlds[0].all("realized_as")) == 6
    again = [each.roles(ADMIN, READ, "More") for each in worlds]
    await asyncio.gather(worlds[0].sets.send(sets(ADMIN, READ)), *again)
    assert len(await worlds[0].all("realized_as")) == 12
    assert (await queries.counts(graph)).relations["realized_as"] == 12
    await sizes(graph)


async def test_a_role_goes_while_its_pair_comes(graph: Graph) -> None:
    """What is derived of the one is undone by the other, and told: the name of what went was kept for it."""
    world = World(graph)
    for key, content in {**CONTENT, ASSIGNMENTS: pairs()}.items():
        await world.bus(key).send(content)
    await world.hear()
    sealed = [world.assignments.seal(pairs(ADMIN)), world.iam.seal(roles(READ))]
    async with graph.transaction() as connection:
        await connection.execute("SELECT revision FROM tenant FOR UPDATE")  # the last lock of every apply
        tasks = []
        for seal, body in sealed:
            tasks.append(asyncio.create_task(apply_seal(graph, seal, body, traceparent=None)))
            await eventually(partial(_waiting, graph, len(tasks)))
    await asyncio.gather(*tasks)
    assert await world.realized() == {}
    assert await value(graph, "SELECT count(*) FROM edge WHERE kind = 10") == 0
    await sizes(graph)


async def _waiting(graph: Graph, count: int) -> bool:
    return bool(await value(graph, "SELECT count(*) FROM pg_locks WHERE NOT granted") == count)
