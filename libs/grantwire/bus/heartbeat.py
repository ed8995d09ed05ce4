"""Keeping a message while it is worked on."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from nats.aio.msg import Msg


@asynccontextmanager
async def heartbeats(raw: Msg, every: float) -> AsyncIterator[None]:
    """Tell the server every ``every`` seconds that the message is still being worked on."""
    task = asyncio.create_task(_beat(raw, every))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait({task})


async def set_within(event: asyncio.Event, seconds: float) -> bool:
    """Whether the event was set before ``seconds`` passed."""
    try:
        await asyncio.wait_for(event.wait(), seconds)
    except TimeoutError:
        return False
    return True


async def _beat(raw: Msg, every: float) -> None:
    while True:
        await asyncio.sleep(every)
        with suppress(Exception):  # the connection is away or the message just settled: nothing to keep
            await raw.in_progress()
