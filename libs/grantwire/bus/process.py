"""Running one service as a process: until it is told to stop, or fails."""

import asyncio
import gc
import signal
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Final

import structlog

from grantwire.contracts.failures import GrantwireError

_log = structlog.get_logger(__name__)

_SIGNALS: Final = (signal.SIGTERM, signal.SIGINT)
_SELDOM: Final = (50_000, 50, 100)  # allocations, then collections, of each generation (Python's own: 700, 10, 10)


async def run(service: AbstractAsyncContextManager[object]) -> None:
    """Keep ``service`` entered until SIGTERM or SIGINT, then leave it. Raises what it raises.

    A signal that comes while it still starts, perhaps waiting for a server, ends that too.
    """
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in _SIGNALS:
        loop.add_signal_handler(number, stop.set)
    try:
        await _until(stop, service)
    finally:
        for number in _SIGNALS:
            loop.remove_signal_handler(number)


def serve(service: AbstractAsyncContextManager[object]) -> int:
    """``run`` as a whole process; the exit code: 0 after a signal, 1 after a failure, which is logged."""
    try:
        with asyncio.Runner(loop_factory=_loop()) as runner:
            runner.run(run(service))
    except Exception as error:
        for cause in _causes(error):
            # What is said in our own words needs no traceback.
            surprise = None if isinstance(cause, GrantwireError) else cause
            _log.critical("The service failed.", error=str(cause), kind=type(cause).__name__, exc_info=surprise)
        return 1
    return 0


async def _until(stop: asyncio.Event, service: AbstractAsyncContextManager[object]) -> None:
    entered = asyncio.Event()

    async def inside() -> None:
        async with service:
            _spare_what_stays()
            entered.set()
            await stop.wait()

    work = asyncio.create_task(inside())
    told = asyncio.create_task(stop.wait())
    try:
        await asyncio.wait({work, told}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        told.cancel()
        if not (entered.is_set() and stop.is_set()):
            work.cancel()  # nothing happens to one that has ended
    await _ended(work, stop)


def _spare_what_stays() -> None:
    """Let garbage collection leave the modules and models alone, and look seldom: a snapshot is tens of thousands of
    small values that die by themselves. Measured: a tenth of a sync's seconds."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_SELDOM)


async def _ended(work: "asyncio.Task[None]", stop: asyncio.Event) -> None:
    try:
        await work
    except asyncio.CancelledError:
        if not stop.is_set():
            raise


def _loop() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """uvloop where it is installed: a third of a command's way is waiting for Postgres and NATS, in small steps."""
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.new_event_loop


def _causes(error: BaseException) -> list[BaseException]:
    if isinstance(error, BaseExceptionGroup):
        return [cause for each in error.exceptions for cause in _causes(each)]
    return [error]
