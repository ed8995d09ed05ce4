"""The schema brought up to date, by any number of processes at once."""

import asyncio
import io
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import asyncpg
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory

from grantwire.contracts.failures import GrantwireError
from grantwire.graph.outages import noticed
from grantwire.graph.pool import Connection, Graph, connect_options
from grantwire.graph.statements import schema

_NAME: Final = "grantwire-migrate"
_LOCK: Final = 7_266_001  # an advisory lock of this database; any number that nothing else uses


async def upgrade(database_url: str) -> None:
    """Bring the schema to the newest version; nothing happens if it is there.

    Raises ``DependencyDown``, or ``GrantwireError`` when the schema is newer than this version of Grantwire.
    """
    with noticed():
        async with _locked(database_url) as connection:
            found = await _version(connection)
            _refuse_newer(found)
            if found != _scripts().get_current_head():
                script = await asyncio.to_thread(_script, found)
                async with connection.transaction():
                    await connection.execute(script)


async def check(graph: Graph) -> None:
    """Raises ``GrantwireError`` unless the schema is the one this version needs."""
    async with graph.connection() as connection:
        found = await _version(connection)
    _refuse_newer(found)
    wanted = _scripts().get_current_head()
    if found != wanted:
        state = f"has the schema {found}" if found else "is empty"
        raise GrantwireError(f"The database {state}, and schema {wanted} is needed: run `grantwire db upgrade`.")


def _refuse_newer(found: str | None) -> None:
    scripts = _scripts()
    if found is not None and found not in {script.revision for script in scripts.walk_revisions()}:
        raise GrantwireError(
            f"The database has the schema {found}, which this version of Grantwire does not know (its own is "
            f"{scripts.get_current_head()}): a newer one made it. Update Grantwire."
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
    config = _config()
    config.output_buffer = io.StringIO()
    command.upgrade(config, f"{found or 'base'}:head", sql=True)
    return config.output_buffer.getvalue()


def _scripts() -> ScriptDirectory:
    return ScriptDirectory.from_config(_config())


def _config() -> Config:
    config = Config()
    # A percent sign in a path would be taken for interpolation.
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config
