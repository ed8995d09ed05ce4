"""Questions that are answered at once, over core NATS: nothing is stored, whoever gets no answer asks again."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import structlog
from faststream.nats import NatsBroker
from nats.aio.msg import Msg

from grantwire.bus.broker import client_of
from grantwire.contracts.failures import GrantwireError

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Answer:
    """A body and its headers."""

    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


@asynccontextmanager
async def answering(
    broker: NatsBroker, subject: str, queue: str, answer: Callable[[str], Awaitable[Answer]]
) -> AsyncIterator[None]:
    """Answer questions on ``subject`` while entered; of the replicas in ``queue`` one answers each. A question that
    cannot be answered now gets none: whoever asked asks again. The broker must be started."""
    client = client_of(broker)

    async def asked(message: Msg) -> None:
        if not message.reply:
            return
        try:
            found = await answer(message.subject)
        except GrantwireError as error:
            _log.warning("a question could not be answered", subject=message.subject, reason=str(error))
            return
        await client.publish(message.reply, found.body, headers=dict(found.headers))

    subscription = await client.subscribe(subject, queue=queue, cb=asked)
    try:
        yield
    finally:
        if client.is_connected:
            await subscription.unsubscribe()
