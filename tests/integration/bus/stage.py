"""What the bus tests play on: the real streams with quick consumers, one service, and a look at what is stored."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import nats
from faststream.nats import NatsRoute
from nats.aio.client import Client

from grantwire.bus import Bus, DeadLetters, Delivery, Publisher, apply, broker, include, route
from grantwire.contracts import subjects
from grantwire.contracts.jobs import CollectScope
from grantwire.contracts.streams import COLLECT_IAM, EXHAUSTED, JOBS, SEALED, Consumer
from tests.support.eventually import eventually
from tests.support.nats import NatsServer

until: Callable[..., Awaitable[Any]] = eventually  # a predicate may be a function or a coroutine function

# A process that pauses for a moment keeps what it works on: the heartbeats come every third of it.
ACK_WAIT = 6.0
JOB_CONSUMER = replace(COLLECT_IAM, ack_wait=ACK_WAIT, max_deliver=3)
HASTY_CONSUMER = replace(JOB_CONSUMER, ack_wait=1.0)  # for a job that nobody is meant to keep
SEAL_CONSUMER = replace(SEALED, ack_wait=ACK_WAIT, max_deliver=5)
MOVE_CONSUMER = replace(EXHAUSTED, ack_wait=ACK_WAIT)
QUICK = (JOB_CONSUMER, SEAL_CONSUMER, MOVE_CONSUMER)
SERVICE = "collector-iam"
SCOPE = "iam/123456789012"
SUBJECT = subjects.job("iam", "prod", SCOPE)
TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def job(run: str = "r1", **fields: Any) -> CollectScope:
    return CollectScope(run=run, connector="prod", settings_version=1, source="iam", scope=SCOPE, **fields)


@dataclass
class Handler:
    """Remembers what it was given; raises the given errors one after the other, then does what ``act`` does."""

    errors: list[Exception] = field(default_factory=list)
    act: Callable[[CollectScope, Delivery], Awaitable[None]] | None = None
    seen: list[tuple[Any, Delivery]] = field(default_factory=list)
    times: list[float] = field(default_factory=list)
    dead: list[tuple[Delivery, str]] = field(default_factory=list)

    async def collect_scope(self, message: CollectScope, delivery: Delivery) -> None:
        self.seen.append((message, delivery))
        self.times.append(asyncio.get_running_loop().time())
        if self.errors:
            raise self.errors.pop(0)
        if self.act:
            await self.act(message, delivery)

    async def told(self, delivery: Delivery, reason: str) -> None:
        self.dead.append((delivery, reason))

    def route(self, consumer: Consumer = JOB_CONSUMER, **options: Any) -> NatsRoute:
        defaults: dict[str, Any] = {"service": SERVICE, "backoff": 0.05, "retry": 0.1, "dead": self.told}
        return route(consumer, CollectScope, self.collect_scope, **(defaults | options))


@dataclass(frozen=True)
class Stage:
    """The streams on one server, and a client that looks at them from outside."""

    nats: NatsServer
    client: Client

    @property
    def url(self) -> str:
        return self.nats.url

    @asynccontextmanager
    async def service(self, *routes: NatsRoute, lanes: int = 1, stop_seconds: float = 2.0) -> AsyncIterator[Bus]:
        bus = broker(self.url, service=SERVICE, stop_seconds=stop_seconds)
        include(bus, *routes, lanes=lanes)
        try:
            await bus.start()
            yield bus
        finally:
            await bus.stop()

    @asynccontextmanager
    async def publisher(self) -> AsyncIterator[Publisher]:
        async with self.service() as bus:
            yield Publisher(bus, "scheduler")

    @asynccontextmanager
    async def dead_letters(self) -> AsyncIterator[DeadLetters]:
        async with self.service() as bus:
            yield DeadLetters(bus)

    async def raw(self, subject: str, body: bytes, headers: dict[str, str] | None = None) -> int:
        """Store something our own publisher would not send."""
        return (await self.client.jetstream().publish(subject, body, headers=headers)).seq

    async def messages(self, stream: str) -> int:
        """Asked for again while the server is away."""
        (count,) = await until(lambda: self._counted(stream), what=f"a server that counts {stream}")
        return int(count)

    async def _counted(self, stream: str) -> tuple[int]:
        try:
            return ((await self.client.jetstream(timeout=0.5).stream_info(stream)).state.messages,)
        except nats.errors.Error as error:
            raise AssertionError("the server is away") from error

    async def pending(self, consumer: Consumer = JOB_CONSUMER) -> tuple[int, int]:
        """How many are in flight, and how many wait."""
        info = await self.client.jetstream().consumer_info(consumer.stream, consumer.name)
        return info.num_ack_pending or 0, info.num_pending or 0

    async def empty(self, stream: str = JOBS.name) -> bool:
        return await self.messages(stream) == 0


@asynccontextmanager
async def staged(server: NatsServer) -> AsyncIterator[Stage]:
    """Fresh streams."""
    client = await nats.connect(server.url, max_reconnect_attempts=-1, reconnect_time_wait=0, error_cb=_ignore)
    jetstream = client.jetstream()
    for info in await jetstream.streams_info():
        await jetstream.delete_stream(str(info.config.name))
    await apply(server.url, consumers=QUICK)
    try:
        yield Stage(server, client)
    finally:
        await client.close()


async def _ignore(_error: Exception) -> None:
    """The tests kill the server on purpose."""
