"""Watching what can be lost while a service runs: the consumer, the connection, the task that reads."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Final

import structlog
from faststream.nats import NatsBroker

from grantwire.bus.broker import Bus, client_of
from grantwire.bus.connection import APPLY_HINT, Refused, ask
from grantwire.bus.shape import consumer_shape, differences
from grantwire.contracts.failures import DependencyDown, GrantwireError
from grantwire.contracts.streams import Consumer

_log = structlog.get_logger(__name__)

_SURE: Final = 2  # asks in a row: a server that just started may not have all of its consumers yet


async def watch(broker: NatsBroker, consumer: Consumer, *, every: float = 5.0) -> None:
    """Never returns. Raises ``GrantwireError`` when ``consumer`` is gone or the broker cannot receive any more.

    A deleted consumer is not made again by reading from it, and nothing else would say so. NATS being away is no
    reason: the broker reconnects.
    """
    missing = 0
    while True:
        await asyncio.sleep(every)
        if isinstance(broker, Bus) and (ailment := broker.ailment()):
            raise _lost(consumer, ailment)
        try:
            await _inspect(broker, consumer)
            missing = 0
        except DependencyDown:
            continue
        except Refused as refusal:
            missing += 1
            if missing >= _SURE:
                raise _lost(consumer, refusal.description) from refusal


@asynccontextmanager
async def running(broker: NatsBroker, *consumers: Consumer, every: float = 5.0) -> AsyncIterator[NatsBroker]:
    """Start the broker and watch over ``consumers``; the body is cancelled when one is lost and the cause raised.

    Raises what ``Bus.start`` and ``watch`` raise.
    """
    failed: list[GrantwireError] = []
    owner = asyncio.current_task()

    async def guard(consumer: Consumer) -> None:
        try:
            await watch(broker, consumer, every=every)
        except GrantwireError as error:
            failed.append(error)
            if owner:
                owner.cancel()

    watchers: list[asyncio.Task[None]] = []
    try:
        await broker.start()
        watchers += [asyncio.create_task(guard(consumer)) for consumer in consumers]
        yield broker
    except asyncio.CancelledError:
        if not failed:
            raise
        if owner:
            owner.uncancel()
        raise failed[0] from None
    finally:
        for watcher in watchers:
            watcher.cancel()
            with suppress(asyncio.CancelledError):
                await watcher
        await broker.stop()


async def _inspect(broker: NatsBroker, consumer: Consumer) -> None:
    info = await ask(client_of(broker), f"CONSUMER.INFO.{consumer.stream}.{consumer.name}")
    if changed := differences(info["config"], consumer_shape(consumer)):
        _log.warning("A consumer differs from what this version expects.", consumer=consumer.name, changes=changed)


def _lost(consumer: Consumer, why: str) -> GrantwireError:
    _log.critical("Messages no longer arrive.", consumer=consumer.name, stream=consumer.stream, why=why)
    return GrantwireError(
        f"{consumer.name} on {consumer.stream} no longer receives messages ({why}); {APPLY_HINT} and start again."
    )
