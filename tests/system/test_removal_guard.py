"""In an account of an organization: what a good answer suddenly lacks is held and listed, and a person decides."""

import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
import pytest_asyncio

from grantwire.graph import holding
from tests.support.house import House, house, use
from tests.support.nats import NatsServer
from tests.support.postgres import database_url, postgres_server, template_url
from tests.support.subscriber import Subscriber, of
from tests.support.world import Sandbox, sandbox

__all__ = ["database_url", "postgres_server", "template_url"]

SIZE = ("--calm", "--accounts", "2", "--users", "100", "--groups", "5", "--roles", "50")


@pytest.fixture(scope="module")
def aws() -> Iterator[Sandbox]:
    with sandbox(6, *SIZE) as running:
        yield running


@pytest.fixture
def member(aws: Sandbox) -> str:
    return aws.members[-1]


@pytest_asyncio.fixture
async def home(aws: Sandbox, database_url: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[House]:
    aws.text("reset", "POST")
    use(aws, monkeypatch)
    with NatsServer() as nats:
        async with house(database_url, nats.url) as running:
            yield running


async def test_no_users_of_a_hundred_are_held_and_listed_although_every_call_succeeded(
    aws: Sandbox, home: House, member: str
) -> None:
    life = await _read(aws, home, "minimum")
    before, scope = await life.export(), f"iam/{member}"
    for operation in ("ListUsers", "GetGroup"):
        aws.fault({"kind": "empty", "service": "iam", "operation": operation, "account": member})
    told = await life.sync("partial")
    assert all(rule["fired"] for rule in aws.get("faults"))
    assert told == []
    assert await life.export() == before
    (held,) = await holding.list_all(home.graph, ids=True)
    assert (held.scope, held.losses["iam_user"]) == (scope, {"before": 100, "lost": 100})
    users = {row.native_id for row in held.ids or [] if row.kind == "iam_user"}
    assert users == {row["native_id"] for row in _rows(before, "iam_user", member)}
    view = (await life.scopes())[scope]
    assert view.state == "held"
    assert "100 of 100 iam_user" in view.reason.text
    aws.heal()
    assert await life.sync() == []
    assert await holding.list_all(home.graph) == []
    await life.equals_the_truth()


async def test_confirmed_most_roles_go_and_nothing_else(aws: Sandbox, home: House, member: str) -> None:
    life = await _read(aws, home, "bulk")
    iam = aws.admin("iam", member)
    lost = _delete_roles(iam, 30)
    before = await life.export()
    assert await life.sync("partial") == []
    assert len(await life.export()) == len(before)
    (held,) = await holding.list_all(home.graph, ids=True)
    assert held.scope == f"iam/{member}"
    assert held.losses["iam_role"] == {"before": 50, "lost": 30}
    assert {row.native_id for row in held.ids or [] if row.kind == "iam_role"} == lost
    run = await holding.confirm(home.graph, held.scope, held.fingerprint, traceparent=None)
    told = await life.ended(run)
    assert {change["native_id"] for change in of(told, "resource.removed", kind="iam_role")} == lost
    assert _ends(of(told, "resource.removed") + of(told, "relation.removed")) == {
        (row.kind, row.native_id, row.source, row.target) for row in held.ids or []
    }
    await life.equals_the_truth()
    assert await holding.list_all(home.graph) == []


async def test_an_honest_small_removal_passes(aws: Sandbox, home: House, member: str) -> None:
    life = await _read(aws, home, "bulk")
    iam = aws.admin("iam", member)
    for number in range(9):
        iam.create_user(UserName=f"guest-{number}")
    await life.sync()
    for number in range(9):
        iam.delete_user(UserName=f"guest-{number}")
    told = await life.sync()
    assert len(of(told, "resource.removed", kind="iam_user", account=member)) == 9
    assert {change["type"] for change in told} == {"resource.removed", "relation.removed"}
    await life.equals_the_truth()


async def _read(aws: Sandbox, home: House, plan: str) -> Subscriber:
    life = Subscriber(aws, home, plan)
    await life.connect()
    await life.sync()
    return life


def _delete_roles(iam: Any, count: int) -> set[str]:
    """Delete roles that nobody enters by; returns their ARNs."""
    roles = [role for page in iam.get_paginator("list_roles").paginate() for role in page["Roles"]]
    chosen = [role for role in roles if not role["Path"].startswith("/aws-") and "Access" not in role["RoleName"]]
    chosen = [role for role in chosen if not role["RoleName"].startswith("Grantwire")][:count]
    assert len(chosen) == count
    for role in chosen:
        _delete_role(iam, role["RoleName"])
    return {role["Arn"] for role in chosen}


def _delete_role(iam: Any, name: str) -> None:
    for policy in iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"]:
        iam.detach_role_policy(RoleName=name, PolicyArn=policy["PolicyArn"])
    for policy in iam.list_role_policies(RoleName=name)["PolicyNames"]:
        iam.delete_role_policy(RoleName=name, PolicyName=policy)
    iam.delete_role(RoleName=name)


def _rows(export: list[str], kind: str, account: str) -> list[dict[str, Any]]:
    rows = (json.loads(line) for line in export)
    return [row for row in rows if row["kind"] == kind and row.get("account") == account]


def _ends(changes: list[dict[str, Any]]) -> set[tuple[Any, ...]]:
    return {tuple(change.get(name) for name in ("kind", "native_id", "source", "target")) for change in changes}
