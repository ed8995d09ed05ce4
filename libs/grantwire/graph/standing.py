"""How a connector stands, which follows from its scopes; and what is said of one that does not exist."""

from collections.abc import Mapping
from typing import Any, Final

from grantwire.contracts.connectors import ConnectorState
from grantwire.contracts.failures import NotFound
from grantwire.contracts.ids import TENANT
from grantwire.graph.pool import Connection
from grantwire.graph.statements import connectors as sql

_BY_HAND: Final = (ConnectorState.DRAFT, ConnectorState.FAILED, ConnectorState.PAUSED)  # states that no sync may end


async def settle(connection: Connection, id: str) -> None:
    """Let a connector's state follow from its scopes after one of them was read."""
    row = await connection.fetchrow(sql.SETTLE, TENANT, id)
    if row is None or row["state"] in _BY_HAND:
        return
    standing = await connection.fetchrow(sql.STANDING, TENANT, id)
    assert standing is not None
    state, reason = state_from(dict(standing))
    if (state.value, reason) == (row["state"], row["reason"]):
        return
    if state is ConnectorState.CONNECTED and await connection.fetchval(sql.IS_EXPANDING, TENANT, id):
        return  # whether all is well shows when the accounts of its organization are known
    await connection.execute(sql.SET_STATE, TENANT, id, state.value, reason)
    # A hundred failing accounts are counted up one by one while they are read: one line for all of them is enough.
    if state.value != row["state"] or not await connection.fetchval(sql.IS_RUNNING, TENANT, id):
        level = "warning" if state is ConnectorState.DEGRADED else "info"
        await connection.execute(sql.ADD_LOG, TENANT, id, level, f"{state.value}: {reason}" if reason else state.value)


def state_from(standing: Mapping[str, Any]) -> tuple[ConnectorState, str | None]:
    """Connected when every scope is whole or accepted as unreachable; degraded, with the first reason, otherwise.

    ``standing`` counts the ``scopes`` and those ``failing`` of them, names the ``states`` of these, and has the first
    of them as ``key``, ``state`` and ``reason``; ``unread`` is whether any was never read.
    """
    if standing["failing"]:
        return ConnectorState.DEGRADED, _reason(standing)
    return (ConnectorState.SYNCING if standing["unread"] else ConnectorState.CONNECTED), None


async def not_found(connection: Connection, id: str) -> NotFound:
    """The error for a connector that does not exist, naming those that do."""
    known = [row["id"] for row in await connection.fetch(sql.IDS, TENANT)]
    return NotFound(f"There is no connector {id!r}; there is {', '.join(known) or 'none at all'}.")


def _reason(standing: Mapping[str, Any]) -> str:
    text = f"{standing['key']}: {(standing['reason'] or {}).get('text', standing['state'])}"
    if standing["failing"] == 1:
        return text
    return f"{standing['failing']} of {standing['scopes']} scopes are {' or '.join(standing['states'])}; first {text}"
