"""The keys that a collector reads back: those of one account, with their owners, whoever knows those."""

from typing import Any

from grantwire.collectors.credentials.held import held_key
from grantwire.contracts.ids import AccountId
from grantwire.contracts.resources import Kind, Relation, RelationKind, Resource
from grantwire.graph import Graph
from grantwire.graph.access_keys import keys_of
from tests.integration.graph.scenes import ACCOUNT, Bus, arn, facts, fetch, user

SCOPE = f"credentials/{ACCOUNT}"
TOLD = {"status": "Active", "created_at": "2026-01-02T03:04:05Z", "report_time": "2026-01-02T08:00:00Z"}


def key(id: str, **attributes: Any) -> Resource:
    return Resource(Kind.ACCESS_KEY, id, ACCOUNT, id, {**TOLD, **attributes})


def owns(name: str, id: str) -> Relation:
    return Relation(RelationKind.OWNS, arn("user", name), Kind.IAM_USER, id, Kind.ACCESS_KEY)


async def send(graph: Graph, *rows: Resource | Relation, sequence: int = 0) -> None:
    bus = Bus(graph, covers=["access_key", "owns"], sequence=sequence)
    content = facts(
        [row for row in rows if isinstance(row, Resource)], [row for row in rows if isinstance(row, Relation)]
    )
    await bus.send(content, scope=SCOPE, source="credentials")


async def test_keys_come_back_as_they_were_told(graph: Graph) -> None:
    await Bus(graph).send(facts([user("ada")]))
    used = {"last_used_at": "2026-01-02T07:00:00Z", "last_used_service": "s3", "last_used_region": None}
    await send(graph, key("K", **used), owns("ada", "K"), key("L", status="Inactive"), owns("eve", "L"))
    one, other = map(held_key, await keys_of(graph, AccountId(ACCOUNT)))
    assert (one.key.id, one.owner, one.key.user_name, one.key.status) == ("K", arn("user", "ada"), "ada", "Active")
    assert one.used is not None and (one.used.service, one.used.region) == ("s3", None)
    assert (other.owner, other.key.status) == (arn("user", "eve"), "Inactive"), "whose IAM was not read"
    assert other.used is None, "never read, which is not the same as never used"
    assert one.report_time == other.report_time is not None


async def test_another_accounts_keys_are_not_its_own(graph: Graph) -> None:
    await send(graph, key("K"), owns("ada", "K"))
    assert await keys_of(graph, AccountId("444455556666")) == []


async def test_keys_of_a_retired_scope_are_what_the_next_snapshot_is_compared_with(graph: Graph) -> None:
    await send(graph, key("K"), owns("ada", "K"))
    await fetch(graph, "UPDATE scope SET retired_at = now(), retired_why = 'off' WHERE key = $1", SCOPE)
    assert [each.id for each in await keys_of(graph, AccountId(ACCOUNT))] == ["K"]


async def test_a_key_without_an_owner_is_known_all_the_same(graph: Graph) -> None:
    await send(graph, key("K"))
    [found] = await keys_of(graph, AccountId(ACCOUNT))
    assert (found.id, found.owner) == ("K", None)
    assert held_key(found).key.user_name == ""
