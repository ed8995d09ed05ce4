"""The api's application on a real Postgres and a real NATS; who may enter AWS is a plain function."""

import json
import subprocess
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio

from grantwire import bus
from grantwire.api import validation
from grantwire.api.service import assemble
from grantwire.api.validation import Entrance
from grantwire.aws import Check, Identity, Setup, setup_of
from grantwire.bus import Bus
from grantwire.client import Client, FakeGrantwire, Grantwire
from grantwire.contracts.connectors import Connector
from grantwire.contracts.ids import OPERATORS, AccountId
from grantwire.graph import Graph
from tests.support import nursery
from tests.support.commands import grantwire
from tests.support.keys import KEYS

ACCOUNT = "123456789012"
ORGANIZATION = "o-abc1234567"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/Grantwire"


@dataclass
class Door:
    """Lets everybody in, or raises what it is told to; remembers who knocked."""

    refusal: Exception | None = None
    asked: list[Connector] = field(default_factory=list)

    def mind(self, connector: Connector) -> None:
        pass

    async def check(self, connector: Connector) -> list[Check]:
        return [Check("account", "ok", "Let in.")]

    async def setup(self, connector: Connector, *, reveal: bool) -> Setup:
        return setup_of(connector, Identity(ACCOUNT, f"arn:aws:iam::{ACCOUNT}:user/op", "aws"), reveal=reveal)

    async def enter(self, connector: Connector) -> Entrance:
        self.asked.append(connector)
        if self.refusal is not None:
            raise self.refusal
        return Entrance(connector.account or AccountId(ACCOUNT), ORGANIZATION if connector.organizations else None)


@dataclass
class Stage:
    """The application and what is behind it."""

    http: httpx.AsyncClient
    graph: Graph
    broker: Bus
    door: Door
    commands: Client

    async def add(self, **fields: Any) -> httpx.Response:
        return await self.http.post("/v1/connectors", json={"id": "prod", "role_arn": ROLE, **fields})


@pytest.fixture(scope="module")
def urls() -> Iterator[dict[str, str]]:
    """Servers of this module, in the shape that `db upgrade` and `bus apply` give them."""
    with tempfile.TemporaryDirectory(prefix="grantwire-api-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)
        command = ["grantwire.local", "--state-dir", f"{folder}/state"]
        with nursery.start(command, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            found: dict[str, str] = json.loads(process.stdout.readline())
            for arguments in (("db", "upgrade", "--database-url"), ("bus", "apply", "--nats-url")):
                done = grantwire(*arguments, found[arguments[2].strip("-").replace("-", "_")])
                assert done.code == 0, done.err
            yield found
            process.terminate()


@pytest_asyncio.fixture
async def stage(urls: dict[str, str]) -> AsyncIterator[Stage]:
    """Every test begins without connectors."""
    door = Door()
    commands = Grantwire(urls["nats_url"], team=OPERATORS)
    async with commands, application(urls, door, commands) as (http, graph, broker):
        yield Stage(http, graph, broker, door, commands)


@asynccontextmanager
async def application(
    urls: dict[str, str], door: validation.Door, commands: Client | None = None
) -> AsyncIterator[tuple[httpx.AsyncClient, Graph, Bus]]:
    """The application behind that door, without connectors."""
    async with Graph.open(urls["database_url"], application_name="test", keys=KEYS) as graph:
        await _forget(graph)
        broker = bus.broker(urls["nats_url"], service="api")
        app = assemble(graph, broker, door, commands or FakeGrantwire())
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with bus.running(broker), httpx.AsyncClient(transport=transport, base_url="http://test") as http:
            yield http, graph, broker


async def _forget(graph: Graph) -> None:
    async with graph.connection() as connection:
        tables = await connection.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        names = [row["tablename"] for row in tables if row["tablename"] not in ("alembic_version", "tenant")]
        await connection.execute(f"TRUNCATE {', '.join(names)} CASCADE")
