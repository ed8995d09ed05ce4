"""Attributes that one scope tells of another's resource: where they are seen, how they are told, when they are not."""

import json
from typing import Any

import pytest

from grantwire.contracts.changes import Change, ResourceAdded, ResourceChanged, ResourceRemoved, ScopeRetired
from grantwire.contracts.failures import NotFound
from grantwire.contracts.resources import Facts, Kind, Resource, facet
from grantwire.graph import Graph, queries
from grantwire.graph.retiring import restore, retire
from tests.integration.graph.scenes import (
    ACCOUNT,
    COVERS,
    Bus,
    facts,
    fetch,
    group,
    organization_bus,
    organization_of,
    user,
    value,
)
from tests.integration.graph.telling import told

OTHER = "444455556666"


def aliases(*names: str, account: str = ACCOUNT, source: str = "iam", **more: Any) -> Resource:
    return facet(source, Kind.ACCOUNT, account, account, {"aliases": list(names), **more})


def iam(*facets: Resource) -> Facts:
    return facts([user("alice"), *facets])


def reader(graph: Graph) -> Bus:
    """An account's IAM, read in an organization."""
    return Bus(graph, covers=[*COVERS, "facet"])


async def account(graph: Graph, native_id: str = ACCOUNT) -> dict[str, Any]:
    rows = [json.loads(line) async for line in queries.export(graph)]
    (found,) = [row["attributes"] for row in rows if (row.get("kind"), row.get("native_id")) == ("account", native_id)]
    assert (await queries.resolve(graph, native_id)).attributes == found, "an answer says what the export says"
    return dict(found)


async def latest(graph: Graph) -> list[Change]:
    messages = await told(graph)
    return [message for message in messages if message.revision == messages[-1].revision]


@pytest.fixture
async def org(graph: Graph) -> Bus:
    bus = organization_bus(graph)
    await bus.send(organization_of(ACCOUNT, email="root@x.org"))
    return bus


async def test_it_is_seen_as_attributes_and_in_no_other_way(graph: Graph, org: Bus) -> None:
    bus = reader(graph)
    applied = await bus.send(iam(aliases("prod")))
    assert await account(graph) == {"aliases": ["prod"], "email": "root@x.org", "state": "ACTIVE"}
    assert (await queries.resolve(graph, "ROOT@x.org")).attributes["aliases"] == ["prod"]
    lines = [line async for line in queries.export(graph)]
    assert not any("facet" in line for line in lines)
    assert (await queries.counts(graph)).resources == {
        "account": 1, "iam_user": 1, "organization": 1, "organizational_unit": 1
    }  # fmt: skip
    (loaded,) = await latest(graph)
    assert (loaded.model_dump()["resources"], applied.inserted) == ({"iam_user": 1}, 1)
    assert await value(graph, "SELECT rows FROM scope WHERE key = $1", bus.scope) == 1
    name, native_id = (await fetch(graph, "SELECT name, native_id FROM node WHERE kind = 16"))[0]
    for text in (name, native_id):
        with pytest.raises(NotFound):
            await queries.resolve(graph, text)


async def test_several_facets_are_merged_in_the_order_of_their_ids(graph: Graph, org: Bus) -> None:
    await reader(graph).send(iam(aliases("a", x=1), aliases("b", source="other", y=2, email="second@x.org")))
    found = await account(graph)
    assert (found["aliases"], found["x"], found["y"], found["email"]) == (["b"], 1, 2, "second@x.org")
    assert (await queries.resolve(graph, "second@X.org")).native_id == ACCOUNT


async def test_it_is_told_as_a_change_of_the_resource(graph: Graph, org: Bus) -> None:
    bus = reader(graph)
    await bus.send(iam())
    applied = await bus.send(iam(aliases("prod", tags={"a": 1})))
    assert (applied.inserted, applied.changed, applied.removed, applied.messages) == (0, 1, 0, 1)
    (added,) = await latest(graph)
    assert isinstance(added, ResourceChanged) and (added.kind, added.native_id) == ("account", ACCOUNT)
    assert (added.name, added.account, added.scope) == ("team 1111", ACCOUNT, bus.scope)
    assert (added.fields, added.values) == (["aliases", "tags"], {"aliases": ["prod"]}), "tags are told by name only"
    await bus.send(iam(aliases("prod2", tags={"a": 1})))
    (changed,) = await latest(graph)
    assert isinstance(changed, ResourceChanged)
    assert (changed.fields, changed.values) == (["aliases"], {"aliases": ["prod2"]})
    assert (await bus.send(iam())).changed == 1
    (removed,) = await latest(graph)
    assert isinstance(removed, ResourceChanged)
    assert (removed.fields, removed.values) == (["aliases", "tags"], {})
    assert "aliases" not in await account(graph)
    ops = await fetch(graph, "SELECT op, kind FROM change_log ORDER BY apply_id, n")
    assert [tuple(row) for row in ops] == [("i", 16), ("u", 16), ("d", 16)]
    assert await value(graph, "SELECT rows FROM scope WHERE key = $1", bus.scope) == 1


