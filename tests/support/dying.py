"""The provisioner as a process that ends by SIGKILL at a chosen moment: ``python -m tests.support.dying``.

``DIE_AT`` counts the moments of the command ``DIE_FOR`` at which something outside is or was changed: after each claim,
before and after each acceptance, checkpoint, rest, park, finish, write and fence. 0 is never. What happened is noted in
the file ``DIE_LOG``. Of other commands, which may be delivered again meanwhile, nothing is counted.
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

STEPS: Final = ("checkpoint", "rest", "park", "finish")
Act = Callable[..., Awaitable[Any]]


class Moments:
    """Counts those of one command, and dies at one."""

    def __init__(self, die_at: int, command: str, log: Path) -> None:
        self._left = die_at
        self._command = command
        self._log = log

    def come(self, name: str, command: Any) -> None:
        if str(command) != self._command:
            return
        with self._log.open("a") as log:
            log.write(f"{name}\n")
        self._left -= 1
        if self._left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    def around(self, name: str, act: Act, command: Callable[..., Any]) -> Act:
        """``command``: whose moment it is, by what the act is given."""

        @functools.wraps(act)
        async def acted(*given: Any, **named: Any) -> Any:
            self.come(f"before {name}", command(*given))
            done = await act(*given, **named)
            self.come(f"after {name}", command(*given))
            return done

        return acted

    def claimed(self, claim: Act) -> Act:
        """A claim of nothing is no moment, and of what it will be nobody knows before."""

        @functools.wraps(claim)
        async def acted(*given: Any, **named: Any) -> Any:
            if (done := await claim(*given, **named)) is not None:
                self.come("after claim", done.operation.id)
            return done

        return acted


def _of_operation(_: Any, operation: Any, *__: Any) -> Any:
    return operation.id


def main() -> None:
    moments = Moments(int(os.environ["DIE_AT"]), os.environ["DIE_FOR"], Path(os.environ["DIE_LOG"]))
    for name in STEPS:
        setattr(operations, name, moments.around(name, getattr(operations, name), _of_operation))
    setattr(operations, "claim", moments.claimed(operations.claim))  # noqa: B010 - as below
    accept = moments.around("acceptance", inbox.accept_and_claim, lambda _, arrived, *__: arrived.command.id)
    setattr(inbox, "accept_and_claim", accept)  # noqa: B010 - as below
    begin = moments.around("fence", BusFences.begin, _of_operation)
    setattr(BusFences, "begin", begin)  # noqa: B010 - a method cannot be assigned
    find = StoredTargets.target

    async def target(self: StoredTargets, operation: Any, around: Any) -> Any:
        found: Any = await find(self, operation, around)
        found.send = moments.around("write", found.send, lambda *_: operation.id)
        return found

    setattr(StoredTargets, "target", target)  # noqa: B010
    service = load("provisioner")
    asyncio.run(bus.run(service.build(service.Settings())))


if __name__ == "__main__":
    main()
