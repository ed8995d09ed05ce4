"""Readings that must fit together, and calls that may be made at the same time.

A *doubt* names one thing in one answer that another answer should have. Calls are moments apart and AWS is eventually
consistent: what changed between two of them is a doubt once. The same doubt in two readings in a row is an
inconsistent answer: nothing is concluded from those.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from typing import Any, Final, TypeVar, overload

from grantwire.aws import errors
from grantwire.collectors.kit.reading import Doubts
from grantwire.contracts.failures import AwsError

A = TypeVar("A")
B = TypeVar("B")
C = TypeVar("C")
T = TypeVar("T")
TOGETHER: Final = 6  # calls at once of one reading: AWS gives an account a modest rate, and others share it


async def settled(
    read: Callable[[], Awaitable[A]], doubts_of: Callable[[A], Doubts], operation: str, account: str
) -> A:
    """The answers, read again once if they do not fit. Raises ``AwsError`` (transient) for a doubt that stays."""
    answers = await read()
    before = doubts_of(answers)
    if not before:
        return answers
    answers = await read()
    if lasting := before & doubts_of(answers):
        raise errors.inconsistent(operation, min(lasting), account=account)
    return answers


async def together(calls: Iterable[Coroutine[Any, Any, T]], most: int = TOGETHER) -> list[T]:
    """The answers in the order of the calls, at most ``most`` of which are under way. Raises as ``side_by_side``."""
    gate = asyncio.Semaphore(most)

    async def one(call: Coroutine[Any, Any, T]) -> T:
        async with gate:
            return await call

    return list(await _ended(*map(one, calls)))


@overload
async def side_by_side(first: Awaitable[A], second: Awaitable[B], /) -> tuple[A, B]: ...
@overload
async def side_by_side(first: Awaitable[A], second: Awaitable[B], third: Awaitable[C], /) -> tuple[A, B, C]: ...
async def side_by_side(*calls: Awaitable[Any]) -> tuple[Any, ...]:
    """The answers of calls that need nothing of each other. All end before the first failure is raised: a seal counts
    every call that was made."""
    return await _ended(*calls)


async def _ended(*calls: Awaitable[Any]) -> tuple[Any, ...]:
    answers = await asyncio.gather(*calls, return_exceptions=True)
    for answer in answers:
        if isinstance(answer, BaseException):
            raise answer
    return tuple(answers)


async def if_allowed(read: Awaitable[T], names: Iterable[str], denied: dict[str, str]) -> T | None:
    """The answer, or None where AWS denies it: then these names are unread, and ``denied`` says why."""
    try:
        return await read
    except AwsError as error:
        if not errors.lacks_permission(error):
            raise
        denied.update(dict.fromkeys(names, str(error)))
        return None
