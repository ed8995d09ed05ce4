"""Runs: somebody asked a connector to be read. Kept here first, put on the bus by the scheduler when it accepts."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal, TypeAlias
from uuid import uuid4

import asyncpg

from grantwire.contracts.failures import Conflict, NotFound
from grantwire.contracts.ids import TENANT, AccountId, iam_scope, organization_scope
from grantwire.contracts.snapshots import Reason
from grantwire.graph import claiming, retiring, secrets
from grantwire.graph.dispatch import PendingScope, clear, pending, published, refused
from grantwire.graph.history import (
    PartState,
    RunScopeView,
    RunState,
    RunSummary,
    RunView,
    get,
    history,
    latest,
    run_id,
    state_of,
)
from grantwire.graph.pool import Connection, Graph
from grantwire.graph.standing import not_found, settle
from grantwire.graph.statements import apply as apply_sql
from grantwire.graph.statements import runs as sql
from grantwire.graph.statements import scopes as scope_sql
from grantwire.graph.wanted import Part

__all__ = [
    "Cause",
    "PartState",
    "PendingScope",
    "RunScopeView",
    "RunState",
    "RunSummary",
    "RunView",
    "TimetableRow",
    "clear",
    "failed",
    "get",
    "history",
    "latest",
    "pending",
    "published",
    "refused",
    "request",
    "request_due",
    "request_in",
    "state_of",
    "timetable",
]

Cause: TypeAlias = Literal["manual", "interval"]

_REFUSALS: Final = {
    "draft": "Connector {id!r} is a draft; `grantwire connector set-role {id} ROLE_ARN` gives it a role to read with.",
    "failed": "AWS did not let connector {id!r} in; correct what its reason says (`grantwire connector show {id}`), "
    "then `grantwire connector set-role {id} ROLE_ARN`.",
    "paused": "Connector {id!r} is paused; `grantwire connector resume {id}` lets it run again, at once.",
}

LOST_AFTER: Final = timedelta(hours=6)  # a job that nobody answered for so long is gone with its stream


@dataclass(frozen=True, slots=True)
class TimetableRow:
    """A connector that may run by itself. ``running`` is whether a run of it was asked for and has not ended."""

    connector: str
    interval: timedelta
    last_begun: datetime | None
    running: bool


async def request(
    graph: Graph,
    connector_id: str,
    *,
    cause: Cause,
    traceparent: str | None,
    full: bool = False,
    scope: str | None = None,
) -> str:
    """Ask for a connector to be read; returns the run's id. Works while another run goes on: the bus takes it later.

    Raises ``NotFound``, or ``Conflict`` for a connector that is paused or that AWS never let in.
    """
    async with graph.transaction() as connection:
        return await request_in(connection, connector_id, cause=cause, traceparent=traceparent, full=full, scope=scope)


async def request_due(graph: Graph, connector_id: str, last_begun: datetime | None) -> str | None:
    """Ask for a connector that is due since its run of ``last_begun``, once: None if that is not its newest run any
    more, or if another scheduler asks right now. Raises what ``request`` raises."""
    async with graph.transaction() as connection:
        if not await connection.fetchval(sql.TRY_DUE, TENANT, connector_id):
            return None
        if await connection.fetchval(sql.LAST_BEGUN, TENANT, connector_id) != last_begun:
            return None
        return await request_in(connection, connector_id, cause="interval", traceparent=None, full=False)


async def request_in(
    connection: Connection,
    connector_id: str,
    *,
    cause: Cause,
    traceparent: str | None,
    full: bool,
    scope: str | None = None,
) -> str:
    """The same as ``request`` inside a transaction that decides something else as well. With a ``scope`` of the
    connector, only that one is read, and the accounts of an organization after it."""
    row = await connection.fetchrow(sql.CONNECTOR, TENANT, connector_id)
    if row is None:
        raise await not_found(connection, connector_id)
    if refusal := _REFUSALS.get(row["state"]):
        raise Conflict(refusal.format(id=connector_id))
    part = _first_part(row) if scope is None else await _part_of(connection, scope)
    await _claimed(connection, connector_id, part)
    lost = Reason(code="lost", text="Nobody answered this job; the stream it was on was lost.").model_dump()
    await connection.execute(sql.ABANDON, TENANT, connector_id, LOST_AFTER, lost)
    run, (source, key, _) = uuid4(), part
    alone = not await connection.fetchval(sql.HAS_OTHERS, TENANT, connector_id, key) and not _has_more(row)
    whole = source != "organization" and (scope is not None or alone)
    await connection.execute(sql.REQUEST, TENANT, run, connector_id, cause, full, traceparent, whole)
    await connection.execute(sql.REQUEST_SCOPE, TENANT, run, key, connector_id, row["version"])
    return str(run)


async def failed(graph: Graph, run: str, scope: str, reason_text: str) -> None:
    """No collector could finish the job. What the scope held stays, as stale."""
    reason = Reason(code="failed", text=reason_text).model_dump()
    async with graph.transaction() as connection:
        await connection.execute(apply_sql.LOCK, TENANT, scope)
        connector = await connection.fetchval(sql.FAIL, TENANT, run_id(run), scope, reason)
        if connector is not None:
            await connection.execute(scope_sql.FAILED, TENANT, scope, reason)
            await settle(connection, connector)


async def timetable(graph: Graph, now: datetime) -> list[TimetableRow]:
    """Every connector that AWS let in and that is not paused."""
    async with graph.connection() as connection:
        rows = await connection.fetch(sql.TIMETABLE, TENANT, now, LOST_AFTER)
    return [TimetableRow(row["id"], row["interval"], row["last_begun"], row["running"]) for row in rows]


def _first_part(row: asyncpg.Record) -> Part:
    """An organization is read first: it says which accounts there are. Otherwise the one account is all."""
    connector = secrets.without(row["settings"])
    account = row["account"] or connector.account
    if account is None:
        raise Conflict(
            f"The account of connector {row['id']!r} is not known yet; save the connector so that it is validated."
        )
    if row["organization"] is not None:
        return Part("organization", organization_scope(row["organization"]), account)
    return Part("iam", iam_scope(AccountId(account)), account)


def _has_more(row: asyncpg.Record) -> bool:
    """Whether more than the IAM of one account is read by these settings."""
    connector = secrets.without(row["settings"])
    return connector.sync_secrets or connector.scim


async def _part_of(connection: Connection, scope: str) -> Part:
    row = await connection.fetchrow(scope_sql.PART, TENANT, scope)
    if row is None:
        raise NotFound(f"There is no scope {scope!r}.")
    return Part(row["source"], scope, row["account"])


async def _claimed(connection: Connection, connector: str, part: Part) -> None:
    """The scope of the first part, even if it was retired or another connector's."""
    elsewhere = await claiming.elsewhere(connection, connector, [part[1]])
    await retiring.lock(connection, list(elsewhere))
    await claiming.claim(connection, connector, [part])
    for key in (key for key, retired in elsewhere.items() if retired):
        await retiring.restore(connection, key)
