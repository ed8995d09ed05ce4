"""Pausing a connector, and letting it run again."""

from typing import Final

from grantwire.contracts.connectors import ConnectorState
from grantwire.contracts.failures import Conflict
from grantwire.contracts.ids import TENANT
from grantwire.contracts.snapshots import Reason
from grantwire.graph import runs
from grantwire.graph.pool import Connection, Graph
from grantwire.graph.standing import not_found
from grantwire.graph.statements import connectors as sql
from grantwire.graph.statements import life as life_sql
from grantwire.graph.statements import runs as run_sql

_UNACCEPTED: Final = (ConnectorState.DRAFT, ConnectorState.FAILED)


async def pause(graph: Graph, id: str, reason: str | None = None) -> bool:
    """Begin nothing new for a connector until ``resume``; whether it ran before. What is being read right now is read
    to its end; parts of runs that wait are over. Raises ``NotFound``, or ``Conflict`` for one that AWS never let in.
    """
    why = f"Paused: {reason.strip()}" if reason and reason.strip() else "Paused by hand."
    async with graph.transaction() as connection:
        if await _state(connection, id) is ConnectorState.PAUSED:
            return False
        over = Reason(code="paused", text=f"Connector {id!r} was paused before this began.").model_dump()
        await connection.execute(life_sql.END_WAITING, TENANT, id, over)
        await connection.execute(run_sql.END_RUNS, TENANT, id)
        await connection.execute(sql.SET_STATE, TENANT, id, ConnectorState.PAUSED.value, why)
        await connection.execute(sql.ADD_LOG, TENANT, id, "info", why)
        return True


async def resume(graph: Graph, id: str, *, traceparent: str | None) -> str | None:
    """Let a paused connector run again, and ask for a run: its id. None where it was not paused. Raises ``NotFound``,
    or ``Conflict`` for one that AWS never let in."""
    async with graph.transaction() as connection:
        if await _state(connection, id) is not ConnectorState.PAUSED:
            return None
        await connection.execute(sql.SET_STATE, TENANT, id, ConnectorState.SYNCING.value, None)
        await connection.execute(sql.ADD_LOG, TENANT, id, "info", "Resumed; a run was asked for.")
        return await runs.request_in(connection, id, cause="manual", traceparent=traceparent, full=False)


async def _state(connection: Connection, id: str) -> ConnectorState:
    """Of the connector, which nobody changes before this transaction ends."""
    row = await connection.fetchrow(sql.SETTLE, TENANT, id)
    if row is None:
        raise await not_found(connection, id)
    if (state := ConnectorState(row["state"])) in _UNACCEPTED:
        raise Conflict(
            f"Connector {id!r} is {state.value}: it does not run; next: give it a role with `grantwire connector "
            f"set-role {id} ROLE_ARN`."
        )
    return state
