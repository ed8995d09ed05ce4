"""An apply's change log and outbox rows, and the revision that orders them."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from grantwire.contracts.changes import Change
from grantwire.contracts.ids import TENANT
from grantwire.contracts.resources import KIND_CODES, RELATION_CODES
from grantwire.graph.changes import Entry, body, subject, unrevised
from grantwire.graph.pool import Connection
from grantwire.graph.rows import Edge, Node
from grantwire.graph.statements import apply as sql
from grantwire.graph.writing import FEW, columns


@dataclass(frozen=True, slots=True)
class Cause:
    """What makes a revision. ``what`` is a snapshot, the cause of a patch, or a scope's being ``retired``, ``returned``
    or ``repaired``; ``counts`` are the scope's rows that came, changed, went and conflicted."""

    apply_id: int
    scope: int
    what: str
    counts: tuple[int, int, int, int]
    at: datetime
    traceparent: str | None = None


async def tell(connection: Connection, cause: Cause, entries: Sequence[Entry], messages: Sequence[Change]) -> int:
    """Messages, of which there is at least one, as the next revision, which is returned. ``entries`` are the rows that
    some of them are about, for the change log. Last in a transaction: the revision is a lock that all others need."""
    if (given := values(cause, entries, messages)) is None:
        return await _tell_many(connection, cause, entries, _told(messages))
    return int(await connection.fetchval(sql.TELL, TENANT, *given))


def values(cause: Cause, entries: Sequence[Entry], messages: Sequence[Change]) -> tuple[Any, ...] | None:
    """What ``TELL`` takes after the tenant; None where it is too much for one statement."""
    if max(len(entries), len(messages)) > FEW:
        return None
    sent = [(n, where, said.type(), said.connector, text, said.at) for n, (said, where, text) in _told(messages)]
    logged = [_log_row(entry) for entry in entries]
    rows = (*columns(logged, _LOGGED), cause.traceparent, *columns(sent, _SENT))
    return cause.apply_id, *rows, cause.scope, cause.what, *cause.counts, cause.at


def _told(messages: Sequence[Change]) -> Iterator[tuple[int, tuple[Change, str, bytes]]]:
    """Each with its place, its subject and its text."""
    return enumerate((message, subject(message), unrevised(message)) for message in messages)


_LOGGED, _SENT = 9, 6  # columns


async def _tell_many(
    connection: Connection,
    cause: Cause,
    entries: Sequence[Entry],
    told: Iterable[tuple[int, tuple[Change, str, bytes]]],
) -> int:
    """The change log first: what is slow is done before the lock."""
    if entries:
        logged = [(TENANT, cause.apply_id, *_log_row(entry)) for entry in entries]
        await connection.copy_records_to_table("change_log", records=logged, columns=list(sql.LOG_COLUMNS))
    revision = int(await connection.fetchval(sql.NEXT_REVISION, TENANT))
    records = [
        (TENANT, revision, n, where, said.type(), said.connector, body(text, revision), cause.traceparent, said.at)
        for n, (said, where, text) in told
    ]
    await connection.copy_records_to_table("outbox", records=records, columns=list(sql.OUTBOX_COLUMNS))
    made = (cause.apply_id, revision, cause.scope, cause.what, *cause.counts, cause.at)
    await connection.execute(sql.RECORD_APPLY, TENANT, *made)
    return revision


def _log_row(entry: Entry) -> tuple[Any, ...]:
    entity = "node" if isinstance(entry.row, Node) else "edge"
    code = KIND_CODES[entry.row.kind] if isinstance(entry.row, Node) else RELATION_CODES[entry.row.kind]
    moved = entry.previous if entry.op == "r" else None
    return entry.change.n, entry.op, entity, code, *_ends(entry.row), *_ends(moved), entry.change.mark


def _ends(row: Node | Edge | None) -> tuple[Any, Any]:
    if isinstance(row, Edge):
        return row.key[0], row.key[2]
    return (row.key if row else None), None
