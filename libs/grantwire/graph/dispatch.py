"""Jobs between Postgres and the bus: which ones it should have, which it took, which it refuses."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, cast

import asyncpg

from grantwire.contracts.identity_center import IdentityCenter
from grantwire.contracts.ids import TENANT
from grantwire.contracts.jobs import Source
from grantwire.contracts.snapshots import Reason
from grantwire.graph.history import run_id
from grantwire.graph.pool import Graph
from grantwire.graph.standing import settle
from grantwire.graph.statements import connectors as connector_sql
from grantwire.graph.statements import runs as sql

WINDOW: Final = 32  # jobs of one connector on the bus at a time
FORGOTTEN_AFTER: Final = timedelta(minutes=15)  # a job published longer ago keeps no place in that window
_BUSY: Final = Reason(code="busy", text="An earlier job of this scope still waits or is being carried out.")
_CLEARED: Final = Reason(
    code="cleared", text="Nobody finished this job for so long that it was taken off the bus for the next one."
)


@dataclass(frozen=True, slots=True)
class PendingScope:
    """A job to be published. ``full`` asks for the body even if it is the known one; then no digest is named.
    ``refused_since`` is when the bus first did not take it, ``waited`` how long ago that was."""

    run: str
    connector: str
    settings_version: int
    source: Source
    scope: str
    account: str | None
    organization: str | None
    identity_center: IdentityCenter | None
    known_digest: str | None
    full: bool
    traceparent: str | None
    interval: timedelta
    refused_since: datetime | None
    waited: timedelta


async def pending(graph: Graph, window: int = WINDOW) -> list[PendingScope]:
    """What the bus should be offered now: connectors take turns, each with the oldest first and with at most
    ``window`` jobs on the bus."""
    async with graph.connection() as connection:
        rows = await connection.fetch(sql.PENDING, TENANT, window, FORGOTTEN_AFTER)
    return [_pending(row) for row in rows]


async def published(graph: Graph, run: str, scope: str) -> None:
    """The bus has the job."""
    async with graph.connection() as connection:
        await connection.execute(sql.PUBLISHED, TENANT, run_id(run), scope)


async def refused(graph: Graph, wanted: PendingScope) -> None:
    """The bus does not take the job yet. Only the first refusal is noted."""
    if wanted.refused_since is None:
        async with graph.connection() as connection:
            await connection.execute(sql.REFUSED, TENANT, run_id(wanted.run), wanted.scope, _BUSY.model_dump())


async def clear(graph: Graph, wanted: PendingScope) -> bool:
    """The job that is in the way may be thrown away: whoever waits for that one is told, and so are people.

    False if another scheduler does it, or did it since ``wanted`` was read.
    """
    async with graph.transaction() as connection:
        mine = await connection.fetchval(sql.CLEAR, TENANT, run_id(wanted.run), wanted.scope, wanted.refused_since)
        if mine is None:
            return False
        await connection.execute(sql.CLEARED, TENANT, wanted.connector, wanted.scope, _CLEARED.model_dump())
        said = f"{wanted.scope}: {_CLEARED.text} Is a collector running, and does it answer?"
        await connection.execute(connector_sql.ADD_LOG, TENANT, wanted.connector, "error", said)
        await settle(connection, wanted.connector)
    return True


def _pending(row: asyncpg.Record) -> PendingScope:
    since = row["refused_since"]
    return PendingScope(
        run=str(row["run"]),
        connector=row["connector"],
        settings_version=row["settings_version"],
        source=cast(Source, row["source"]),
        scope=row["scope"],
        account=row["account"],
        organization=row["organization"],
        identity_center=IdentityCenter.model_validate(row["identity_center"]) if row["identity_center"] else None,
        known_digest=row["known_digest"],
        full=row["whole"],
        traceparent=row["traceparent"],
        interval=row["interval"] or timedelta(),
        refused_since=since,
        waited=row["now"] - since if since else timedelta(),
    )
