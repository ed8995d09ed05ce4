"""Being told that there is work, rather than looking for it: Postgres' NOTIFY, which no transaction loses by itself.

A notice is lost with the connection, so whoever waits looks from time to time all the same.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Final, Literal

import structlog

from grantwire.contracts.failures import DependencyDown
from grantwire.graph.pool import Graph

log = structlog.get_logger(__name__)
Channel = Literal["grantwire_operation", "grantwire_told", "grantwire_outbox"]
LATER: Final = 0.05  # seconds until what may have to be done is looked for
_AGAIN: Final = 1.0  # seconds until a lost connection is made anew


class Waker:
    """Counts notices. Any number may wait, and all are woken."""

    def __init__(self, later: float = LATER) -> None:
        self._seconds = later
        self._notices = 0
        self._news: asyncio.Future[None] | None = None  # of those who wait now
        self._later: asyncio.TimerHandle | None = None

    def seen(self) -> int:
        """How many there were: ask before looking for work, and none is missed between looking and waiting."""
        return self._notices

    def wake(self) -> None:
        """There may be work."""
        self._notices += 1
        if self._later is not None:  # whoever looks now sees that too
            self._later.cancel()
            self._later = None
        self.nudge()

    def wake_later(self) -> None:
        """There may be work, and nobody waits for it: those who do, come first."""
        if self._later is None:
            self._later = asyncio.get_running_loop().call_later(self._seconds, self.wake)

    def wake_in(self, seconds: float) -> None:
        """There will be work then."""
        asyncio.get_running_loop().call_later(seconds, self.wake)

    def nudge(self) -> None:
        """Whoever waits looks up, although there was no notice."""
        if self._news is not None and not self._news.done():
            self._news.set_result(None)
        self._news = None

    async def wait(self, seen: int, seconds: float) -> bool:
        """Until there is more than was seen, or a nudge, or the time has come; whether it was one of the former."""
        if self._notices != seen:
            return True
        if self._news is None:
            self._news = asyncio.get_running_loop().create_future()
        news = self._news
        await asyncio.wait({news}, timeout=seconds)
        return news.done()


@asynccontextmanager
async def listening(graph: Graph, *channels: Channel, later: float = LATER) -> AsyncIterator[Waker]:
    """Woken while entered, and ``later`` seconds after what nobody seems to wait for. Uses one connection of the pool,
    and makes it anew when it is lost."""
    waker = Waker(later)
    task = asyncio.create_task(_listen(graph, channels, waker))
    try:
        yield waker
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def _listen(graph: Graph, channels: tuple[Channel, ...], waker: Waker) -> None:
    while True:
        try:
            await _hear(graph, channels, waker)
        except DependencyDown as error:
            log.debug("notices are not heard", reason=str(error))
        await asyncio.sleep(_AGAIN)


async def _hear(graph: Graph, channels: tuple[Channel, ...], waker: Waker) -> None:
    """Until the connection is lost."""
    gone = asyncio.Event()

    def notice(*said: object) -> None:
        waker.wake_later() if said[3:] == ("later",) else waker.wake()

    async with graph.reserved() as connection:
        connection.add_termination_listener(lambda *_: gone.set())
        try:
            for channel in channels:
                await connection.add_listener(channel, notice)
            notice()
            await gone.wait()
        finally:
            for channel in channels:
                with suppress(Exception):  # the connection may be gone, and what it heard with it
                    await connection.remove_listener(channel, notice)
    raise DependencyDown("The connection that hears notices was lost.")
