"""SCIM beside the directory that it is about: users are joined, and end with their directory user alone."""

import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
import pytest_asyncio

from grantwire.contracts.connectors import Connector, ConnectorState
from grantwire.contracts.identity_center import IdentityCenter
from grantwire.graph import connectors
from tests.support import following
from tests.support.house import House, house, use
from tests.support.nats import NatsServer
from tests.support.oracle import judge
from tests.support.postgres import database_url, postgres_server, template_url
from tests.support.world import Sandbox, sandbox

__all__ = ["database_url", "postgres_server", "template_url"]

SIZE = ("--calm", "--accounts", "2", "--users", "4", "--groups", "2", "--roles", "8", "--directory-users", "40")
SOURCES = "sources=organization,iam,identity_center,scim"


@pytest.fixture(scope="module")
def aws() -> Iterator[Sandbox]:
    with sandbox(5, "--identity-center", "--scim", *SIZE) as running:
        yield running


def center(aws: Sandbox) -> IdentityCenter:
    known = aws.facts["identity_center"]
    (instance,) = known["instances"]
    return IdentityCenter(
        instance_arn=instance["instance_arn"],
        identity_store=instance["identity_store_id"],
        region=known["region"],
        owner_account=instance["owner"],
    )


@pytest_asyncio.fixture
async def home(aws: Sandbox, database_url: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[House]:
    use(aws, monkeypatch)
    settings = Connector(**{**aws.connector("organization"), **aws.scim, "identity_center": True})
    told: dict[str, Any] = {"account": settings.account, "state": ConnectorState.SYNCING, "reason": None}
    told |= {"organization": aws.organization, "identity_center": center(aws)}
    with NatsServer() as nats:
        async with house(database_url, nats.url) as running:
            await connectors.put(running.graph, settings, **told)
            yield running


async def is_true(aws: Sandbox, home: House) -> list[str]:
    view = await following.sync(home.graph, "prod")
    assert view.state == "complete", [(part.scope, part.reason) for part in view.scopes if part.reason]
    export = await following.export(home.graph)
    verdict = judge(aws.text(f"truth?{SOURCES}").splitlines(), export, aws.get(f"truth/unread?{SOURCES}"))
    assert verdict.equal, str(verdict)
    return export


async def test_scim_users_mirror_the_directory_and_end_with_it(aws: Sandbox, home: House) -> None:
    before = await is_true(aws, home)
    assert sum('"kind":"mirrors"' in line for line in before) == 40
    gone = json.loads(aws.text("identity-center"))["Person"][0]["id"]
    aws.fault({"kind": "half", "service": "scim", "operation": "ListUsers", "times": 1})
    assert (await is_true(aws, home), aws.fired()) == (before, 1), "half a listing"
    aws.heal()
    aws.text("identity-center", "POST", {"delete_user": gone})
    after = await is_true(aws, home)
    assert sum('"kind":"mirrors"' in line for line in after) == 39
    assert not any(f'"scim:{gone}"' in line for line in after)
