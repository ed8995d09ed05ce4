"""The provisioner as a process that ends by SIGKILL at a chosen moment: ``python -m tests.support.dying``.

``DIE_AT`` counts the moments at which something outside is or was changed: after each claim, before and after each
acceptance, checkpoint, rest, park, finish, write and fence. 0 is never. What happened is noted in the file ``DIE_LOG``.
"""

import asyncio
import functools
import os
import signal
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Final

from grantwire import bus
from grantwire.cli.catalog import load
from grantwire.graph import inbox, operations
from grantwire.provisioner.fences import BusFences
from grantwire.provisioner.targets.finding import StoredTargets

STEPS: Final = ("claim", "checkpoint", "rest", "park", "finish")


class Moments:
    """Counts them, and dies at one."""

    def __init__(self, die_at: int, log: Path) -> None:
        self._left = die_at
        self._log = log

    def come(self, name: str) -> None:
        with self._log.open("a") as log:
            log.write(f"{name}\n")
        self._left -= 1
        if self._left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    def around(self, name: str, act: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
        """A claim of nothing is no moment."""

        @functools.wraps(act)
        async def acted(*given: Any, **named: Any) -> Any:
            if name != "claim":
                self.come(f"before {name}")
            done = await act(*given, **named)
            if name != "claim" or done is not None:
                self.come(f"after {name}")
            return done

        return acted


def main() -> None:
    moments = Moments(int(os.environ["DIE_AT"]), Path(os.environ["DIE_LOG"]))
    for name in STEPS:
        setattr(operations, name, moments.around(name, getattr(operations, name)))
    setattr(inbox, "accept_and_claim", moments.around("acceptance", inbox.accept_and_claim))  # noqa: B010 - as below
    setattr(BusFences, "begin", moments.around("fence", BusFences.begin))  # noqa: B010 - a method cannot be assigned
    find = StoredTargets.target

    async def target(self: StoredTargets, operation: Any, around: Any) -> Any:
        found: Any = await find(self, operation, around)
        found.send = moments.around("write", found.send)
        return found

    setattr(StoredTargets, "target", target)  # noqa: B010
    service = load("provisioner")
    asyncio.run(bus.run(service.build(service.Settings())))


if __name__ == "__main__":
    main()
