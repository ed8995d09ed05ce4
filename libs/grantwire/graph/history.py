"""Runs as a reader sees them: how far they are, how they ended, what they cost."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal, TypeAlias
from uuid import UUID

import asyncpg

from grantwire.contracts.failures import NotFound
from grantwire.contracts.ids import TENANT
from grantwire.contracts.resources import KIND_CODES, Kind
from grantwire.contracts.snapshots import Reason
from grantwire.graph.finishing import uuid_of
from grantwire.graph.pool import Connection, Graph
from grantwire.graph.statements import history as sql
from grantwire.graph.statements import outbox as outbox_sql

RunState: TypeAlias = Literal["requested", "running", "complete", "partial", "failed"]
PartState: TypeAlias = Literal["requested", "published", "complete", "unchanged", "stale", "unreachable", "failed"]

_GOOD: Final = frozenset({"complete", "unchanged", "unreachable"})


@dataclass(frozen=True, slots=True)
class RunScopeView:
    """One scope's part of a run. ``name`` is the account's, where the organization told it. ``calls`` counts AWS calls
    by name, ``seconds`` is how long reading took. ``messages`` is how many changes subscribers hear of: one for a first
    load, later one for each row that differs."""

    scope: str
    source: str | None
    account: str | None
    name: str | None
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
    """A run and its scopes. ``expanded`` is whether all of its parts are known: those of an organization's accounts
    become known when the organization was read. ``parts`` counts them by state. ``published`` is whether the run has
    ended and the bus has every change that it made. ``seconds`` is from the request to the end, None before it."""

    run: str
    connector: str
    cause: str
    full: bool
    requested_at: datetime
    finished_at: datetime | None
    seconds: float | None
    state: RunState
    expanded: bool
    parts: dict[str, int]
    calls: int
    throttled: int
    published: bool
    scopes: list[RunScopeView]


@dataclass(frozen=True, slots=True)
class RunSummary:
    """A run without its scopes: ``parts`` counts them by state, ``calls`` are all of its AWS calls."""

    run: str
    connector: str
    cause: str
    full: bool
    requested_at: datetime
    finished_at: datetime | None
    seconds: float | None
    state: RunState
    parts: dict[str, int]
    calls: int
    throttled: int


async def get(graph: Graph, run: str) -> RunView:
    """Raises ``NotFound``."""
    async with graph.transaction(snapshot=True) as connection:
        row = await connection.fetchrow(sql.RUN, TENANT, run_id(run))
        if row is None:
            raise NotFound(f"There is no run {run}.")
        (view,) = await _views(connection, [row])
    return view


async def latest(graph: Graph) -> list[RunView]:
    """The newest run of each connector, by connector; of those that ever ran."""
    async with graph.transaction(snapshot=True) as connection:
        return await _views(connection, await connection.fetch(sql.LATEST, TENANT))


async def history(graph: Graph, connector: str | None = None, limit: int = 20) -> list[RunSummary]:
    """The newest runs, newest first, of one connector or of all; those of removed connectors too."""
    async with graph.connection() as connection:
        return [_summary(row) for row in await connection.fetch(sql.HISTORY, TENANT, connector, limit)]


def state_of(parts: Iterable[PartState], expanded: bool = True) -> RunState:
    """A run is what its scopes are: an account that is known to be unreachable does not spoil it. More parts may come
    until it is ``expanded``."""
    found = set(parts)
    if found <= {"requested"}:
        return "requested"
    if not expanded or found & {"requested", "published"}:
        return "running"
    if found <= _GOOD:
        return "complete"
    return "failed" if found == {"failed"} else "partial"


def run_id(run: str) -> UUID:
    """Raises ``NotFound`` for text that is no run's id."""
    found = uuid_of(run)
    if found is None:
        raise NotFound(f"There is no run {run!r}.")
    return found


async def _views(connection: Connection, rows: list[asyncpg.Record]) -> list[RunView]:
    parts: dict[UUID, list[RunScopeView]] = {row["id"]: [] for row in rows}
    for part in await connection.fetch(sql.RUN_SCOPES, TENANT, list(parts), KIND_CODES[Kind.ACCOUNT]):
        parts[part["run"]].append(_part(part))
    waiting = await connection.fetchval(outbox_sql.OLDEST, TENANT)
    return [_view(row, parts[row["id"]], waiting) for row in rows]


def _view(row: asyncpg.Record, scopes: list[RunScopeView], waiting: int | None) -> RunView:
    """``waiting`` is the first revision that is not on the bus yet."""
    ends = [part.finished_at for part in scopes if part.finished_at is not None]
    parts = Counter(part.state for part in scopes)
    ended = max(ends, default=None) if len(ends) == len(scopes) else None
    common = _common(row, parts, ended)
    last = max((part.revision for part in scopes if part.revision is not None), default=0)
    return RunView(
        **common,
        expanded=row["expanded_at"] is not None,
        calls=sum(sum(part.calls.values()) for part in scopes),
        throttled=sum(part.throttled for part in scopes),
        published=common["finished_at"] is not None and (waiting is None or waiting > last),
        scopes=scopes,
    )


def _summary(row: asyncpg.Record) -> RunSummary:
    common = _common(row, row["parts"] or {}, row["finished_at"])
    return RunSummary(**common, calls=row["calls"] or 0, throttled=row["throttled"] or 0)


def _common(row: asyncpg.Record, parts: dict[Any, int], ended: datetime | None) -> dict[str, Any]:
    """What a view and a summary both say. A run whose parts have ended so far has not ended before it is expanded."""
    state = state_of(parts, row["expanded_at"] is not None)
    ended = None if state in ("requested", "running") else ended
    return {
        "run": str(row["id"]),
        "connector": row["connector"],
        "cause": row["cause"],
        "full": row["whole"],
        "requested_at": row["requested_at"],
        "finished_at": ended,
        "seconds": round((ended - row["requested_at"]).total_seconds(), 3) if ended else None,
        "state": state,
        "parts": dict(parts),
    }


def _part(row: asyncpg.Record) -> RunScopeView:
    values: dict[str, Any] = dict(row)
    del values["run"]
    reason = values.pop("reason")
    return RunScopeView(reason=Reason.model_validate(reason) if reason else None, **values)
