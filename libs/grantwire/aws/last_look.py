"""The last look before a request leaves: between a decision to ask and the request lie a budget, a thread, a signature,
perhaps the renewal of a role. What the decision rests on may change meanwhile, or has yet to come about."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from contextvars import ContextVar
from functools import partial
from typing import Any, Final, TypeVar

from botocore.client import BaseClient

from grantwire.contracts.failures import Conflict, GrantwireError

T = TypeVar("T")
_current: Final[ContextVar[Callable[[], None] | None]] = ContextVar("grantwire_aws_leaving", default=None)


@contextmanager
def leaving(check: Callable[[], None]) -> Iterator[None]:
    """Call ``check`` in the thread of each request of this task, right before it is sent; not those that enter an
    account. What it raises (a ``GrantwireError``) is raised by the call, of which nothing was sent then."""
    token = _current.set(check)
    try:
        yield
    finally:
        _current.reset(token)


async def behind(
    first: Awaitable[object], call: Callable[[], Coroutine[Any, Any, T]], check: Callable[[], None] | None = None
) -> T:
    """The answer of ``call``, whose requests leave when ``first`` is done and not before, each of them looked at with
    ``check``; they are made ready meanwhile. What ``first`` raises is raised, and nothing is sent then. The thread of
    a request waits for ``first``, which must not need one of those."""
    done: Future[None] = Future()
    with leaving(partial(_pass, done, check)):
        calling = asyncio.create_task(call())
    try:
        await first
    except BaseException as error:
        done.set_exception(error if isinstance(error, GrantwireError) else Conflict("What comes first was given up."))
        calling.cancel()
        await asyncio.gather(calling, return_exceptions=True)
        raise
    done.set_result(None)
    return await calling


def _pass(done: Future[None], check: Callable[[], None] | None) -> None:
    done.result()
    if check is not None:
        check()


def look(client: BaseClient) -> None:
    """From now on the client's requests are looked at before they leave, and before they are counted."""
    client.meta.events.register_first("before-send", _look)


def _look(**_: Any) -> None:
    if (check := _current.get()) is not None:
        check()
