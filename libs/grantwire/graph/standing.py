"""How a connector stands, which follows from its scopes; and what is said of one that does not exist."""

from collections.abc import Iterable
from typing import Any, Final

from grantwire.contracts.connectors import ConnectorState
from grantwire.contracts.failures import NotFound
from grantwire.contracts.ids import TENANT
from grantwire.graph.pool import Connection
from grantwire.graph.statements import connectors as sql

_BY_HAND: Final = (ConnectorState.DRAFT, ConnectorState.PAUSED)  # states that no sync may end


async def settle(connection: Connection, id: str) -> None:
    """Let a connector's state follow from its scopes after one of them was read."""
    row = await connection.fetchrow(sql.GET, TENANT, id)
    if row is None or row["state"] in _BY_HAND:
        return
    scopes = await connection.fetch(sql.UNSETTLED, TENANT, id)
    state, reason = state_from(scopes, await connection.fetchval(sql.COUNT_SCOPES, TENANT, id))
    if (state.value, reason) == (row["state"], row["reason"]):
        return
    if state is ConnectorState.CONNECTED and await connection.fetchval(sql.IS_EXPANDING, TENANT, id):
        return  # whether all is well shows when the accounts of its organization are known
    await connection.execute(sql.SET_STATE, TENANT, id, state.value, reason)
    # A hundred failing accounts are counted up one by one while they are read: one line for all of them is enough.
    if state.value != row["state"] or not await connection.fetchval(sql.IS_RUNNING, TENANT, id):
        level = "warning" if state is ConnectorState.DEGRADED else "info"
        await connection.execute(sql.ADD_LOG, TENANT, id, level, f"{state.value}: {reason}" if reason else state.value)


def state_from(scopes: Iterable[Any], count: int) -> tuple[ConnectorState, str | None]:
    """Connected when every scope is whole or accepted as unreachable; degraded, with the first reason, otherwise.

    ``scopes`` are at least those that are neither, in their order; ``count`` is how many there are in all.
    """
    found = list(scopes)
    failing = [scope for scope in found if scope["state"] in ("stale", "held")]
    if failing:
        return ConnectorState.DEGRADED, _reason(failing, count)
    if any(scope["state"] == "new" for scope in found):
        return ConnectorState.SYNCING, None
    return ConnectorState.CONNECTED, None


async def not_found(connection: Connection, id: str) -> NotFound:
    """The error for a connector that does not exist, naming those that do."""
    known = [row["id"] for row in await connection.fetch(sql.IDS, TENANT)]
    return NotFound(f"There is no connector {id!r}; there is {', '.join(known) or 'none at all'}.")


def _reason(failing: list[Any], count: int) -> str:
    first = failing[0]
    text = f"{first['key']}: {(first['reason'] or {}).get('text', first['state'])}"
    if len(failing) == 1:
        return text
    states = " or ".join(sorted({scope["state"] for scope in failing}, reverse=True))
    return f"{len(failing)} of {count} scopes are {states}; first {text}"
