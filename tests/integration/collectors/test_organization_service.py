"""Both collectors on a real bus and database: the organization first, then the accounts that it names."""

from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
import pytest_asyncio

from grantwire.collectors.iam import service as iam
from grantwire.collectors.organization import service as organizations
from grantwire.contracts import chunks
from grantwire.contracts.envelope import Envelope
from grantwire.contracts.resources import Facts
from grantwire.contracts.snapshots import Body, Outcome, SnapshotBegun
from grantwire.graph import apply_seal
from grantwire.sandbox.server import Sandbox
from tests.integration.collectors.reading import (
    connector,
    exported,
    iam_job,
    id_of,
    members,
    organization_job,
    truth,
)
from tests.integration.collectors.stage import Stage, bodies, staged
from tests.support.keys import SECRET_KEY
from tests.support.nats import NatsServer
from tests.support.postgres import database_url, postgres_server, template_url

__all__ = ["database_url", "postgres_server", "template_url"]


@pytest.fixture(scope="module")
def server() -> Iterator[NatsServer]:
    with NatsServer() as running:
        yield running


@pytest_asyncio.fixture
async def stage(organization: Sandbox, server: NatsServer, database_url: str) -> AsyncIterator[Stage]:
    settings = connector(organization, "organization")
    told: dict[str, Any] = {
        "database_url": database_url,
        "nats_url": server.url,
        "aws_read_timeout": 20.0,
        "aws_attempts": 2,
        "secret_key": SECRET_KEY,
    }
    both = organizations.build(organizations.Settings(**told)), iam.build(iam.Settings(**told))
    async with staged(organization, settings, server.url, database_url, *both) as running:
        yield running


async def collect_organization(stage: Stage) -> Facts:
    """The organization's facts, which the graph holds from then on."""
    job = organization_job(connector(stage.sandbox, "organization"), id_of(stage.sandbox))
    seal, messages = await stage.collect(job)
    assert (seal.outcome, seal.body, seal.source) == (Outcome.COMPLETE, Body.CHUNKS, "organization")
    assert (seal.plan, seal.account) == ("tree", job.account)
    found = bodies(seal, messages)
    await apply_seal(stage.graph, seal, found, traceparent=None)
    return chunks.decode(found)


async def test_the_organization_and_then_its_accounts_are_the_truth(stage: Stage) -> None:
    scopes = [await collect_organization(stage)]
    unreachable = stage.sandbox.unreachable()
    for account in sorted(members(scopes[0])):
        seal, messages = await stage.collect(iam_job(account, id_of(stage.sandbox)))
        assert (seal.outcome is Outcome.STALE) == (account in unreachable)
        if seal.outcome is Outcome.STALE:
            assert seal.reason is not None
            assert (seal.account, seal.reason.code) == (account, "denied")
            assert f"arn:aws:iam::{account}:role/" in seal.reason.text
        else:
            assert "facet" in seal.covers
            scopes.append(chunks.decode(bodies(seal, messages)))
    assert exported(*scopes) == truth(stage.sandbox)


async def test_a_throttled_walk_is_delivered_again(stage: Stage) -> None:
    stage.sandbox.fault({"kind": "throttle", "service": "organizations", "operation": "ListAccounts", "times": 3})
    job = organization_job(connector(stage.sandbox, "organization"), id_of(stage.sandbox))
    seal, messages = await stage.collect(job)
    assert seal.outcome is Outcome.COMPLETE
    kinds = [Envelope.read(message.headers).type for message in messages]
    assert kinds.count(SnapshotBegun.type()) == 2


async def test_an_organization_that_the_account_has_left_is_stale_with_the_reason(stage: Stage) -> None:
    job = organization_job(connector(stage.sandbox, "organization"), "o-formerly01")
    seal, _ = await stage.collect(job)
    assert (seal.outcome, seal.body, seal.covers) == (Outcome.STALE, Body.NONE, [])
    assert seal.reason is not None
    assert seal.reason.code == "wrong_organization"
    assert "o-formerly01 was to be read" in seal.reason.text
