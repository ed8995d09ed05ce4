"""The last look before a write leaves: between a decision to write and its request lie a budget, a thread, and perhaps
the renewal of a role, and whoever decided may have lost the right to it meanwhile."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Final

from botocore.client import BaseClient

_current: Final[ContextVar[Callable[[], None] | None]] = ContextVar("grantwire_aws_leaving", default=None)


@contextmanager
def leaving(check: Callable[[], None]) -> Iterator[None]:
    """Call ``check`` in the thread of each write of this task, right before its request is sent. What it raises (a
    ``GrantwireError``) is raised by the write, of which nothing was sent then."""
    token = _current.set(check)
    try:
        yield
    finally:
        _current.reset(token)


def look(client: BaseClient) -> None:
    """From now on the client's requests are looked at before they leave, and before they are counted."""
    client.meta.events.register_first("before-send", _look)


def _look(**_: Any) -> None:
    if (check := _current.get()) is not None:
        check()
