"""One small call for each of many: a few at a time, and no more of them than AWS allows."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Final, TypeVar

from grantwire.aws import errors
from grantwire.collectors.credentials.answers import Asked
from grantwire.collectors.kit.settling import TOGETHER, together
from grantwire.contracts.failures import AwsCause, AwsError

T = TypeVar("T")
_FIRST: Final = TOGETHER  # when these are all denied, the rest is not asked


async def ask_each(names: Sequence[str], read: Callable[[str], Awaitable[T]]) -> Asked[T]:
    """What AWS says of each. Raises ``AwsError`` where it neither answers, nor denies, nor knows the name no more."""
    asked = Asked[T]()
    first, rest = names[:_FIRST], names[_FIRST:]
    await _ask(first, read, asked)
    if asked.denied and not asked.answers:
        asked.denied |= set(rest)
    else:
        await _ask(rest, read, asked)
    return asked


async def _ask(names: Sequence[str], read: Callable[[str], Awaitable[T]], asked: Asked[T]) -> None:
    await together(_one(name, read, asked) for name in names)


async def _one(name: str, read: Callable[[str], Awaitable[T]], asked: Asked[T]) -> None:
    try:
        asked.answers[name] = await read(name)
    except AwsError as error:
        if error.cause is AwsCause.GONE:
            asked.gone.add(name)
        elif errors.lacks_permission(error):
            asked.denied.add(name)
            asked.why = asked.why or str(error)
        else:
            raise
