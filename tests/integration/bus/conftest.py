"""One nats-server for each module, fresh streams for each test."""

from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio

from tests.integration.bus.stage import Stage, staged
from tests.support.nats import NatsServer


@pytest.fixture(scope="module")
def server() -> Iterator[NatsServer]:
    with NatsServer() as running:
        yield running


@pytest_asyncio.fixture
async def stage(server: NatsServer) -> AsyncIterator[Stage]:
    async with staged(server) as ready:
        yield ready
