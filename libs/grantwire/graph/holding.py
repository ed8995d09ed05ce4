"""Removals that wait for a person: which rows they are, and what the person decides.

A confirmation is for exactly the set that was shown. The next whole reading removes that set, or judges anew.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg

from grantwire.contracts.failures import Conflict, NotFound
from grantwire.contracts.ids import TENANT
from grantwire.contracts.resources import KIND_CODES, RELATION_CODES
from grantwire.contracts.snapshots import Reason
from grantwire.graph.delta import Changes
from grantwire.graph.pool import Connection, Graph
from grantwire.graph.removals import Held, fingerprint_of, losses_in_words
from grantwire.graph.runs import request_in
from grantwire.graph.scopes import Scope
from grantwire.graph.standing import settle
from grantwire.graph.statements import apply as apply_sql
from grantwire.graph.statements import connectors as connector_sql
from grantwire.graph.statements import holding as sql
from grantwire.graph.stored import KINDS, RELATIONS


@dataclass(frozen=True, slots=True)
class HeldRow:
    """A resource has a ``native_id``, a relation a ``source`` and a ``target``: native ids too."""

    kind: str
    native_id: str | None = None
    source: str | None = None
    target: str | None = None


@dataclass(frozen=True, slots=True)
class HeldScope:
    """``losses`` are the kinds that lost too much: what the scope had (``before``), what the last reading lacks
    (``lost``). ``rows`` counts all that is held, relations of held resources included; ``ids`` names them where they
    were asked for. ``confirmed`` ones wait for their run only."""

    scope: str
    connector: str
    fingerprint: UUID
    losses: dict[str, dict[str, int]]
    rows: int
    since: datetime
    confirmed: bool
    ids: list[HeldRow] | None = None


async def note(connection: Connection, scope: Scope, held: Held | None) -> None:
    """Note what an apply held, inside its transaction. The same set as before costs nothing."""
    if (held.fingerprint if held else None) == scope.held_set:
        return
    await connection.execute(sql.FORGET, TENANT, scope.id)
    if held is not None:
        await _put(connection, scope, _keys(held))


async def without(connection: Connection, scope: Scope, changes: Changes) -> None:
    """Let removals wait no longer that a command carried out. A confirmation of the others stays one."""
    if scope.held_set is None:
        return
    gone: set[Any] = {row.key for row in changes.nodes.removed}
    gone |= {(row.key[0], RELATION_CODES[row.kind], row.key[2]) for row in changes.edges.removed}
    rows = [(row["kind"], row["id"], row["dst"]) for row in await connection.fetch(sql.ROWS, TENANT, [scope.id])]
    left = [row for row in rows if (row[1] if row[2] is None else (row[1], row[0], row[2])) not in gone]
    if len(left) < len(rows):
        await connection.execute(sql.FORGET, TENANT, scope.id)
        await _put(connection, scope, left)
        await connection.execute(sql.LESSENED, TENANT, scope.id, _fingerprint(left))


async def _put(connection: Connection, scope: Scope, keys: Sequence[tuple[int, UUID, UUID | None]]) -> None:
    records = [(TENANT, scope.id, n, *key) for n, key in enumerate(keys)]
    await connection.copy_records_to_table("held_removal", records=records, columns=list(sql.HELD_COLUMNS))


def _fingerprint(keys: Sequence[tuple[int, UUID, UUID | None]]) -> UUID | None:
    """None where nothing waits any more."""
    edges = [(source, RELATIONS[kind], target) for kind, source, target in keys if target is not None]
    return fingerprint_of([id for _, id, target in keys if target is None], edges) if keys else None


async def list_all(graph: Graph, *, ids: bool = False) -> list[HeldScope]:
    """Every scope that holds removals, by key."""
    async with graph.transaction(snapshot=True) as connection:
        found = await connection.fetch(sql.HELD, TENANT, None)
        named = await _named(connection, [row["id"] for row in found]) if ids else {}
    return [_view(row, named.get(row["id"]) if ids else None) for row in found]


async def confirm(graph: Graph, scope: str, fingerprint: UUID, *, traceparent: str | None) -> str:
    """Let the scope's next whole reading remove exactly this set, and ask for that reading; returns the run's id.

    Raises ``NotFound`` when the scope holds nothing, ``Conflict`` when it holds another set by now.
    """
    async with graph.transaction() as connection:
        held = await _locked(connection, scope)
        if held["held_set"] != fingerprint:
            raise _changed(held)
        await connection.execute(sql.ALLOW, TENANT, held["id"])
        asked: Any = {"cause": "manual", "traceparent": traceparent, "full": True, "scope": scope}
        run = await request_in(connection, held["connector"], **asked)
        said = f"{held['rows']} removals of {scope} were confirmed; run {run} removes them."
        await connection.execute(connector_sql.ADD_LOG, TENANT, held["connector"], "info", said)
    return run


async def reject(graph: Graph, scope: str) -> Reason:
    """Keep the rows as last known and forget that they waited; returns what the scope says now. The next reading is
    judged anew. Raises ``NotFound`` when the scope holds nothing."""
    async with graph.transaction() as connection:
        held = await _locked(connection, scope)
        reason = _rejected(held)
        await connection.execute(sql.FORGET, TENANT, held["id"])
        await connection.execute(sql.REJECT, TENANT, held["id"], reason.model_dump())
        await connection.execute(connector_sql.ADD_LOG, TENANT, held["connector"], "info", f"{scope}: {reason.text}")
        await settle(connection, held["connector"])
    return reason


async def _locked(connection: Connection, scope: str) -> asyncpg.Record:
    """What the scope holds, which no apply changes before this transaction ends."""
    await connection.execute(apply_sql.LOCK, TENANT, scope)
    held = await connection.fetchrow(sql.HELD, TENANT, scope)
    if held is None:
        others = ", ".join(row["key"] for row in await connection.fetch(sql.HELD, TENANT, None))
        raise NotFound(f"No removals wait in scope {scope!r}; some wait in {others or 'no scope at all'}.")
    return held


def _changed(held: asyncpg.Record) -> Conflict:
    return Conflict(
        f"The removals that wait in {held['key']} are not those that were shown: a reading since then lacks other "
        f"rows. Now it is {held['rows']} ({losses_in_words(held['held'])}). Look again with `grantwire removals list`."
    )


def _rejected(held: asyncpg.Record) -> Reason:
    text = (
        f"{held['rows']} removals were rejected ({losses_in_words(held['held'])}): the rows stay as last known, "
        "although the last reading lacks them. The next run judges anew."
    )
    return Reason(code="rejected", text=text)


def _keys(held: Held) -> list[tuple[int, UUID, UUID | None]]:
    nodes = sorted((KIND_CODES[kind], key) for key, kind in held.nodes.items())
    edges = sorted((RELATION_CODES[kind], source, target) for source, kind, target in held.edges)
    return [*((kind, key, None) for kind, key in nodes), *edges]


async def _named(connection: Connection, scopes: Sequence[int]) -> dict[int, list[HeldRow]]:
    """The held rows of some scopes, each by the names of its ends."""
    rows = await connection.fetch(sql.ROWS, TENANT, scopes)
    ends = {row[end] for row in rows for end in ("id", "dst")} - {None}
    names = {row["id"]: row["native_id"] for row in await connection.fetch(apply_sql.NAMES, TENANT, list(ends))}
    found: dict[int, list[HeldRow]] = {scope: [] for scope in scopes}
    for row in rows:
        found[row["scope_id"]].append(_row(row, names))
    return {scope: sorted(each, key=_order) for scope, each in found.items()}


def _row(row: asyncpg.Record, names: dict[UUID, str]) -> HeldRow:
    if row["dst"] is None:
        return HeldRow(KINDS[row["kind"]].value, native_id=names[row["id"]])
    return HeldRow(RELATIONS[row["kind"]].value, source=names[row["id"]], target=names[row["dst"]])


def _order(row: HeldRow) -> tuple[Any, ...]:
    return row.native_id is None, row.kind, row.native_id or "", row.source or "", row.target or ""


def _view(row: asyncpg.Record, ids: list[HeldRow] | None) -> HeldScope:
    return HeldScope(
        row["key"],
        row["connector"],
        row["held_set"],
        row["held"],
        row["rows"],
        row["held_since"],
        row["confirmed"],
        ids,
    )
