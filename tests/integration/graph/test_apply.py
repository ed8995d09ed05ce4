"""Snapshots into the graph: order, repetition, what may vanish, what every change is called."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from grantwire.contracts import chunks, ids
from grantwire.contracts.changes import Change, RelationRenamed, ResourceRenamed, ScopeLoaded
from grantwire.contracts.failures import Malformed, Transient
from grantwire.contracts.resources import Facts, Kind, RelationKind, Resource
from grantwire.contracts.snapshots import Body, Outcome
from grantwire.graph import Graph, apply_seal, queries
from grantwire.graph.changes import Op
from tests.integration.graph.scenes import (
    COVERS,
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
    role,
    trust,
    user,
    value,
    with_attributes,
    writes,
)
from tests.integration.graph.telling import told

GRAPH_TABLES = (
    "node",
    "edge",
    "node_history",
    "edge_history",
    "shared_node",
    "change_log",
    "outbox",
    "apply",
    "tenant",
)


def small() -> Facts:
    alice, admins, ops, account = user("alice"), group("admins"), role("ops"), account_node()
    relations = [member(admins, alice), trust(alice, ops), link(RelationKind.CONTAINS, account, alice)]
    return facts([alice, admins, ops], relations, [account])


def swapped(world: Facts, **users: Resource | None) -> Facts:
    """The world with users replaced (or removed) by name, relations following their new native ids."""
    resources: list[Resource] = []
    renamed: dict[str, str | None] = {}
    for row in world.resources:
        new = users.get(row.name, row)
        renamed[row.native_id] = new.native_id if new else None
        resources += [new] if new else []
    relations = [
        replace(row, source=renamed.get(row.source) or row.source, target=renamed.get(row.target) or row.target)
        for row in world.relations
        if renamed.get(row.source, row.source) and renamed.get(row.target, row.target)
    ]
    return facts(resources, relations, world.mentions)


async def lines(graph: Graph) -> list[str]:
    return [line async for line in queries.export(graph)]


async def scope(graph: Graph, key: str = "iam/111122223333") -> Any:
    return (await fetch(graph, "SELECT * FROM scope WHERE key = $1", key))[0]


async def test_a_first_load_is_told_once(graph: Graph) -> None:
    applied = await Bus(graph).send(small())
    assert (applied.outcome, applied.revision, applied.inserted) == ("applied", 1, 6)
    (message,) = await told(graph)
    assert isinstance(message, ScopeLoaded)
    assert message.resources == {"iam_group": 1, "iam_role": 1, "iam_user": 1}
    assert message.relations == {"can_assume": 1, "contains": 1, "member_of": 1}
    assert await value(graph, "SELECT count(*) FROM change_log") == 0
    row = (await fetch(graph, "SELECT * FROM outbox"))[0]
    assert (row["subject"], row["type"]) == ("gw.change.prod.111122223333.scope", "dev.grantwire.scope.loaded.v1")
    assert (row["source"], row["traceparent"]) == ("prod", TRACE)


async def test_an_empty_scope_is_loaded_too(graph: Graph) -> None:
    applied = await Bus(graph).send(facts())
    assert (applied.outcome, applied.revision) == ("applied", 1)
    assert [type(message) for message in await told(graph)] == [ScopeLoaded]
    assert (await scope(graph))["state"] == "complete"


async def test_the_same_content_rewrites_nothing(graph: Graph) -> None:
    bus = Bus(graph)
    await bus.send(small())
    before = await writes(graph)
    assert (await bus.send(small())).revision is None
    assert (await bus.same(small(), digest=(await scope(graph))["digest"])).outcome == "unchanged"
    after = await writes(graph)
    assert {name: after[name] - before[name] for name in GRAPH_TABLES} == dict.fromkeys(GRAPH_TABLES, 0)
    assert after["scope"] - before["scope"] == 2


async def test_unchanged_counts_only_while_the_digest_is_the_stored_one(graph: Graph) -> None:
    bus = Bus(graph)
    await bus.send(small())
    old = (await scope(graph))["digest"]
    await bus.send(swapped(small(), alice=None))
    applied = await bus.same(small(), digest=old)
    assert (applied.outcome, applied.revision) == ("resync", None)
    assert (await scope(graph))["resync"]
    assert (await bus.send(small())).outcome == "applied"
    assert not (await scope(graph))["resync"]


async def test_an_older_snapshot_changes_nothing(graph: Graph) -> None:
    bus = Bus(graph)
    late, body = bus.seal(facts([user("ghost")]))
    await bus.send(small())
    before = await lines(graph)
    assert (await apply_seal(graph, late, body, traceparent=None)).outcome == "older"
    assert await lines(graph) == before


async def test_a_redelivered_seal_changes_nothing(graph: Graph) -> None:
    bus = Bus(graph)
    seal, body = bus.seal(small())
    first = await apply_seal(graph, seal, body, traceparent=None)
    again = await apply_seal(graph, seal, body, traceparent=None)
    assert (first.outcome, again.outcome) == ("applied", "older")
    assert await queries.revision(graph) == 1


async def test_every_change_is_told_exactly_once(graph: Graph) -> None:
    bus = Bus(graph)
    await bus.send(small())
    changed = swapped(small(), alice=with_attributes(user("alice"), console=True, tags={"team": "x"}))
    applied = await bus.send(facts([*changed.resources, user("bob")], changed.relations, changed.mentions))
    assert (applied.revision, applied.inserted, applied.changed, applied.removed) == (2, 1, 1, 0)
    added, altered = (await told(graph))[1:]
    assert (added.type(), getattr(added, "native_id", "")) == ("dev.grantwire.resource.added.v1", arn("user", "bob"))
    assert altered.model_dump(include={"fields", "values", "n", "revision"}) == {
        "revision": 2, "n": 1, "fields": ["console", "tags"], "values": {"console": True}
    }  # fmt: skip
    log = await fetch(graph, "SELECT op, entity, n FROM change_log ORDER BY n")
    assert [tuple(row.values()) for row in log] == [("i", "node", 0), ("u", "node", 1)]


async def ops(graph: Graph) -> list[tuple[Op, str, str | None]]:
    rows = await fetch(graph, "SELECT op, entity, mark FROM change_log ORDER BY apply_id, n")
    return [tuple(row.values()) for row in rows]


@pytest.mark.parametrize(("path", "name"), [("", "alina"), ("staff/", "alice")], ids=["a new name", "a new path"])
async def test_a_rename_keeps_the_thing(graph: Graph, path: str, name: str) -> None:
    bus = Bus(graph)
    await bus.send(small())
    lineage = await value(graph, "SELECT lineage FROM node WHERE name = 'alice'")
    new = with_attributes(user(f"{path}{name}", "AIDAalice"), path=f"/{path}")
    applied = await bus.send(swapped(small(), alice=new))
    assert (applied.inserted, applied.changed, applied.removed) == (0, 4, 0)
    messages = (await told(graph))[1:]
    assert [type(message) for message in messages] == [ResourceRenamed, *[RelationRenamed] * 3]
    renamed = messages[0]
    assert isinstance(renamed, ResourceRenamed) and renamed.previous_native_id == arn("user", "alice")
    assert await value(graph, "SELECT lineage FROM node WHERE native_id = $1", new.native_id) == lineage
    assert await value(graph, "SELECT count(*) FROM node_history WHERE lineage = $1", lineage) == 1


async def test_a_recreation_is_another_thing(graph: Graph) -> None:
    bus = Bus(graph)
    await bus.send(small())
    lineage = await value(graph, "SELECT lineage FROM node WHERE name = 'alice'")
    applied = await bus.send(swapped(small(), alice=user("alice", "AIDAother")))
    assert (applied.inserted, applied.changed, applied.removed) == (4, 0, 4)
    assert {message.mark for message in (await told(graph))[1:]} == {"recreated"}
    assert sorted(await ops(graph)) == sorted(
        [("d", "node", "recreated"), ("i", "node", "recreated")]
        + 3 * [("d", "edge", "recreated"), ("i", "edge", "recreated")]
    )
    assert await value(graph, "SELECT lineage FROM node WHERE name = 'alice'") != lineage
    assert await value(graph, "SELECT count(*) FROM edge_history") == 3
    assert await value(graph, "SELECT count(*) FROM edge") == 3


async def test_names_handed_on_and_swapped(graph: Graph) -> None:
    bus = Bus(graph)
    await bus.send(facts([user("a", "A"), user("b", "B"), user("c", "C"), user("x", "X"), user("y", "Y")]))
    await bus.send(facts([user("b", "A"), user("c", "B"), user("x", "Y"), user("y", "X")]))
    messages = (await told(graph))[1:]
    words = [(message.type().split(".")[3], getattr(message, "name", "")) for message in messages]
    assert [word for word, _ in words] == ["removed"] * 2 + ["renamed"] * 3 + ["added"]
    assert ("removed", "c") in words
    assert words.index(("renamed", "c")) < words.index(("renamed", "b"))
    assert sorted(name for (name,) in await fetch(graph, "SELECT name FROM node")) == ["b", "c", "x", "y"]


async def test_a_kind_that_is_not_covered_stays_with_what_contains_it(graph: Graph) -> None:
    bus = Bus(graph)
    policy = Resource(Kind.IAM_POLICY, arn("policy", "own"), "111122223333", "own", {"unique_id": "ANPAown"})
    account = Resource(Kind.ACCOUNT, "111122223333", "111122223333", "111122223333")
    alice, bob = user("alice"), user("bob")
    holds = [link(RelationKind.CONTAINS, account, each) for each in (alice, bob, policy)]
    await bus.send(facts([alice, bob, policy], [link(RelationKind.ATTACHED, policy, alice), *holds]))
    covers = [kind for kind in COVERS if kind not in ("iam_policy", "attached")]
    less = facts([alice], holds[:1])
    applied = await bus.send(less, covers=covers, plan="minimum", unread={"iam_policy": "denied"})
    assert applied.removed == 2, "bob, who was looked for, and that the account contains him"
    row = await scope(graph)
    assert (row["state"], row["digest"], row["reason"]["code"]) == ("stale", None, "kept")
    assert all(part in row["reason"]["text"] for part in ("1 attached", "1 iam_policy", "1 contains"))
    assert (await bus.send(less)).removed == 3
    assert (await scope(graph))["state"] == "complete"


async def test_relations_that_were_not_read_follow_a_rename_and_not_a_recreation(graph: Graph) -> None:
    bus = Bus(graph)
    policy = Resource(Kind.IAM_POLICY, "arn:aws:iam::aws:policy/Admin", None, "Admin", {"managed_by": "aws"})
    covers = [kind for kind in COVERS if kind != "attached"]
    await bus.send(facts([user("a", "A")], [link(RelationKind.ATTACHED, policy, user("a"))], [policy]))
    await bus.send(facts([user("b", "A")]), covers=covers)
    assert [row["native_id"] for row in await fetch(graph, "SELECT native_id FROM node JOIN edge ON dst = id")] == [
        arn("user", "b")
    ]
    await bus.send(facts([user("b", "other")]), covers=covers)
    assert await value(graph, "SELECT count(*) FROM edge") == 0


async def test_attributes_that_were_not_read_stay_and_come_back(graph: Graph) -> None:
    bus = Bus(graph)
    full = facts([user("alice", tags={"a": "1"}, seen="x")])
    less = facts([user("alice", seen="x")])
    await bus.send(full)
    before = await writes(graph)
    for _ in range(2):
        applied = await bus.send(less, plan="minimum", unread={"iam_user.tags": "iam:ListUserTags denied"})
        assert applied.revision is None
    after = await writes(graph)
    assert all(after[name] == before[name] for name in GRAPH_TABLES)
    row = await scope(graph)
    assert (row["state"], row["digest"]) == ("stale", None) and "iam_user.tags of 1" in row["reason"]["text"]
    assert await value(graph, "SELECT attributes->'tags' FROM node") == {"a": "1"}
    applied = await bus.send(facts([user("alice", seen="y")]), plan="minimum", unread={"iam_user.tags": "denied"})
    assert (applied.changed, (await told(graph))[-1].model_dump()["fields"]) == (1, ["seen"])
    assert (await bus.send(facts([user("alice", tags={}, seen="y")]))).changed == 1
    assert await value(graph, "SELECT attributes->'tags' FROM node") == {}
    assert (await scope(graph))["state"] == "complete"


async def test_an_attribute_that_was_read_may_vanish(graph: Graph) -> None:
    bus = Bus(graph)
    await bus.send(facts([user("alice", tags={})]))
    await bus.send(facts([user("alice")]))
    assert "tags" not in await value(graph, "SELECT attributes FROM node")


@pytest.mark.parametrize("outcome", [Outcome.STALE, Outcome.UNREACHABLE])
async def test_a_failed_reading_keeps_everything(graph: Graph, outcome: Outcome) -> None:
    bus = Bus(graph)
    await bus.send(small())
    before, digest = await lines(graph), (await scope(graph))["digest"]
    late, body = bus.seal(facts())
    assert (await bus.fail(outcome)).outcome == "stale"
    assert await lines(graph) == before
    row = await scope(graph)
    assert (row["state"], row["digest"], row["reason"]["code"]) == (outcome.value, None, "denied")
    assert (await apply_seal(graph, late, body, traceparent=None)).outcome == "older"
    assert (await bus.same(small(), digest=digest)).outcome == "resync"


async def test_a_row_belongs_to_the_scope_that_had_it_first(graph: Graph) -> None:
    one, two = Bus(graph), Bus(graph, connector="second", account="444455556666")
    shared = [user("alice"), user("bob")]
    await one.send(facts(shared, [link(RelationKind.CONTAINS, account_node(), shared[0])]))
    applied = await two.send(facts([*shared, user("own")], [link(RelationKind.CONTAINS, account_node(), shared[0])]))
    assert (applied.inserted, applied.conflicts) == (1, 3)
    row = await scope(graph, two.scope)
    assert (row["digest"], row["state"], row["conflicts"], row["rows"]) == (None, "stale", 3, 1)
    assert one.scope in row["reason"]["text"] and "connector prod" in row["reason"]["text"]
    assert (await two.send(facts([*shared, user("own")]))).conflicts == 2
    await one.send(facts())
    applied = await two.send(facts([*shared, user("own")]))
    assert (applied.inserted, applied.conflicts) == (2, 0)
    assert (await scope(graph, two.scope))["state"] == "complete"


async def test_many_removals_wait(graph: Graph) -> None:
    bus = Bus(graph)
    people, admins = [user(f"u{n:03}") for n in range(100)], group("admins")
    world = facts([*people, admins], [member(admins, one) for one in people[:10]])
    await bus.send(world)
    applied = await bus.send(facts([*people[30:], admins, user("new")], []))
    assert (applied.inserted, applied.removed) == (1, 0)
    row = await scope(graph)
    assert (row["state"], row["digest"], row["rows"]) == ("held", None, 112)
    assert row["held"] == {"iam_user": {"before": 100, "lost": 30}, "member_of": {"before": 10, "lost": 10}}
    assert "30 of 100 iam_user" in row["reason"]["text"] and row["reason"]["text"].startswith("40 removals")
    assert (await bus.send(facts([*people[30:], admins, user("new")], []))).revision is None
    await fetch(graph, "UPDATE scope SET allowed_set = held_set")
    assert (await bus.send(facts([*people[31:], admins, user("new")], []))).removed == 0, "another set than allowed"
    assert (await scope(graph))["allowed_set"] is None
    await fetch(graph, "UPDATE scope SET allowed_set = held_set")
    assert (await bus.send(facts([*people[31:], admins, user("new")], []))).removed == 41
    assert (await scope(graph))["state"] == "complete"


async def test_twenty_removals_do_not_wait(graph: Graph) -> None:
    bus = Bus(graph)
    people = [user(f"u{n:03}") for n in range(30)]
    await bus.send(facts(people))
    assert (await bus.send(facts(people[20:]))).removed == 20


async def test_what_is_gone_is_still_named_by_others(graph: Graph) -> None:
    """A relation of another scope may name a thing after its scope lost it."""
    one, two = Bus(graph), Bus(graph, account="444455556666")
    alice, far = user("alice"), role("far", account="444455556666")
    await one.send(facts([alice]))
    await two.send(facts([far], [trust(alice, far)]))
    await one.send(facts())
    assert sum('"type":"relation"' in line for line in await lines(graph)) == 1
    await two.send(facts([far]))


async def test_chunks_that_are_not_those_sealed_are_refused(graph: Graph) -> None:
    bus = Bus(graph)
    seal, body = bus.seal(small())
    assert body is not None
    with pytest.raises(Transient):
        await apply_seal(graph, seal, [*body, b""], traceparent=None)
    with pytest.raises(Transient):
        await apply_seal(graph, seal, [body[0].replace(b"alice", b"alicf")], traceparent=None)
    assert await value(graph, "SELECT count(*) FROM scope") == 0


async def test_a_snapshot_that_contradicts_itself_is_malformed(graph: Graph) -> None:
    with pytest.raises(Malformed, match="alice"):
        await Bus(graph).send(facts([user("alice", a=1), user("alice", a=2)]))
    assert (await Bus(graph, sequence=5).send(facts([user("alice"), user("alice")]))).inserted == 1


HOSTILE = [
    "a'; DROP TABLE node; --",
    "tab\tnl\nnul\x00",
    'q"uo\\te',
    "\U0001f600\u202e",
    " ",
    "gw.>.*",
    "\x7f\x01",
    "%s$1{}",
]


async def test_hostile_names(graph: Graph) -> None:
    bus = Bus(graph)
    people = [user(name, f"AIDA{n}", tags={name: name}) for n, name in enumerate(HOSTILE)]
    crowd = [
        Resource(Kind.IAM_USER, f"{arn('user', '')}{name}", None, name, {})
        for name in ("", "a", "a b", "a!", 'a"', "a\\")
    ]
    world = facts([*people, *crowd], [member(group(HOSTILE[0]), one) for one in people])
    await bus.send(world)
    assert (await bus.send(world)).revision is None
    await bus.send(facts())
    await bus.send(world)
    found = await lines(graph)
    assert found == sorted(found)
    assert len(found) == len(people) * 2 + len(crowd)
    subjects = {row["subject"] for row in await fetch(graph, "SELECT subject FROM outbox")}
    assert all(len(subject.split(".")) == 5 and ">" not in subject for subject in subjects)


async def test_scopes_apply_side_by_side(graph: Graph) -> None:
    """Revisions have no gaps and every scope that names the same outsiders gets through."""
    shared = [external(f"s{n}.amazonaws.com") for n in range(50)]

    async def one(number: int) -> None:
        account = f"{number:012}"
        bus = Bus(graph, account=account)
        roles = [role(f"r{n}", account=account) for n in range(50)]
        trusts = [trust(outsider, to) for outsider, to in zip(shared, roles, strict=True)]
        for count in (50, 40, 50):
            await bus.send(facts(roles[:count], trusts[:count], shared))

    await asyncio.gather(*(one(number) for number in range(6)))
    keys = [(row["revision"], row["n"]) for row in await fetch(graph, "SELECT revision, n FROM outbox ORDER BY 1, 2")]
    assert [revision for revision, n in keys if n == 0] == list(range(1, 19))
    assert await queries.revision(graph) == 18
    assert await value(graph, "SELECT count(*) FROM shared_node") == 50
    commits = await fetch(graph, "SELECT at FROM apply ORDER BY revision")
    assert len(commits) == 18


async def test_two_scopes_with_the_same_new_keys(graph: Graph) -> None:
    rows = [user(f"u{n}") for n in range(300)]
    buses = [Bus(graph, account=f"{number:012}") for number in range(4)]
    applied = await asyncio.gather(*(bus.send(facts(rows[:: (-1) ** n])) for n, bus in enumerate(buses)))
    assert sum(one.inserted for one in applied) == 300
    assert sum(one.conflicts for one in applied) == 900
    assert await value(graph, "SELECT count(*) FROM node") == 300


async def test_message_bodies_read_back_as_their_class(graph: Graph) -> None:
    bus = Bus(graph)
    await bus.send(small())
    await bus.send(facts())
    messages = await told(graph)
    assert all(isinstance(message, Change) and message.connector == "prod" for message in messages)
    assert [message.n for message in messages[1:]] == list(range(6))
    assert await value(graph, "SELECT DISTINCT tenant_id FROM outbox") == ids.TENANT


async def test_an_empty_body_is_not_an_unchanged_one(graph: Graph) -> None:
    bus = Bus(graph)
    await bus.send(small())
    seal, body = bus.seal(facts())
    assert (seal.body, body, seal.digest) == (Body.CHUNKS, [], chunks.digest([], "bulk"))
    assert (await apply_seal(graph, seal, body, traceparent=None)).removed == 6
