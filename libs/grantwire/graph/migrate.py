"""The schema brought up to date, by any number of processes at once."""

import asyncio
import io
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import asyncpg

from grantwire.contracts.failures import GrantwireError
from grantwire.graph.outages import noticed
from grantwire.graph.pool import Connection, Graph, connect_options
from grantwire.graph.statements import schema

_NAME: Final = "grantwire-migrate"
_LOCK: Final = 7_266_001  # an advisory lock of this database; any number that nothing else uses
_MIGRATIONS: Final = Path(__file__).parent / "migrations"


async def upgrade(database_url: str) -> None:
    """Bring the schema to the newest version; nothing happens if it is there.

    Raises ``DependencyDown``, or ``GrantwireError`` when the schema is newer than this version of Grantwire.
    """
    with noticed():
        async with _locked(database_url) as connection:
            found = await _version(connection)
            _refuse_newer(found)
            if found != versions()[-1]:
                script = await asyncio.to_thread(_script, found)
                async with connection.transaction():
                    await connection.execute(script)


async def check(graph: Graph) -> None:
    """Raises ``GrantwireError`` unless the schema is the one this version needs."""
    async with graph.connection() as connection:
        found = await _version(connection)
    _refuse_newer(found)
    wanted = versions()[-1]
    if found != wanted:
        state = f"has the schema {found}" if found else "is empty"
        raise GrantwireError(f"The database {state}, and schema {wanted} is needed: run `grantwire db upgrade`.")


def versions() -> list[str]:
    """Every version of the schema, oldest first: the files of the migrations are named after them, ``v0001_….py``."""
    return sorted(path.name[1:5] for path in (_MIGRATIONS / "versions").glob("v[0-9]*.py"))


def _refuse_newer(found: str | None) -> None:
    known = versions()
    if found is not None and found not in known:
        raise GrantwireError(
            f"The database has the schema {found}, which this version of Grantwire does not know (its own is "
            f"{known[-1]}): a newer one made it. Update Grantwire."
        )


async def _version(connection: Connection) -> str | None:
    if not await connection.fetchval(schema.HAS_VERSION):
        return None
    found: str | None = await connection.fetchval(schema.VERSION)
    return found


@asynccontextmanager
async def _locked(database_url: str) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
    """A connection whose session holds the lock of migrations."""
    connection = await asyncpg.connect(**connect_options(database_url, _NAME))
    try:
        await connection.execute(schema.LOCK, _LOCK)
        yield connection
    finally:
        connection.terminate()


def _script(found: str | None) -> str:
    """The statements from one version to the newest, as Alembic writes them."""
    from alembic import command  # with SQLAlchemy a sixth of a start, and most starts find the schema as it should be
    from alembic.config import Config

    written = io.StringIO()
    config = Config(output_buffer=written)
    # A percent sign in a path would be taken for interpolation.
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    command.upgrade(config, f"{found or 'base'}:head", sql=True)
    return written.getvalue()
