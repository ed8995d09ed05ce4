"""Scopes that a connector is going to read: made, taken over from a connector that gave them up, brought back."""

from collections.abc import Sequence

from grantwire.contracts.ids import TENANT
from grantwire.graph.pool import Connection
from grantwire.graph.statements import scopes as sql
from grantwire.graph.wanted import Part


async def elsewhere(connection: Connection, connector: str, keys: Sequence[str]) -> dict[str, bool]:
    """Which of these scopes must be locked before they are claimed, and whether they are retired."""
    rows = await connection.fetch(sql.ELSEWHERE, TENANT, connector, list(keys))
    return {row["key"]: row["retired"] for row in rows}


async def claim(connection: Connection, connector: str, parts: Sequence[Part]) -> None:
    """From now on these scopes are this connector's. Those that were not are locked."""
    if parts:
        sources, keys, accounts = map(list, zip(*parts, strict=True))
        await connection.execute(sql.CLAIM, TENANT, connector, keys, sources, accounts)
