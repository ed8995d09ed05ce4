"""A migrated database for each test."""

from collections.abc import AsyncIterator

import pytest_asyncio

from grantwire.graph import Graph
from tests.support.keys import KEYS
from tests.support.postgres import database_url, postgres_server, template_url

__all__ = ["database_url", "graph", "postgres_server", "template_url"]


@pytest_asyncio.fixture
async def graph(database_url: str) -> AsyncIterator[Graph]:
    async with Graph.open(database_url, application_name="tests", keys=KEYS) as opened:
        yield opened
