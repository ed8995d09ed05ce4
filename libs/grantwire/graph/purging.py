"""Retired scopes that nobody wants back: rows, past and all are deleted, a part at a time."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import asyncpg

from grantwire.contracts.ids import TENANT
from grantwire.contracts.snapshots import Reason
from grantwire.graph.outages import repeated
from grantwire.graph.pool import Connection, Graph
from grantwire.graph.statements import apply as apply_sql
from grantwire.graph.statements import holding as holding_sql
from grantwire.graph.statements import patching as patching_sql
from grantwire.graph.statements import retiring as sql

_AT_ONCE: Final = 5_000  # rows in one transaction: short enough for whoever waits behind it
_GONE: Final = Reason(code="retired", text="The scope was retired and purged before this part of the run was read.")
_Delete = Callable[[Connection, int], Awaitable[int]]


@dataclass(frozen=True, slots=True)
class Purged:
    """A retired scope that is gone. ``rows`` counts its resources and relations, facets too; ``history`` the versions
    that they had before."""

    scope: str
    connector: str
    account: str | None
    retired_at: datetime
    rows: int
    history: int


async def purge(graph: Graph, *, older_than: timedelta, scope: str | None = None) -> list[Purged]:
    """Delete the scopes that were retired at least ``older_than`` ago, or just one of them; one that is not retired is
    left alone. Names that relations of other scopes use stay readable. Nothing is told: the retirement was."""
    async with graph.connection() as connection:
        due = [row["key"] for row in await connection.fetch(sql.DUE, TENANT, older_than, scope)]
    found = [await _purge(graph, key, older_than) for key in due]
    return [purged for purged in found if purged is not None]


async def _purge(graph: Graph, key: str, older_than: timedelta) -> Purged | None:
    """None when the scope returned before it was gone; it is read whole then."""
    deleted: list[int] = []
    # Relations first: whoever names a resource after that is another scope.
    for delete in (_edges, _nodes, _old_edges, _old_nodes):
        count = await _all(graph, key, older_than, delete)
        if count is None:
            return None
        deleted.append(count)
    row = await repeated(lambda: _end(graph, key, older_than))
    if row is None:
        return None
    return Purged(
        key, row["connector"], row["account"], row["retired_at"], deleted[0] + deleted[1], deleted[2] + deleted[3]
    )


async def _all(graph: Graph, key: str, older_than: timedelta, delete: _Delete) -> int | None:
    total = 0
    while (count := await repeated(lambda: _some(graph, key, older_than, delete))) is not None:
        total += count
        if count < _AT_ONCE:
            return total
    return None


async def _some(graph: Graph, key: str, older_than: timedelta, delete: _Delete) -> int | None:
    async with graph.transaction() as connection:
        row = await _locked(connection, key, older_than)
        return await delete(connection, row["id"]) if row else None


async def _end(graph: Graph, key: str, older_than: timedelta) -> asyncpg.Record | None:
    async with graph.transaction() as connection:
        row = await _locked(connection, key, older_than)
        if row is not None:
            await connection.execute(holding_sql.FORGET, TENANT, row["id"])
            await connection.execute(patching_sql.FORGET, TENANT, row["id"])
            await connection.execute(sql.END_PARTS, TENANT, key, _GONE.model_dump())
            await connection.execute(sql.DELETE_SCOPE, TENANT, row["id"])
        return row


async def _locked(connection: Connection, key: str, older_than: timedelta) -> asyncpg.Record | None:
    await connection.execute(apply_sql.LOCK, TENANT, key)
    return await connection.fetchrow(sql.STILL_DUE, TENANT, key, older_than)


async def _nodes(connection: Connection, scope: int) -> int:
    ids = [row["id"] for row in await connection.fetch(sql.SOME_NODES, TENANT, scope, _AT_ONCE)]
    await connection.execute(apply_sql.REMEMBER_NAMES, TENANT, scope, ids)
    return _count(await connection.execute(apply_sql.DELETE_NODES, TENANT, scope, ids))


async def _edges(connection: Connection, scope: int) -> int:
    return await _rows(connection, sql.DELETE_SOME_EDGES, scope)


async def _old_edges(connection: Connection, scope: int) -> int:
    return await _rows(connection, sql.DELETE_SOME_OLD_EDGES, scope)


async def _old_nodes(connection: Connection, scope: int) -> int:
    return await _rows(connection, sql.DELETE_SOME_OLD_NODES, scope)


async def _rows(connection: Connection, statement: str, scope: int) -> int:
    return _count(await connection.execute(statement, TENANT, scope, _AT_ONCE))


def _count(status: Any) -> int:
    """How many rows a statement touched: ``DELETE 17``."""
    return int(status.rpartition(" ")[2])
