"""How fast AWS may be asked: one line of send times for each account and API family, shared by all replicas.

Postgres holds, for each budget, when its next call may leave. A process reserves as many send times as it has calls
waiting, at most a second's worth, so a fast process takes no more than its share and a dead one wastes a second. AWS's
own limits are not published for IAM: a budget slows down when AWS throttles and recovers by itself.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final

import structlog

from grantwire.contracts.failures import GrantwireError
from grantwire.contracts.ids import TENANT
from grantwire.graph.pool import Graph
from grantwire.graph.statements import budgets as sql
from grantwire.telemetry import Recorder, monotonic

log = structlog.get_logger(__name__)

LEAST: Final = 1.0  # calls a second that even a throttled budget keeps


@dataclass(frozen=True, slots=True)
class Pace:
    """At most ``rate`` calls a second, and after a rest ``burst`` of them at once. A rate of 0 is no limit."""

    rate: float
    burst: float

    @classmethod
    def of(cls, rate: float) -> "Pace":
        """With half a second's worth at once: AWS's token buckets hold at least that."""
        return cls(rate, rate / 2)


@dataclass(frozen=True, slots=True)
class Lease:
    """Send times: the first in ``first_in`` seconds (negative: it has passed), then one every ``1 / rate`` seconds."""

    first_in: float
    rate: float


async def lease(graph: Graph, key: str, pace: Pace, count: int) -> Lease:
    """Reserve ``count`` send times that nobody else has. Raises ``DependencyDown``."""
    resting = pace.burst / pace.rate
    async with graph.connection() as connection:
        row = await connection.fetchrow(sql.LEASE, TENANT, key, pace.rate, float(count), resting)
    assert row is not None
    return Lease(row["first_in"], row["rate"])


async def slow(graph: Graph, key: str, pace: Pace) -> float | None:
    """AWS throttled: a fifth less from now on. Returns the new rate, or None if it was lowered a moment ago."""
    async with graph.connection() as connection:
        found: float | None = await connection.fetchval(sql.SLOW, TENANT, key, pace.rate, min(LEAST, pace.rate))
    return found


@dataclass(slots=True)
class _Line:
    """The calls of this process that wait for one budget."""

    waiting: deque[asyncio.Future[float]] = field(default_factory=deque)
    serving: asyncio.Task[None] | None = None


class SharedBudgets:
    """The budgets as one process uses them. ``paces`` by API family: ``iam``, ``organizations``. Made, used and closed
    in one event loop; only ``slowed`` comes from elsewhere."""

    def __init__(self, graph: Graph, paces: Mapping[str, Pace], recorder: Recorder) -> None:
        self._graph = graph
        self._recorder = recorder
        self._paces = {family: pace for family, pace in paces.items() if pace.rate > 0}
        self._lines: dict[str, _Line] = {}
        self._slowing: set[asyncio.Task[None]] = set()
        self._loop = asyncio.get_running_loop()

    @classmethod
    @asynccontextmanager
    async def open(cls, graph: Graph, paces: Mapping[str, Pace], recorder: Recorder) -> "AsyncIterator[SharedBudgets]":
        """In use while entered."""
        budgets = cls(graph, paces, recorder)
        try:
            yield budgets
        finally:
            await budgets.close()

    async def ready(self, key: str) -> None:
        """Returns when one more call of ``family/account`` may leave. Raises ``DependencyDown``."""
        if self._pace(key) is None:
            return
        began = monotonic()
        line = self._lines.setdefault(key, _Line())
        place: asyncio.Future[float] = self._loop.create_future()
        line.waiting.append(place)
        if line.serving is None:
            line.serving = self._loop.create_task(self._serve(key, line))
        await asyncio.sleep(await place - monotonic())
        self._recorder.observe("grantwire.aws.budget.wait", monotonic() - began, api=key.partition("/")[0])

    async def pay(self, key: str) -> None:
        """One call leaves without having waited here: those that wait wait for it. Raises ``DependencyDown``."""
        if (pace := self._pace(key)) is not None:
            await lease(self._graph, key, pace, 1)

    def slowed(self, key: str) -> None:
        """AWS throttled a call of this budget. From any thread; returns at once."""
        if self._pace(key) is not None:
            self._loop.call_soon_threadsafe(self._slow, key)

    async def close(self) -> None:
        """Nothing waits any more."""
        serving = [line.serving for line in self._lines.values() if line.serving]
        for task in (*serving, *self._slowing):
            task.cancel()
        await asyncio.gather(*serving, *self._slowing, return_exceptions=True)

    def _pace(self, key: str) -> Pace | None:
        return self._paces.get(key.partition("/")[0])

    async def _serve(self, key: str, line: _Line) -> None:
        """Send times for all who wait, a second's worth at a time; who comes meanwhile is in the next lease."""
        pace = self._paces[key.partition("/")[0]]
        try:
            while line.waiting:
                count = min(len(line.waiting), max(1, int(pace.rate)))
                given = await lease(self._graph, key, pace, count)
                now = monotonic()
                for number in range(count):
                    _settle(line.waiting.popleft(), now + given.first_in + number / given.rate)
        except GrantwireError as error:
            _fail(line, error)
        finally:
            line.serving = None

    def _slow(self, key: str) -> None:
        task = self._loop.create_task(self._slow_down(key))
        self._slowing.add(task)
        task.add_done_callback(self._slowing.discard)

    async def _slow_down(self, key: str) -> None:
        pace = self._paces[key.partition("/")[0]]
        try:
            rate = await slow(self._graph, key, pace)
        except GrantwireError as error:
            log.warning("a throttled budget could not be lowered", budget=key, reason=str(error))
            return
        if rate is not None:
            log.info("AWS throttled; asking more slowly", budget=key, rate=round(rate, 2), ceiling=pace.rate)


def _settle(place: "asyncio.Future[float]", at: float) -> None:
    if not place.done():  # its caller may have been cancelled: one send time goes unused
        place.set_result(at)


def _fail(line: _Line, error: GrantwireError) -> None:
    while line.waiting:
        place = line.waiting.popleft()
        if not place.done():
            place.set_exception(error)
