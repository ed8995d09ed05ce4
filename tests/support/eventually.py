"""Waiting for a fact instead of for a while."""

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from typing import TypeVar

from grantwire.telemetry.clock import monotonic

T = TypeVar("T")


async def eventually(predicate: Callable[[], T | Awaitable[T]], timeout: float = 10, what: str = "the condition") -> T:
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


async def _ask(predicate: Callable[[], T | Awaitable[T]]) -> tuple[T | None, AssertionError | None]:
    try:
        answer = predicate()
        return (await answer if inspect.isawaitable(answer) else answer), None
    except AssertionError as error:
        return None, error
