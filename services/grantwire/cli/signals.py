"""Ctrl-C and SIGTERM: they end work that is under way at once, and a wait for the end in good order."""

import asyncio
import signal
from collections.abc import Awaitable, Callable

from grantwire.cli.exits import Exit, Stop


class Ending:
    """The wish of the person at the keyboard."""

    def __init__(self, task: "asyncio.Task[Exit]") -> None:
        self._task = task
        self._waited_for = asyncio.Event()
        self._waiting = False

    def ask(self) -> None:
        """Called by a signal. The second one ends a shutdown that takes too long."""
        if self._waiting and not self._waited_for.is_set():
            self._waited_for.set()
        else:
            self._task.cancel()

    async def asked(self) -> None:
        """Wait until somebody wants it to end."""
        self._waiting = True
        await self._waited_for.wait()


def run(work: Callable[[Ending], Awaitable[Exit]]) -> Exit:
    """Run a coroutine that ends by itself or by a signal. Raises ``Stop`` when it was interrupted at work."""
    try:
        return asyncio.run(_run(work))
    except (asyncio.CancelledError, KeyboardInterrupt):
        raise Stop(Exit.INTERRUPTED, "Interrupted; everything that was started has been stopped.") from None


async def _run(work: Callable[[Ending], Awaitable[Exit]]) -> Exit:
    task: asyncio.Task[Exit] | None = asyncio.current_task()
    assert task is not None
    ending = Ending(task)
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, ending.ask)
    return await work(ending)
