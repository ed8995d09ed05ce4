"""Fixtures: a nats-server with fresh streams, a migrated database, a projector between them."""

from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio

from grantwire.graph import Graph
from tests.integration.bus.stage import Stage, staged
from tests.support.keys import KEYS
from tests.support.nats import NatsServer
from tests.support.postgres import database_url, postgres_server, template_url

__all__ = ["database_url", "graph", "postgres_server", "template_url"]


@pytest.fixture(scope="module")
def server() -> Iterator[NatsServer]:
    with NatsServer() as running:
        yield running


@pytest_asyncio.fixture
async def stage(server: NatsServer) -> AsyncIterator[Stage]:
    async with staged(server) as ready:
        yield ready


@pytest_asyncio.fixture
async def graph(database_url: str) -> AsyncIterator[Graph]:
    async with Graph.open(database_url, application_name="tests", keys=KEYS) as opened:
        yield opened
