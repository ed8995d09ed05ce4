"""What a failed statement means: Postgres is away, the transaction must be repeated, or it is our own fault."""

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Final, TypeVar

import asyncpg
from asyncpg import exceptions as pg

from grantwire.contracts.failures import DependencyDown, Transient

T = TypeVar("T")

_AWAY: Final = (
    OSError,  # refused, reset, host unknown; TimeoutError among them
    pg.PostgresConnectionError,
    pg.AdminShutdownError,
    pg.CrashShutdownError,
    pg.CannotConnectNowError,
    pg.TooManyConnectionsError,
    pg.ReadOnlySQLTransactionError,  # a replica after a failover
    asyncpg.InternalClientError,  # "cannot switch to state": the server died in the middle of a COPY
)
_REPEATABLE: Final = (pg.DeadlockDetectedError, pg.SerializationError)
_ATTEMPTS: Final = 8


@contextmanager
def noticed() -> Iterator[None]:
    """Raise ``DependencyDown`` in place of every failure that means "Postgres cannot be reached"."""
    try:
        yield
    except Exception as error:
        if is_outage(error):
            raise DependencyDown(
                f"Postgres cannot be reached ({type(error).__name__}: {error}). Is it running, and is "
                "GRANTWIRE_DATABASE_URL right?"
            ) from error
        raise


def is_outage(error: BaseException) -> bool:
    """Whether the connection failed, rather than what was asked of it."""
    if isinstance(error, asyncpg.InterfaceError):
        # The driver says "connection is closed" (or, of a pool's, "released") with the class it also uses for misuse;
        # one that is a ValueError too is always misuse.
        return not isinstance(error, ValueError) and any(word in str(error) for word in ("clos", "released"))
    return isinstance(error, _AWAY)


async def repeated(work: Callable[[], Awaitable[T]]) -> T:
    """Run a whole transaction again while Postgres asks for it. Raises ``Transient`` after eight attempts."""
    for _ in range(_ATTEMPTS):
        try:
            return await work()
        except _REPEATABLE as error:
            last = error
    raise Transient(f"Postgres refused the transaction {_ATTEMPTS} times ({last}).") from last
