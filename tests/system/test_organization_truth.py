"""An organization's export equals its truth: every seed, plan, reader and partition, whatever the pages look like.

What cannot be read is exactly what was planted, and is named with the reason.
"""

import json
from collections.abc import AsyncIterator, Iterator
from itertools import product
from typing import Any

import pytest
import pytest_asyncio

from tests.support import following
from tests.support.house import House, house, use
from tests.support.nats import NatsServer
from tests.support.oracle import judge
from tests.support.postgres import database_url, postgres_server, template_url
from tests.support.world import Sandbox, sandbox

__all__ = ["database_url", "postgres_server", "template_url"]

SIZE = ("--accounts", "8", "--users", "6", "--groups", "3", "--roles", "6", "--short", "0.6", "--empty", "0.3")
PARTITIONS, SEEDS = ("aws", "aws-us-gov", "aws-cn"), (1, 2, 3)
READERS, PLANS = ("organization", "delegated"), ("bulk", "minimum")
CLOSED = {"the account is SUSPENDED": "suspended", "the account is PENDING_CLOSURE": "clos"}


@pytest.fixture(scope="module")
def aws(request: pytest.FixtureRequest) -> Iterator[Sandbox]:
    partition, seed = request.param
    with sandbox(seed, *SIZE, "--partition", partition) as running:
        yield running


@pytest_asyncio.fixture
async def home(aws: Sandbox, database_url: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[House]:
    use(aws, monkeypatch)
    with NatsServer() as nats:
        async with house(database_url, nats.url) as running:
            yield running


def cells() -> Iterator[Any]:
    """Every partition, seed, reader and plan. The short form has each but the seed: one of them, in turn."""
    for place, partition in enumerate(PARTITIONS):
        for number, (reader, plan) in enumerate(product(READERS, PLANS)):
            for seed in SEEDS:
                marks = () if seed == SEEDS[(place + number) % len(SEEDS)] else pytest.mark.slow
                name = f"{partition}-{seed}-{reader}-{plan}"
                yield pytest.param((partition, seed), reader, plan, marks=marks, id=name)


@pytest.mark.parametrize(("aws", "reader", "plan"), list(cells()), indirect=["aws"])
async def test_the_export_equals_the_truth(aws: Sandbox, home: House, reader: str, plan: str) -> None:
    export = await _exported(aws, home, reader, plan)
    verdict = judge(aws.truth(plan, reader=reader), export)
    assert verdict.equal, str(verdict)
    scopes = await following.scopes(home.graph)
    _what_is_not_whole_was_planted(aws, scopes, reader)
    _what_is_unread_is_named(aws, scopes, plan)


async def _exported(aws: Sandbox, home: House, reader: str, plan: str) -> list[str]:
    name = reader if plan == "bulk" else f"{reader}_minimum"
    await following.add(home.graph, aws.connector(name), aws.organization)
    await following.sync(home.graph, "prod")
    return await following.export(home.graph)


def _what_is_not_whole_was_planted(aws: Sandbox, scopes: dict[str, Any], reader: str) -> None:
    """Closed accounts are unreachable, accounts whose role lets nobody in are stale, and nothing else is either."""
    planted = {f"iam/{account}": why for account, why in aws.unreachable(reader).items()}
    assert scopes.keys() == {f"organization/{aws.organization}", *(f"iam/{account}" for account in aws.members)}
    assert {key for key, scope in scopes.items() if scope.state != "complete"} == planted.keys()
    for key, why in planted.items():
        state, text = scopes[key].state, scopes[key].reason.text
        closed = CLOSED.get(why)
        assert state == ("unreachable" if closed else "stale"), (key, why)
        assert (closed or "sts:AssumeRole") in text, (key, why, text)


def _what_is_unread_is_named(aws: Sandbox, scopes: dict[str, Any], plan: str) -> None:
    read = [scope for scope in scopes.values() if scope.state == "complete" and scope.source == "iam"]
    assert len(read) >= 3
    for scope in read:
        assert scope.plan == plan
        assert sorted(item["what"] for item in scope.unread) == aws.unread(plan), scope.key


@pytest.mark.parametrize("aws", [("aws", 4)], indirect=True, ids=["aws-4"])
async def test_planted_faults_in_an_organization_s_export_are_caught(aws: Sandbox, home: House) -> None:
    export, truth = await _exported(aws, home, "organization", "bulk"), aws.truth()
    assert judge(truth, export).equal
    lost = next(line for line in export if _is(line, kind="contains", target_kind="account"))
    assert not judge(truth, [line for line in export if line != lost]).equal, "an account without a place"
    assert not judge(truth, [line.replace("SUSPENDED", "ACTIVE") for line in export]).equal, "a wrong state"
    inside = next(line for line in export if _is(line, kind="can_assume", source_kind="account"))
    outside = inside.replace('"source_kind":"account"', '"source_kind":"external_principal"')
    assert not judge(truth, sorted(outside if line == inside else line for line in export)).equal, "an insider outside"


def _is(line: str, **fields: str) -> bool:
    row = json.loads(line)
    return all(row.get(name) == value for name, value in fields.items())
