"""Rows of retired scopes make way for a scope that counts: an account may belong to another organization by now."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from grantwire.contracts.ids import TENANT
from grantwire.graph.pool import Connection
from grantwire.graph.rows import EdgeKey
from grantwire.graph.statements import apply as sql
from grantwire.graph.statements import displacing as own
from grantwire.graph.stored import edge_arrays


async def displace_nodes(connection: Connection, ids: Sequence[UUID], apply_id: int, at: datetime) -> None:
    """Close those of the resources that retired scopes own. If such a scope returns, it returns without them."""
    for scope in await _retired(connection, own.OWNERS_OF_NODES, ids):
        await connection.execute(sql.CLOSE_NODES, TENANT, scope, ids, apply_id, at)
        await connection.execute(sql.DELETE_NODES, TENANT, scope, ids)


async def displace_edges(connection: Connection, keys: Sequence[EdgeKey], apply_id: int, at: datetime) -> None:
    """The same for relations."""
    columns = edge_arrays(keys)
    for scope in await _retired(connection, own.OWNERS_OF_EDGES, *columns):
        await connection.execute(sql.REMOVE_EDGES, TENANT, scope, *columns, apply_id, at)


async def _retired(connection: Connection, owners: str, *keys: Sequence[UUID] | Sequence[int]) -> list[int]:
    """The retired scopes among the owners, kept from returning until this transaction ends. Nothing vouches for their
    rows any more."""
    found = [row["scope_id"] for row in await connection.fetch(owners, TENANT, *keys)]
    return [row["id"] for row in await connection.fetch(own.HOLD, TENANT, found)] if found else []