async def test_of_a_resource_that_nobody_sees_nothing_is_told(graph: Graph) -> None:
    bus = reader(graph)
    await bus.send(iam())
    assert (await bus.send(iam(aliases("prod")))).revision is None
    assert len(await told(graph)) == 1
    assert await value(graph, "SELECT state FROM scope") == "complete"
    org = organization_bus(graph)
    await org.send(organization_of())
    await org.send(organization_of(ACCOUNT))
    (seen,) = [message for message in await latest(graph) if isinstance(message, ResourceAdded)]
    assert seen.values == {"aliases": ["prod"], "state": "ACTIVE"}
    assert (await account(graph))["aliases"] == ["prod"]
    await org.send(organization_of())
    assert [message.native_id for message in await latest(graph) if isinstance(message, ResourceRemoved)] == [ACCOUNT]
    with pytest.raises(NotFound):
        await queries.resolve(graph, ACCOUNT)


async def test_it_comes_and_goes_with_its_scope(graph: Graph, org: Bus) -> None:
    bus = reader(graph)
    await bus.send(iam(aliases("prod")))
    async with graph.transaction() as connection:
        await retire(connection, bus.scope, "A filter leaves the account out.")
    retired, without = await latest(graph)
    assert isinstance(retired, ScopeRetired) and retired.resources == {"iam_user": 1}
    assert isinstance(without, ResourceChanged) and (without.n, without.fields, without.values) == (1, ["aliases"], {})
    assert "aliases" not in await account(graph)
    async with graph.transaction() as connection:
        await restore(connection, bus.scope)
    _, again = await latest(graph)
    assert isinstance(again, ResourceChanged) and again.values == {"aliases": ["prod"]}
    assert (await account(graph))["aliases"] == ["prod"]


async def test_one_that_was_not_read_stays_and_is_named_by_its_attributes(graph: Graph, org: Bus) -> None:
    bus = reader(graph)
    await bus.send(iam(aliases("prod")))
    denied = {"account.aliases": "iam:ListAccountAliases was denied."}
    assert (await bus.send(iam(), covers=COVERS, plan="minimum", unread=denied)).revision is None
    reason = await value(graph, "SELECT reason->>'text' FROM scope WHERE key = $1", bus.scope)
    assert "account.aliases of 1" in reason and "facet" not in reason
    assert (await account(graph))["aliases"] == ["prod"]
    part = facet("iam", Kind.ACCOUNT, ACCOUNT, ACCOUNT, {"more": 1})
    await bus.send(iam(part), unread=denied)
    assert (await account(graph))["aliases"] == ["prod"] and (await account(graph))["more"] == 1


async def test_facets_never_wait_for_a_person(graph: Graph) -> None:
    bus = reader(graph)
    many = [aliases("a", account=f"{n:012}") for n in range(40)]
    await bus.send(facts([group("g"), *many]))
    assert (await bus.send(facts([group("g")]))).outcome == "applied"
    row = (await fetch(graph, "SELECT state, rows FROM scope"))[0]
    assert (row["state"], row["rows"]) == ("complete", 1)
    assert await value(graph, "SELECT count(*) FROM node") == 1


async def test_one_that_another_scope_told_first_is_named_by_its_resource(graph: Graph, org: Bus) -> None:
    await reader(graph).send(iam(aliases("prod")))
    second = Bus(graph, connector="second", account=OTHER, covers=[*COVERS, "facet"])
    await second.send(facts([aliases("mine")]))
    reason = await value(graph, "SELECT reason->>'text' FROM scope WHERE key = $1", second.scope)
    assert f"aliases of account {ACCOUNT} by scope iam/{ACCOUNT}" in reason
