"""Scopes as a reader sees them: their state as it was noted, their freshness as it is now."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import asyncpg

from grantwire.contracts.cadence import reading_interval
from grantwire.contracts.ids import TENANT
from grantwire.contracts.snapshots import Reason
from grantwire.graph import secrets
from grantwire.graph.freshness import due_at, is_overdue
from grantwire.graph.grounds import Grounds
from grantwire.graph.pool import Connection, Graph
from grantwire.graph.scopes import State
from grantwire.graph.statements import scopes as sql

_NO_CONNECTOR: Final = timedelta(minutes=15)  # of a connector that is gone: its scopes become overdue soon


@dataclass(frozen=True, slots=True)
class ScopeView:
    """``observed_at`` is when reading AWS began for the last whole snapshot; ``rows`` counts resources and relations;
    ``calls`` are those of the last reading, by name; ``seconds`` is how long it took. ``held`` is, by kind, what the
    scope had (``before``) and what the last reading lacks (``lost``), while removals wait."""

    key: str
    connector: str
    source: str
    account: str | None
    state: State
    reason: Reason | None
    observed_at: datetime | None
    due_at: datetime | None
    overdue: bool
    rows: int
    conflicts: int
    resync: bool
    held: dict[str, dict[str, int]] | None
    unread: list[dict[str, str]]
    plan: str | None
    calls: dict[str, int]
    throttled: int
    seconds: float
    revision: int | None


async def scopes(graph: Graph, now: datetime) -> list[ScopeView]:
    """All scopes that are not retired, by key, judged at ``now``."""
    async with graph.connection() as connection:
        return [_view(row, now) for row in await connection.fetch(sql.VIEWS, TENANT)]


async def scopes_now(connection: Connection) -> list[ScopeView]:
    """The same inside a transaction, judged by the database's clock."""
    return [_view(row, row["now"]) for row in await connection.fetch(sql.VIEWS, TENANT)]


async def scopes_under(connection: Connection, grounds: Grounds) -> list[ScopeView]:
    """Those that an answer rests on, judged by the database's clock."""
    rows = await connection.fetch(sql.VIEWS_OF, TENANT, list(grounds.keys), list(grounds.center), grounds.everywhere)
    return [_view(row, row["now"]) for row in rows]


def _view(row: asyncpg.Record, now: datetime) -> ScopeView:
    base = secrets.without(row["settings"]).interval if row["settings"] else _NO_CONNECTOR
    interval = reading_interval(row["key"], base)
    values: dict[str, Any] = {name: row[name] for name in _SAME}
    return ScopeView(
        reason=Reason.model_validate(row["reason"]) if row["reason"] else None,
        due_at=due_at(row["observed_at"], interval),
        # What is not read on purpose is not late.
        overdue=row["state"] != "unreachable" and is_overdue(now, row["observed_at"], interval),
        **values,
    )


_SAME: Final = (
    *("key", "connector", "source", "account", "state", "observed_at", "rows", "conflicts", "resync", "held", "unread"),
    *("plan", "calls", "throttled", "seconds", "revision"),
)
