"""Connectors: their settings by version, their state, their log."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

import asyncpg

from grantwire.contracts.connectors import Connector, ConnectorState
from grantwire.contracts.failures import Conflict, NotFound
from grantwire.contracts.ids import TENANT
from grantwire.graph.pool import Connection, Graph
from grantwire.graph.statements import connectors as sql

_BY_HAND: Final = (ConnectorState.DRAFT, ConnectorState.PAUSED)  # states that no sync may end


@dataclass(frozen=True, slots=True)
class LogLine:
    at: datetime
    level: str
    text: str


@dataclass(frozen=True, slots=True)
class StoredConnector:
    """A connector as it is kept. ``log`` holds its newest 100 lines, newest first."""

    connector: Connector
    version: int
    account: str | None
    state: ConnectorState
    reason: str | None
    log: list[LogLine] = field(default_factory=list)


async def put(
    graph: Graph, connector: Connector, *, account: str | None, state: ConnectorState, reason: str | None
) -> int:
    """Create or change a connector; returns the version of its settings, which rises only when they change.

    Raises ``Conflict`` when another connector reads the account already.
    """
    async with graph.transaction() as connection:
        await connection.execute(sql.LOCK, TENANT, connector.id)
        await _refuse_second_owner(connection, connector.id, account)
        settings = connector.model_dump(mode="json")
        before = await connection.fetchrow(sql.GET, TENANT, connector.id)
        version = 1 if before is None else before["version"] + (before["settings"] != settings)
        try:
            await connection.execute(sql.PUT, TENANT, connector.id, version, settings, account, state.value, reason)
        except asyncpg.UniqueViolationError:
            raise Conflict(f"Account {account} was given to another connector a moment ago.") from None
        await connection.execute(sql.PUT_VERSION, TENANT, connector.id, version, settings)
        return int(version)


async def get(graph: Graph, id: str) -> StoredConnector:
    """Raises ``NotFound`` with the ids that exist."""
    async with graph.transaction(snapshot=True) as connection:
        row = await connection.fetchrow(sql.GET, TENANT, id)
        if row is None:
            raise await not_found(connection, id)
        return _stored(row, await connection.fetch(sql.LOG, TENANT, id))


async def list_all(graph: Graph) -> list[StoredConnector]:
    """All connectors by id, without their logs."""
    async with graph.connection() as connection:
        return [_stored(row, ()) for row in await connection.fetch(sql.ALL, TENANT)]


async def settings(graph: Graph, id: str, version: int) -> Connector:
    """The settings a job was made for. Raises ``NotFound``."""
    async with graph.connection() as connection:
        found = await connection.fetchval(sql.SETTINGS, TENANT, id, version)
        if found is None:
            raise NotFound(f"Connector {id!r} has no settings of version {version}; was it removed?")
        return Connector.model_validate(found)


async def set_state(graph: Graph, id: str, state: ConnectorState, reason: str | None = None) -> None:
    """Raises ``NotFound``."""
    async with graph.transaction() as connection:
        if await connection.fetchrow(sql.GET, TENANT, id) is None:
            raise await not_found(connection, id)
        await connection.execute(sql.SET_STATE, TENANT, id, state.value, reason)


async def add_log(graph: Graph, id: str, level: str, text: str) -> None:
    """Add a line to the connector's readable log. ``level`` is ``info``, ``warning`` or ``error``."""
    async with graph.connection() as connection:
        await connection.execute(sql.ADD_LOG, TENANT, id, level, text)


async def settle(connection: Connection, id: str) -> None:
    """Let a connector's state follow from its scopes after one of them was read."""
    row = await connection.fetchrow(sql.GET, TENANT, id)
    if row is None or row["state"] in _BY_HAND:
        return
    state, reason = state_from(await connection.fetch(sql.SCOPES, TENANT, id))
    if (state.value, reason) != (row["state"], row["reason"]):
        await connection.execute(sql.SET_STATE, TENANT, id, state.value, reason)
        level = "info" if state is ConnectorState.CONNECTED else "warning"
        await connection.execute(sql.ADD_LOG, TENANT, id, level, f"{state.value}: {reason}" if reason else state.value)


def state_from(scopes: Iterable[Any]) -> tuple[ConnectorState, str | None]:
    """Connected when every scope is whole or accepted as unreachable; degraded, with the first reason, otherwise."""
    for scope in scopes:
        if scope["state"] in ("stale", "held"):
            return ConnectorState.DEGRADED, f"{scope['key']}: {(scope['reason'] or {}).get('text', scope['state'])}"
        if scope["state"] == "new":
            return ConnectorState.SYNCING, None
    return ConnectorState.CONNECTED, None


async def not_found(connection: Connection, id: str) -> NotFound:
    """The error for a connector that does not exist, naming those that do."""
    known = [row["id"] for row in await connection.fetch(sql.IDS, TENANT)]
    return NotFound(f"There is no connector {id!r}; there is {', '.join(known) or 'none at all'}.")


async def _refuse_second_owner(connection: Connection, id: str, account: str | None) -> None:
    owner = await connection.fetchval(sql.ACCOUNT_OWNER, TENANT, account, id) if account else None
    if owner is not None:
        raise Conflict(
            f"Account {account} is read by connector {owner!r} already; an account belongs to one connector."
        )


def _stored(row: asyncpg.Record, log: Iterable[asyncpg.Record]) -> StoredConnector:
    return StoredConnector(
        Connector.model_validate(row["settings"]),
        row["version"],
        row["account"],
        ConnectorState(row["state"]),
        row["reason"],
        [LogLine(line["at"], line["level"], line["text"]) for line in log],
    )
