"""A migrated database and fresh streams for each test."""

from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio

from grantwire.graph import Graph
from tests.integration.scheduler.stage import Stage, staged
from tests.support.keys import KEYS
from tests.support.nats import NatsServer
from tests.support.postgres import database_url, postgres_server, template_url

__all__ = ["database_url", "postgres_server", "template_url"]


@pytest.fixture(scope="module")
def server() -> Iterator[NatsServer]:
    with NatsServer() as running:
        yield running


@pytest_asyncio.fixture
async def stage(server: NatsServer, database_url: str) -> AsyncIterator[Stage]:
    async with (
        Graph.open(database_url, application_name="tests", max_size=12, keys=KEYS) as graph,
        staged(server, graph) as ready,
    ):
        yield ready
