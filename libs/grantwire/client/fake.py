"""The client without a Grantwire: the same calls and answers, from a world in memory."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from uuid import UUID

from grantwire.client.client import Client
from grantwire.client.cursors import Bounds
from grantwire.client.fake_world import FakeWorld
from grantwire.client.waiting import Pace
from grantwire.client.wire import Heard, Page
from grantwire.contracts.commands import AccessCommand
from grantwire.contracts.failures import DependencyDown
from grantwire.contracts.outcomes import CommandTold

_PAGE = 200


class FakeGrantwire(Client):
    """As ``Grantwire``, for the tests of those who use it. ``world`` says what is held and what goes wrong."""

    def __init__(self, world: FakeWorld | None = None, *, team: str = "team", pace: Pace | None = None) -> None:
        self.world = world or FakeWorld()
        super().__init__(_Memory(self.world, team), pace)


class _Memory:
    """A bus that is a world in memory."""

    def __init__(self, world: FakeWorld, team: str) -> None:
        self._world = world
        self._team = team
        self._mark = 0
        self._news = asyncio.Event()
        world.watch(self._hear)

    async def open(self) -> None:
        """Nothing is to be opened."""

    async def close(self) -> None:
        """Nothing is to be closed."""

    async def publish(self, command: AccessCommand, copy: int, wait: float) -> None:
        self._world.publish(self._team, command)

    async def ask(self, id: UUID, wait: float) -> CommandTold | None:
        if self._world.away:
            raise DependencyDown("No provisioner answers.")
        return self._world.last_told(self._team, id)

    @contextmanager
    def listening(self, id: UUID) -> Iterator[Heard]:
        heard: Heard = asyncio.Queue()
        end = self._world.listen(self._team, id, heard)
        try:
            yield heard
        finally:
            end()

    async def rest(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    async def bounds(self) -> Bounds:
        return Bounds(self._world.created, self._world.first, self._world.last)

    async def page(self, after: int) -> Page:
        behind = [each for each in self._world.stream if each.sequence > after]
        return Page(behind[:_PAGE], max(0, len(behind) - _PAGE))

    def mark(self) -> int:
        return self._mark

    async def changed(self, mark: int, seconds: float) -> bool:
        if self._mark == mark:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._news.wait(), seconds)
        return self._mark != mark

    def _hear(self) -> None:
        self._mark += 1
        self._news.set()
        self._news = asyncio.Event()
