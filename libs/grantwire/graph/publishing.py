"""An apply's change log and outbox rows, and the revision that orders them."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from grantwire.contracts.changes import Change
from grantwire.contracts.ids import TENANT
from grantwire.contracts.resources import KIND_CODES, RELATION_CODES
from grantwire.graph.changes import Entry, body, subject, unrevised
from grantwire.graph.finishing import Applied
from grantwire.graph.pool import Connection
from grantwire.graph.rows import Edge, Node
from grantwire.graph.statements import apply as sql
from grantwire.graph.work import Work


async def log(connection: Connection, apply_id: int, entries: Iterable[Entry]) -> None:
    """The change log: one row for each message about a row."""
    records = [_log_record(apply_id, entry) for entry in entries]
    if records:
        await connection.copy_records_to_table("change_log", records=records, columns=list(sql.LOG_COLUMNS))


async def publish(work: Work, apply_id: int, applied: Applied, messages: Sequence[Change]) -> Applied:
    """Take the next revision and put the messages into the outbox. What is slow was done before that lock."""
    revision = await tell(work.connection, messages, work.traceparent)
    counts = (applied.inserted, applied.changed, applied.removed, applied.conflicts)
    await record(work.connection, apply_id, revision, work.scope.id, work.seal.snapshot, counts, work.scope.at)
    return replace(applied, revision=revision, messages=len(messages))


async def tell(connection: Connection, messages: Sequence[Change], traceparent: str | None) -> int:
    """The messages as the next revision, which is returned."""
    told = [(message, subject(message), unrevised(message)) for message in messages]
    revision = int(await connection.fetchval(sql.NEXT_REVISION, TENANT))
    records = [
        (TENANT, revision, n, where, said.type(), said.connector, body(text, revision), traceparent, said.at)
        for n, (said, where, text) in enumerate(told)
    ]
    await connection.copy_records_to_table("outbox", records=records, columns=list(sql.OUTBOX_COLUMNS))
    await connection.execute(sql.WAKE_RELAY)
    return revision


async def record(
    connection: Connection,
    apply_id: int,
    revision: int,
    scope: int,
    what: str,
    counts: tuple[int, int, int, int],
    at: datetime,
) -> None:
    """What made a revision: a snapshot, or a scope that was ``retired``, ``returned`` or ``repaired``. ``counts`` are
    the scope's rows that came, changed, went and conflicted."""
    await connection.execute(sql.RECORD_APPLY, TENANT, apply_id, revision, scope, what, *counts, at)


def _log_record(apply_id: int, entry: Entry) -> tuple[Any, ...]:
    entity = "node" if isinstance(entry.row, Node) else "edge"
    code = KIND_CODES[entry.row.kind] if isinstance(entry.row, Node) else RELATION_CODES[entry.row.kind]
    moved = entry.previous if entry.op == "r" else None
    return (
        TENANT,
        apply_id,
        entry.change.n,
        entry.op,
        entity,
        code,
        *_ends(entry.row),
        *_ends(moved),
        entry.change.mark,
    )


def _ends(row: Node | Edge | None) -> tuple[Any, Any]:
    if isinstance(row, Edge):
        return row.key[0], row.key[2]
    return (row.key if row else None), None
