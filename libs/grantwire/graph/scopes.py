"""Scopes: what each one holds, how it was read last, how fresh it is."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, Literal, TypeAlias
from uuid import UUID

import asyncpg

from grantwire.contracts.ids import TENANT
from grantwire.contracts.resources import RELATION_CODES
from grantwire.contracts.snapshots import Outcome, Reason, SnapshotSealed
from grantwire.graph.pool import Connection
from grantwire.graph.removals import Held
from grantwire.graph.rows import Edge, Node
from grantwire.graph.statements import apply as sql
from grantwire.graph.statements import scopes as scope_sql

State: TypeAlias = Literal["new", "complete", "stale", "unreachable", "held"]


@dataclass(frozen=True, slots=True)
class Scope:
    """A scope as an apply finds it under the lock. ``at`` is the database's time, later than any earlier apply's."""

    id: int
    began: int
    digest: str | None
    held_set: UUID | None
    allowed_set: UUID | None
    loaded_at: datetime | None
    at: datetime
    retired_at: datetime | None
    retired_why: str | None
    resync: bool
    rows_digest: str | None
    account: str | None
    whole_began: int
    covers: list[str]
    missed_patch: int


@dataclass(frozen=True, slots=True)
class Result:
    """How a scope stands after a whole snapshot. ``digest`` is None unless its rows are exactly the snapshot's;
    ``rows`` is how many more there are, ``resync`` whether the next reading must bring the whole body."""

    state: State
    reason: Reason | None
    digest: str | None
    rows: int
    conflicts: int
    held: Held | None
    revision: int | None
    resync: bool = False


async def under_lock(connection: Connection, seal: SnapshotSealed) -> Scope:
    """The scope of a seal, made if need be. The caller holds its lock."""
    await connection.execute(sql.ENSURE_SCOPE, TENANT, seal.scope, seal.connector, seal.source, seal.account)
    scope = await known(connection, seal.scope)
    assert scope is not None
    return scope


async def known(connection: Connection, key: str) -> Scope | None:
    """A scope, if it was ever asked for. The caller holds its lock."""
    row = await connection.fetchrow(sql.SCOPE, TENANT, key)
    return scope_from(row) if row is not None else None


def scope_from(row: asyncpg.Record) -> Scope:
    """A row of ``SCOPE``."""
    return Scope(**{each.name: row[each.name] for each in fields(Scope)})


async def incomplete(connection: Connection, scope: Scope, seal: SnapshotSealed) -> None:
    """Note a reading that did not become whole. Its rows stay; an older complete one will no longer be applied."""
    state: State = "unreachable" if seal.outcome is Outcome.UNREACHABLE else "stale"
    await connection.execute(scope_sql.INCOMPLETE, *_seen(scope, seal, state, seal.reason))


async def unchanged(connection: Connection, scope: Scope, seal: SnapshotSealed) -> None:
    """Note a reading that found exactly what is stored."""
    seen = _seen(scope, seal, "complete", None)
    await connection.execute(scope_sql.UNCHANGED, *seen, seal.read_began_at, sorted(seal.covers), seal.last_read)


async def ask_again(connection: Connection, scope: Scope) -> None:
    """Let the next job send the whole body."""
    await connection.execute(scope_sql.ASK_AGAIN, TENANT, scope.id)


async def applied(connection: Connection, scope: Scope, seal: SnapshotSealed, result: Result) -> None:
    """Note a whole snapshot that was applied."""
    held = result.held
    await connection.execute(
        scope_sql.APPLIED,
        *_seen(scope, seal, result.state, result.reason),
        seal.read_began_at,
        sorted(seal.covers),
        result.digest,
        result.rows,
        result.conflicts,
        held.counts() if held else None,
        held.fingerprint if held else None,
        scope.at,
        result.revision,
        seal.last_read,
        result.resync,
    )


async def conflict(connection: Connection, refused: Sequence[Node | Edge]) -> str:
    """Name the first of the rows that another scope owns, and the owner."""
    first = min(refused, key=lambda row: row.label)
    if isinstance(first, Node):
        owner = await connection.fetchrow(sql.OWNER_OF_NODE, TENANT, first.key)
    else:
        source, kind, target = first.key
        owner = await connection.fetchrow(sql.OWNER_OF_EDGE, TENANT, source, RELATION_CODES[kind], target)
    whose = f"scope {owner['key']} of connector {owner['connector']}" if owner else "another scope"
    return (
        f"{len(refused)} rows are owned by another scope and were left to it, {first.label} by {whose} among them. "
        "Two connectors that read the same account cause this."
    )


def _seen(scope: Scope, seal: SnapshotSealed, state: State, reason: Reason | None) -> tuple[Any, ...]:
    """$1 to $14 of every statement that notes a seal."""
    return (
        TENANT,
        scope.id,
        seal.fence,
        seal.connector,
        seal.source,
        seal.account,
        seal.snapshot,
        state,
        reason.model_dump() if reason else None,
        seal.plan,
        [item.model_dump() for item in seal.unread],
        seal.calls,
        seal.throttled,
        seal.seconds,
    )
