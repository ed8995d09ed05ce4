"""The page of the schema is true: tables, columns, types, nullability, keys and indexes as the migrations make them."""

from tests.support.postgres import database_url, execute, postgres_server, template_url
from tests.support.schema import PAGE, page

__all__ = ["database_url", "postgres_server", "template_url"]


async def test_the_page_describes_a_migrated_database(database_url: str) -> None:
    found = await page(database_url)
    assert found == PAGE.read_text(), "The schema changed: run `python -m tests.support.schema`, read the difference."


async def test_what_drifts_shows(database_url: str) -> None:
    for change in (
        "ALTER TABLE scope ALTER COLUMN account SET NOT NULL",
        "ALTER TABLE run ALTER COLUMN cause TYPE varchar(10)",
        "ALTER TABLE edge DROP CONSTRAINT pk_edge",
        "DROP INDEX ix_node_name",
        "ALTER TABLE outbox ADD COLUMN tries integer",
    ):
        before = await page(database_url)
        await execute(database_url, change)
        assert await page(database_url) != before, change
