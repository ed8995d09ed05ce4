"""Waiting for a fact instead of for a while."""

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar, overload

from grantwire.telemetry.clock import monotonic

T = TypeVar("T")
HANGS = 60.0  # seconds after which nothing comes any more: it only ends what hangs, so it is far from any real wait


@overload
async def eventually(predicate: Callable[[], Awaitable[T | None]], timeout: float = HANGS, what: str = ...) -> T: ...
@overload
async def eventually(predicate: Callable[[], T | None], timeout: float = HANGS, what: str = ...) -> T: ...
async def eventually(predicate: Callable[[], Any], timeout: float = HANGS, what: str = "the condition") -> Any:
    """Ask until the answer is true and return it. Raises AssertionError naming `what` after `timeout` seconds.

    An AssertionError inside the predicate counts as "not yet" and is shown if time runs out.
    """
    deadline = monotonic() + timeout
    while True:
        answer, reason = await _ask(predicate)
        if answer:
            return answer
        if monotonic() > deadline:
            raise AssertionError(f"{what} did not come true within {timeout:g} s (last: {answer!r})") from reason
        await asyncio.sleep(0.02)


async def _ask(predicate: Callable[[], Any]) -> tuple[Any, AssertionError | None]:
    try:
        answer = predicate()
        return (await answer if inspect.isawaitable(answer) else answer), None
    except AssertionError as error:
        return None, error
