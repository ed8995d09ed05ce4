"""Runs: somebody asked a connector to be read. Kept here first, put on the bus by the scheduler when it accepts."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Literal, TypeAlias, cast
from uuid import UUID, uuid4

import asyncpg

from grantwire.contracts.connectors import Connector
from grantwire.contracts.failures import Conflict, NotFound
from grantwire.contracts.ids import TENANT, AccountId, iam_scope
from grantwire.contracts.jobs import Source
from grantwire.contracts.snapshots import Reason
from grantwire.graph.connectors import not_found, settle
from grantwire.graph.finishing import uuid_of
from grantwire.graph.pool import Connection, Graph
from grantwire.graph.statements import apply as apply_sql
from grantwire.graph.statements import outbox as outbox_sql
from grantwire.graph.statements import runs as sql
from grantwire.graph.statements import scopes as scope_sql

Cause: TypeAlias = Literal["manual", "interval"]
RunState: TypeAlias = Literal["requested", "running", "complete", "partial", "failed"]
PartState: TypeAlias = Literal["requested", "published", "complete", "unchanged", "stale", "unreachable", "failed"]

LOST_AFTER: Final = timedelta(hours=6)  # a job that nobody answered for so long is gone with its stream
_GOOD: Final = frozenset({"complete", "unchanged", "unreachable"})


@dataclass(frozen=True, slots=True)
class PendingScope:
    """A job to be published. ``full`` asks for the body even if it is the known one; then no digest is named."""

    run: str
    connector: str
    settings_version: int
    source: Source
    scope: str
    account: str | None
    known_digest: str | None
    full: bool
    traceparent: str | None


@dataclass(frozen=True, slots=True)
class RunScopeView:
    """One scope's part of a run. ``calls`` counts AWS calls by name, ``seconds`` is how long reading took.
    ``messages`` is how many changes subscribers hear of: one for a first load, later one for each row that differs."""

    scope: str
    state: PartState
    reason: Reason | None
    calls: dict[str, int]
    throttled: int
    seconds: float
    unread: list[dict[str, str]]
    inserted: int
    changed: int
    removed: int
    messages: int
    revision: int | None
    requested_at: datetime
    published_at: datetime | None
    finished_at: datetime | None


@dataclass(frozen=True, slots=True)
class RunView:
    """A run and its scopes. ``published`` is whether it has ended and the bus has every change that it made."""

    run: str
    connector: str
    cause: str
    full: bool
    requested_at: datetime
    state: RunState
    published: bool
    scopes: list[RunScopeView]


@dataclass(frozen=True, slots=True)
class TimetableRow:
    """A connector that may run by itself. ``running`` is whether a run of it was asked for and has not ended."""

    connector: str
    interval: timedelta
    last_begun: datetime | None
    running: bool


async def request(graph: Graph, connector_id: str, *, cause: Cause, traceparent: str | None, full: bool = False) -> str:
    """Ask for a connector to be read; returns the run's id. Works while another run goes on: the bus takes it later.

    Raises ``NotFound``, or ``Conflict`` while the connector's account is not known.
    """
    async with graph.transaction() as connection:
        return await request_in(connection, connector_id, cause=cause, traceparent=traceparent, full=full)


async def request_in(
    connection: Connection, connector_id: str, *, cause: Cause, traceparent: str | None, full: bool
) -> str:
    """The same inside a transaction that decides something else as well."""
    run = uuid4()
    row = await connection.fetchrow(sql.CONNECTOR, TENANT, connector_id)
    if row is None:
        raise await not_found(connection, connector_id)
    lost = Reason(code="lost", text="Nobody answered this job; the stream it was on was lost.").model_dump()
    await connection.execute(sql.ABANDON, TENANT, connector_id, LOST_AFTER, lost)
    await connection.execute(sql.REQUEST, TENANT, run, connector_id, cause, full, traceparent)
    for source, scope, account in _scopes_of(row):
        await connection.execute(apply_sql.ENSURE_SCOPE, TENANT, scope, connector_id, source, account)
        await connection.execute(sql.REQUEST_SCOPE, TENANT, run, scope, connector_id, row["version"])
    return str(run)


async def pending(graph: Graph) -> list[PendingScope]:
    """What the bus has not accepted yet, the oldest first."""
    async with graph.connection() as connection:
        return [_pending(row) for row in await connection.fetch(sql.PENDING, TENANT)]


async def published(graph: Graph, run: str, scope: str) -> None:
    """The bus has the job."""
    async with graph.connection() as connection:
        await connection.execute(sql.PUBLISHED, TENANT, _uuid(run), scope)


async def failed(graph: Graph, run: str, scope: str, reason_text: str) -> None:
    """No collector could finish the job. What the scope held stays, as stale."""
    reason = Reason(code="failed", text=reason_text).model_dump()
    async with graph.transaction() as connection:
        await connection.execute(apply_sql.LOCK, TENANT, scope)
        connector = await connection.fetchval(sql.FAIL, TENANT, _uuid(run), scope, reason)
        if connector is not None:
            await connection.execute(scope_sql.FAILED, TENANT, scope, reason)
            await settle(connection, connector)


async def get(graph: Graph, run: str) -> RunView:
    """Raises ``NotFound``."""
    async with graph.transaction(snapshot=True) as connection:
        row = await connection.fetchrow(sql.RUN, TENANT, _uuid(run))
        if row is None:
            raise NotFound(f"There is no run {run}.")
        (view,) = await _views(connection, [row])
    return view


async def latest(graph: Graph) -> list[RunView]:
    """The newest run of each connector, by connector; of those that ever ran."""
    async with graph.transaction(snapshot=True) as connection:
        return await _views(connection, await connection.fetch(sql.LATEST, TENANT))


async def timetable(graph: Graph, now: datetime) -> list[TimetableRow]:
    """Every connector that is neither a draft nor paused."""
    async with graph.connection() as connection:
        rows = await connection.fetch(sql.TIMETABLE, TENANT, now, LOST_AFTER)
    return [
        TimetableRow(row["id"], Connector.model_validate(row["settings"]).interval, row["last_begun"], row["running"])
        for row in rows
    ]


def state_of(parts: list[PartState]) -> RunState:
    """A run is what its scopes are: an account that is known to be unreachable does not spoil it."""
    if all(part == "requested" for part in parts):
        return "requested"
    if any(part in ("requested", "published") for part in parts):
        return "running"
    if all(part in _GOOD for part in parts):
        return "complete"
    return "failed" if all(part == "failed" for part in parts) else "partial"


def _scopes_of(row: asyncpg.Record) -> list[tuple[Source, str, str]]:
    account = row["account"] or Connector.model_validate(row["settings"]).account
    if account is None:
        raise Conflict(
            f"The account of connector {row['id']!r} is not known yet; save the connector so that it is validated."
        )
    return [("iam", iam_scope(AccountId(account)), account)]


def _pending(row: asyncpg.Record) -> PendingScope:
    return PendingScope(
        str(row["run"]),
        row["connector"],
        row["settings_version"],
        cast(Source, row["source"]),
        row["scope"],
        row["account"],
        row["known_digest"],
        row["whole"],
        row["traceparent"],
    )


async def _views(connection: Connection, rows: list[asyncpg.Record]) -> list[RunView]:
    parts: dict[UUID, list[RunScopeView]] = {row["id"]: [] for row in rows}
    for part in await connection.fetch(sql.RUN_SCOPES, TENANT, list(parts)):
        parts[part["run"]].append(_part(part))
    waiting = await connection.fetchval(outbox_sql.OLDEST, TENANT)
    return [_view(row, parts[row["id"]], waiting) for row in rows]


def _view(row: asyncpg.Record, parts: list[RunScopeView], waiting: int | None) -> RunView:
    """``waiting`` is the first revision that is not on the bus yet."""
    state = state_of([part.state for part in parts])
    last = max((part.revision for part in parts if part.revision is not None), default=0)
    published = state not in ("requested", "running") and (waiting is None or waiting > last)
    which = (str(row["id"]), row["connector"], row["cause"], row["whole"], row["requested_at"])
    return RunView(*which, state, published, parts)


def _part(row: asyncpg.Record) -> RunScopeView:
    values: dict[str, Any] = dict(row)
    del values["run"]
    reason = values.pop("reason")
    return RunScopeView(reason=Reason.model_validate(reason) if reason else None, **values)


def _uuid(run: str) -> UUID:
    found = uuid_of(run)
    if found is None:
        raise NotFound(f"There is no run {run!r}.")
    return found
