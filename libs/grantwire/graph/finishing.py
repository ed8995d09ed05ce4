"""How a seal ends its part of the run that asked for it. Inside the apply's transaction: both happen or neither."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal
from uuid import UUID, uuid4

from grantwire.contracts.ids import TENANT
from grantwire.contracts.snapshots import Outcome, Reason, SnapshotSealed
from grantwire.graph.pool import Connection
from grantwire.graph.standing import settle
from grantwire.graph.statements import runs as sql

_OLDER: Final = Reason(code="older", text="A reading that began later was applied before this one arrived.")
_DIFFERS: Final = Reason(
    code="resync", text="What was read equals an earlier reading but not what the graph holds now."
)
BEFORE_A_PATCH: Final = Reason(
    code="patched", text="Reading began before a command changed a part of this scope, of which nothing was known yet."
)
CHUNKS_GONE: Final = Reason(
    code="chunks_gone",
    text="What was read could not be applied: the bus no longer keeps all of it. What was known before stays.",
)


@dataclass(frozen=True, slots=True)
class Applied:
    """What a seal did. ``revision`` is None when nothing changed; ``conflicts`` counts rows that another scope owns.
    A rename counts as changed, a recreation as removed and inserted. ``messages`` is what subscribers will hear: one
    for each of these, but a single one for a first load, and one for each derived relation that followed; ``held`` how
    many removals wait for a person."""

    outcome: Literal["applied", "unchanged", "older", "resync", "stale", "retired"]
    revision: int | None = None
    inserted: int = 0
    changed: int = 0
    removed: int = 0
    conflicts: int = 0
    messages: int = 0
    held: int = 0


async def finished(
    connection: Connection, seal: SnapshotSealed, applied: Applied, reason: Reason | None = None
) -> Applied:
    """The scope was read whole. With a ``reason`` (removals held, rows kept or refused) the graph does not hold just
    what was read, and whoever waits for the run must not be told that all is well."""
    state = "stale" if reason else "unchanged" if applied.outcome == "unchanged" else "complete"
    await _finish(connection, seal, state, reason, applied)
    return applied


async def older(connection: Connection, seal: SnapshotSealed) -> None:
    """The seal came too late, or came again. A run that it ended before stays as it was."""
    state = "unchanged" if seal.outcome is Outcome.COMPLETE else seal.outcome.value
    await _finish(connection, seal, state, seal.reason or _OLDER, Applied("older"))


async def incomplete(connection: Connection, seal: SnapshotSealed) -> None:
    await _finish(connection, seal, seal.outcome.value, seal.reason, Applied("stale"))


async def retired(connection: Connection, seal: SnapshotSealed, since: datetime, why: str) -> Applied:
    """The seal answers a job from before its scope was retired."""
    text = f"Read, but not applied: {seal.scope} is retired since {since:%Y-%m-%d %H:%M} UTC. {why}"
    await _finish(connection, seal, "stale", Reason(code="retired", text=text), Applied("retired"))
    return Applied("retired")


async def ask_again(
    connection: Connection, seal: SnapshotSealed, traceparent: str | None, why: Reason = _DIFFERS
) -> None:
    """End this part of the run as stale and request another run that brings the whole content."""
    again = uuid4()
    reason = Reason(code=why.code, text=f"{why.text} Run {again} asks for the whole content.")
    if await _finish(connection, seal, "stale", reason, Applied("resync")):  # not for a repeated seal
        await _request(connection, seal, traceparent, again)


async def ask_later(connection: Connection, seal: SnapshotSealed, traceparent: str | None, at: datetime) -> None:
    """Request another run, of which the job is not put on the bus before ``at``."""
    if uuid_of(seal.run) is not None:
        await _request(connection, seal, traceparent, uuid4(), at)


def uuid_of(run: str) -> UUID | None:
    """A run's id, or None for text that cannot be one."""
    try:
        return UUID(run)
    except ValueError:
        return None


async def _request(
    connection: Connection, seal: SnapshotSealed, traceparent: str | None, again: UUID, at: datetime | None = None
) -> None:
    """What the seal was read for, read once more as the run ``again``. Nothing for a run that is not known."""
    alone = seal.source != "organization"  # what an organization brings may be new accounts
    await connection.execute(sql.REQUEST_AGAIN, TENANT, UUID(seal.run), again, traceparent, alone)
    await connection.execute(sql.REQUEST_SCOPE_AGAIN, TENANT, UUID(seal.run), seal.scope, again, at)


async def _finish(
    connection: Connection, seal: SnapshotSealed, state: str, reason: Reason | None, applied: Applied
) -> bool:
    """Whether this seal was the first to end its part of the run. A run that is not known is no error: the graph may
    have been restored from an older backup than the stream."""
    run = uuid_of(seal.run)
    if run is None:
        return False
    what: tuple[Any, ...] = (state, reason.model_dump() if reason else None, seal.calls, seal.throttled, seal.seconds)
    unread = [item.model_dump() for item in seal.unread]
    counts = (applied.inserted, applied.changed, applied.removed, applied.revision, applied.messages)
    connector = await connection.fetchval(sql.FINISH, TENANT, run, seal.scope, *what, unread, *counts)
    if connector is not None:
        await settle(connection, connector)
    return connector is not None
