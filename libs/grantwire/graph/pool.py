"""The connections to Postgres of one process."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import asyncpg

from grantwire.contracts.failures import DependencyDown
from grantwire.contracts.text import canonical
from grantwire.graph.keys import Keys
from grantwire.graph.outages import noticed

if TYPE_CHECKING:
    from asyncpg.pool import PoolConnectionProxy

Connection: TypeAlias = "PoolConnectionProxy[asyncpg.Record] | asyncpg.Connection[asyncpg.Record]"

_SESSION: Final = {"jit": "off", "timezone": "UTC"}
# A statement is planned anew each time for the values that it is given, which may be very many; ``brief`` ones always
# touch a few rows, and planning takes longer than they do; ``fixed`` ones are the same whatever they are given.
_PLANNED: Final = {"brief": "auto", "any": "force_custom_plan", "fixed": "force_generic_plan"}
_CONNECT_SECONDS: Final = 10.0
_ACQUIRE_SECONDS: Final = 60.0
_JSONB_VERSION: Final = b"\x01"  # the first byte of jsonb on the wire


class Graph:
    """A pool of connections, open while its context is entered. ``keys`` are for the secrets of connectors; whoever
    reads and writes none needs none."""

    def __init__(self, pool: "asyncpg.Pool[asyncpg.Record]", keys: Keys | None = None) -> None:
        self._pool = pool
        self.keys = keys or Keys()

    @classmethod
    @asynccontextmanager
    async def open(
        cls,
        database_url: str,
        *,
        application_name: str,
        max_size: int = 6,
        keys: Keys | None = None,
        statements: Literal["any", "brief", "fixed"] = "any",
    ) -> "AsyncIterator[Graph]":
        """``brief`` for a process none of whose statements ever touches many rows, ``fixed`` for one that finds each of
        them by its key. Raises ``DependencyDown`` when Postgres cannot be reached."""
        options = connect_options(database_url, application_name)
        options["server_settings"]["plan_cache_mode"] = _PLANNED[statements]
        with noticed():
            pool = await asyncpg.create_pool(min_size=1, max_size=max_size, init=prepare, reset=_tidy, **options)
        try:
            yield cls(pool, keys)
        finally:
            # Terminated, not drained: whatever still runs belongs to a task that is being cancelled.
            pool.terminate()

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        """A connection; failures of it become ``DependencyDown``."""
        with noticed():
            async with self._pool.acquire(timeout=_ACQUIRE_SECONDS) as connection:
                yield connection

    @asynccontextmanager
    async def reserved(self) -> AsyncIterator[Connection]:
        """A connection for a block that also does other things: errors of the block are left as they are."""
        with noticed():
            connection = await self._pool.acquire(timeout=_ACQUIRE_SECONDS)
        try:
            yield connection
        finally:
            with noticed():
                await self._give_back(connection)

    async def _give_back(self, connection: "PoolConnectionProxy[asyncpg.Record]") -> None:
        """What the block gathered in its session, such as locks, goes first. A connection that was lost has lost that
        too, and the pool may have taken it back by itself: then the driver calls it released."""
        try:
            with suppress(DependencyDown), noticed():
                await connection.reset()
        finally:
            await self._pool.release(connection)

    @asynccontextmanager
    async def transaction(self, *, snapshot: bool = False) -> AsyncIterator[Connection]:
        """A connection inside a transaction: ``snapshot=True`` reads one unchanging state and cannot write."""
        async with self.connection() as connection:
            isolation: Any = "repeatable_read" if snapshot else "read_committed"
            async with connection.transaction(isolation=isolation, readonly=snapshot):
                yield connection


def connect_options(database_url: str, application_name: str) -> dict[str, Any]:
    """Keyword arguments of ``asyncpg.connect``. ``sslmode=disable`` keeps the driver from looking for key files."""
    url = urlsplit(database_url)
    query = dict(parse_qsl(url.query))
    plain = "disable" in (query.get("sslmode"), query.pop("ssl", None))
    scheme = url.scheme.partition("+")[0]
    return {
        "dsn": urlunsplit((scheme, url.netloc, url.path, urlencode(query), url.fragment)),
        "timeout": _CONNECT_SECONDS,
        "server_settings": {**_SESSION, "application_name": application_name},
        **({"ssl": False} if plain else {}),
    }


async def _tidy(connection: Connection) -> None:
    """Before another task gets the connection. asyncpg's own asks the server each time to drop what a session may have
    gathered; ours gathers nothing outside ``reserved``, and what a cancelled task left open is rolled back."""
    if connection.is_in_transaction():
        await connection.reset()


async def prepare(connection: Connection) -> None:
    """Make jsonb columns Python values, in COPY too, which needs the binary form."""
    await connection.set_type_codec(
        "jsonb",
        schema="pg_catalog",
        encoder=lambda value: _JSONB_VERSION + (canonical(value).encode() if value != {} else b"{}"),
        decoder=lambda data: json.loads(data[1:]),
        format="binary",
    )
