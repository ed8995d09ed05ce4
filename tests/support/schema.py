"""The page of the schema, written from the catalog of a migrated database: ``python -m tests.support.schema``."""

import asyncio
import shutil
import tempfile
from pathlib import Path
from typing import Final, TypeAlias

import asyncpg

from grantwire.graph import migrate
from grantwire.graph.pool import connect_options
from tests.support.postgres import Launched

PAGE: Final = Path(__file__).parents[2] / "docs" / "reference" / "schema.md"
_HEAD: Final = """\
# The schema

Every table of Grantwire's database, as the migrations make it. Written by `python -m tests.support.schema`;
a test compares it with a database. Why plain SQL: [decision 4](../decisions/0004-plain-sql-for-schema-and-reads.md).
"""
_HOLDS: Final = {
    "accepted_gap": "Accounts that a person accepted not to see, why, and until when.",
    "alembic_version": "Alembic's own: the version of the schema.",
    "apply": "One row for each snapshot, patch, retirement, return or repair that changed the graph, by its revision.",
    "audit": "Who asked for what with which command, and what was done about it.",
    "change_log": "What each apply did, row by row.",
    "connector": "The accounts under management, with their current settings and state.",
    "connector_log": "What happened to a connector, for people.",
    "connector_version": "Every version of a connector's settings: a job names the one it was made for.",
    "edge": "The relations of the graph now.",
    "edge_history": "Relations as they were, each until the apply that closed it.",
    "node": "The resources of the graph now.",
    "node_history": "Resources as they were, each until the apply that closed it.",
    "held_removal": "What the removal guard holds back, by key: listed for a person to confirm or reject.",
    "live_edge": "A view: the relations of scopes that are not retired.",
    "live_facet": "A view: the facets of scopes that are not retired.",
    "live_node": "A view: the resources of scopes that are not retired, with the attributes that facets add.",
    "operation": "Commands, for ever: what was asked, how far it is, what came of it.",
    "outbox": "Messages that a transaction decided on and the bus does not have yet.",
    "part_fence": "Parts of scopes that commands changed not long ago: readings that began before say nothing of them.",
    "rate_budget": "When the next AWS call of an account and API family may be sent, for all replicas together.",
    "run": "Syncs that were asked for.",
    "run_scope": "What became of each scope of a run.",
    "scope": "The parts that are read and applied as a whole, such as one account's IAM, and how fresh each is.",
    "shared_node": "What scopes name without owning it: accounts, AWS's policies, external principals.",
    "told": "The outbox of outcomes: messages about commands that the bus does not have yet.",
    "tenant": "The one tenant, and the newest revision of its graph.",
}

_TABLES: Final = """
    SELECT oid, relname AS name, coalesce(array_to_string(reloptions, ', '), '') AS options
    FROM pg_class WHERE relkind IN ('r', 'p', 'v', 'm', 'f') AND relnamespace = 'public'::regnamespace ORDER BY relname
"""
_COLUMNS: Final = """
    SELECT attname AS name, format_type(atttypid, atttypmod) AS type, attnotnull AS required,
           CASE attidentity WHEN 'a' THEN 'identity, always' WHEN 'd' THEN 'identity'
                ELSE coalesce(pg_get_expr(adbin, adrelid), '') END AS given
    FROM pg_attribute LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
    WHERE attrelid = $1 AND attnum > 0 AND NOT attisdropped ORDER BY attnum
"""
_CONSTRAINTS: Final = """
    SELECT conname AS name, pg_get_constraintdef(oid) AS said
    FROM pg_constraint WHERE conrelid = $1 AND contype <> 'n' ORDER BY contype = 'p' DESC, conname
"""
_INDEXES: Final = """
    SELECT relname AS name, CASE WHEN indisunique THEN 'UNIQUE ' ELSE '' END
           || substring(pg_get_indexdef(indexrelid) FROM ' USING (.*)') AS said
    FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid
    WHERE indrelid = $1 AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = indexrelid) ORDER BY relname
"""
_SEQUENCES: Final = """
    SELECT relname FROM pg_class WHERE relkind = 'S' AND relnamespace = 'public'::regnamespace
    AND NOT EXISTS (SELECT FROM pg_depend WHERE objid = pg_class.oid AND deptype = 'i') ORDER BY relname
"""

_Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"


async def page(url: str) -> str:
    """The page of the database at ``url``. Raises KeyError for a table that nobody has explained above."""
    connection = await asyncpg.connect(**connect_options(url, "tests"))
    try:
        tables = [await _table(connection, row) for row in await connection.fetch(_TABLES)]
        sequences = [row["relname"] for row in await connection.fetch(_SEQUENCES)]
    finally:
        await connection.close()
    return "\n".join([_HEAD, *tables, f"## Sequences\n{', '.join(f'`{name}`' for name in sequences)}", ""])


async def _table(connection: _Connection, table: asyncpg.Record) -> str:
    columns = [
        f"| `{row['name']}` | {row['type']} | {'' if row['required'] else 'yes'} | {_code(row['given'])} |"
        for row in await connection.fetch(_COLUMNS, table["oid"])
    ]
    rows = [*await connection.fetch(_CONSTRAINTS, table["oid"]), *await connection.fetch(_INDEXES, table["oid"])]
    lines = [f"- `{row['name']}`: {_code(row['said'])}" for row in rows]
    stored = [f"- stored with {_code(table['options'])}"] if table["options"] else []
    heading = [
        f"## {table['name']}",
        _HOLDS[table["name"]],
        "",
        "| column | type | null | default |",
        "|---|---|---|---|",
    ]
    return "\n".join([*heading, *columns, "", *lines, *stored, ""])


def _code(text: str) -> str:
    return f"`{text}`" if text else ""


async def _write(server: Launched) -> None:
    await migrate.upgrade(server.url)
    PAGE.write_text(await page(server.url))


def main() -> None:
    """Write the page, from a server of its own."""
    folder = Path(tempfile.mkdtemp(prefix="gw-schema-", dir="/tmp"))
    server = Launched(folder)
    try:
        server.create()
        server.start()
        asyncio.run(_write(server))
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
