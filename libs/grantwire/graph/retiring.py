"""Scopes that no longer count: their account left, a filter or the connector dropped them.

A retired scope keeps its rows, out of every answer, until it returns or is purged. Nothing is told of the single rows:
the retirement is the message.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import asyncpg

from grantwire.contracts.changes import Change
from grantwire.contracts.ids import TENANT
from grantwire.contracts.snapshots import Reason
from grantwire.graph import following, publishing
from grantwire.graph.changes import Teller
from grantwire.graph.derived import has_derived
from grantwire.graph.facets import Surroundings, owners
from grantwire.graph.pool import Connection, Graph
from grantwire.graph.publishing import Cause
from grantwire.graph.purging import Purged, purge
from grantwire.graph.statements import apply as apply_sql
from grantwire.graph.statements import holding as holding_sql
from grantwire.graph.statements import retiring as sql
from grantwire.graph.stored import counts, facets_of

__all__ = ["RETENTION", "Purged", "RetiredScope", "leaving", "lock", "purge", "restore", "retire", "retired"]

RETENTION: Final = timedelta(days=30)
_RETURNED: Final = Reason(
    code="returned", text="The scope counts again, as it was last known; its next reading brings it up to date."
)


@dataclass(frozen=True, slots=True)
class RetiredScope:
    """``rows`` counts what is kept until ``purged_after``; ``observed_at`` is when it was last read whole."""

    key: str
    connector: str
    source: str
    account: str | None
    retired_at: datetime
    why: str
    rows: int
    observed_at: datetime | None
    purged_after: datetime


async def lock(connection: Connection, scope_keys: list[str]) -> None:
    """Whoever retires or restores several scopes in one transaction locks all of them first, and what follows from
    them: an apply of the second would otherwise wait for the revision that the first one took, and both for each
    other."""
    for key in sorted(scope_keys):
        await connection.execute(apply_sql.LOCK, TENANT, key)
    if scope_keys:
        await following.lock_all(connection)


def leaving(scope_keys: Iterable[str]) -> list[str]:
    """The order in which several scopes leave, backwards that in which they return: derived relations leave and return
    with the scope that has them, in its one message, and not one by one with what they follow."""
    return sorted(scope_keys, key=lambda key: (not has_derived(key), key))


async def retire(connection: Connection, scope_key: str, why: str, traceparent: str | None = None) -> int | None:
    """Let nothing of a scope count any more, inside the caller's transaction; returns the revision at which readers see
    it. ``why`` is a sentence. None, and nothing told: there is no such scope, it is retired already, or it never held
    anything."""
    await lock(connection, [scope_key])
    row = await connection.fetchrow(sql.RETIRE, TENANT, scope_key, why)
    if row is None:
        return None
    await connection.execute(holding_sql.FORGET, TENANT, row["id"])
    if row["loaded_at"] is None:
        return None
    teller, held = _teller(row, scope_key), await counts(connection, row["id"])
    messages = [teller.retired(why, row["at"] + RETENTION, held), *await _facets(connection, row, teller, live=False)]
    return await _tell(connection, row, messages, "retired", (0, 0, _rows(held), 0), traceparent)


async def restore(
    connection: Connection, scope_key: str, *, connector: str | None = None, traceparent: str | None = None
) -> int | None:
    """Let a retired scope count again, as it was last known; otherwise like ``retire``. ``connector`` is whose it is
    from now on, where that is another one than before."""
    await lock(connection, [scope_key])
    row = await connection.fetchrow(sql.RESTORE, TENANT, scope_key, connector, _RETURNED.model_dump())
    if row is None or row["loaded_at"] is None:
        return None
    teller, held = _teller(row, scope_key), await counts(connection, row["id"])
    await connection.execute(sql.SET_ROWS, TENANT, row["id"], _rows(held))
    messages = [teller.returned(held), *await _facets(connection, row, teller, live=True)]
    return await _tell(connection, row, messages, "returned", (_rows(held), 0, 0, 0), traceparent)


async def retired(graph: Graph) -> list[RetiredScope]:
    """The scopes that are kept without counting, the first to be purged first."""
    async with graph.connection() as connection:
        rows = await connection.fetch(sql.RETIRED, TENANT)
    return [RetiredScope(**row, purged_after=row["retired_at"] + RETENTION) for row in rows]


def _teller(row: asyncpg.Record, scope_key: str) -> Teller:
    return Teller(row["at"], row["connector"], row["account"], scope_key)


async def _facets(connection: Connection, row: asyncpg.Record, teller: Teller, *, live: bool) -> list[Change]:
    """What its facets said of resources that other scopes own: those stay, and are another's to tell of."""
    rows = await facets_of(connection, row["id"])
    around = Surroundings(await owners(connection, [facet.name for facet in rows]))
    return list(teller.facets(rows, around, live=live))


def _rows(held: tuple[dict[str, int], dict[str, int]]) -> int:
    return sum(sum(of.values()) for of in held)


async def _tell(
    connection: Connection,
    row: asyncpg.Record,
    messages: Sequence[Change],
    what: str,
    rows: tuple[int, int, int, int],
    traceparent: str | None,
) -> int:
    """Tell of the scope, then of the derived relations that follow; returns the revision."""
    apply_id = await connection.fetchval(apply_sql.NEXT_APPLY)
    followed = await following.follow_all(connection, row["id"], apply_id, len(messages))
    cause = Cause(apply_id, row["id"], what, rows, row["at"], traceparent)
    revision = await publishing.tell(connection, cause, followed.entries, [*messages, *followed.messages])
    await following.note(connection, followed, revision)
    return revision
