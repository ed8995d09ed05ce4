"""The schema from nothing, by several at once, and what is said when it does not fit."""

import asyncio
from pathlib import Path

import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory

from grantwire.contracts.failures import GrantwireError
from grantwire.graph import Graph, migrate
from tests.integration.graph.scenes import fetch, value
from tests.support.postgres import Server, execute, new_database


def test_the_files_are_named_as_alembic_orders_them() -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(migrate.__file__).parent / "migrations"))
    config.set_main_option("path_separator", "os")
    newest_first = [script.revision for script in ScriptDirectory.from_config(config).walk_revisions()]
    assert migrate.versions() == newest_first[::-1]


async def test_four_at_once_from_nothing(postgres_server: Server) -> None:
    url = await new_database(postgres_server)
    await asyncio.gather(*(migrate.upgrade(url) for _ in range(4)))
    await migrate.upgrade(url)
    async with Graph.open(url, application_name="tests") as graph:
        await migrate.check(graph)
        assert await value(graph, "SELECT count(*) FROM tenant") == 1
        query = "SELECT conname FROM pg_constraint WHERE contype = 'p' AND connamespace = 'public'::regnamespace"
        names = {row["conname"] for row in await fetch(graph, query)}
        assert all(name.startswith("pk_") for name in names if name != "alembic_version_pkc")


async def test_a_schema_that_does_not_fit(postgres_server: Server) -> None:
    url = await new_database(postgres_server)
    async with Graph.open(url, application_name="tests") as graph:
        with pytest.raises(GrantwireError, match=r"empty.*grantwire db upgrade"):
            await migrate.check(graph)
        await migrate.upgrade(url)
        await execute(url, "UPDATE alembic_version SET version_num = '9999'")
        with pytest.raises(GrantwireError, match="newer"):
            await migrate.check(graph)
        with pytest.raises(GrantwireError, match="newer"):
            await migrate.upgrade(url)
