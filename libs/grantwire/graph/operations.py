"""How far each command is. One engine at a time has a command: whoever holds its claim, until the claim ends."""

import uuid
from dataclasses import replace
from typing import Any
from uuid import UUID

import asyncpg

from grantwire.contracts.commands import BY_VERB, AccessCommand
from grantwire.contracts.failures import GrantwireError
from grantwire.contracts.ids import ITSELF, TENANT
from grantwire.contracts.outcomes import CommandTold
from grantwire.contracts.snapshots import Reason
from grantwire.graph import identity
from grantwire.graph.changes import unrevised
from grantwire.graph.operation import Claimed, Ending, Newest, Operation, Progress
from grantwire.graph.outages import repeated
from grantwire.graph.patching import NOTHING, Foreseen, Patch, Patched, apply_patch, drafted, mention_for
from grantwire.graph.pool import Connection, Graph
from grantwire.graph.statements import operations as sql
from grantwire.graph.telling import note, teller_of
from grantwire.telemetry import utc_now


class ClaimLost(GrantwireError):
    """Another engine has the command by now: whatever this one was about to do, it must not."""


async def claim(graph: Graph, seconds: float) -> Claimed | None:
    """The next command that may be carried out, this engine's for so many seconds; None when none is due."""

    async def work() -> Claimed | None:
        async with graph.connection() as connection:
            row = await connection.fetchrow(sql.CLAIM, TENANT, uuid.uuid4(), seconds)
            return Claimed(operation_from(row), newest_from(row, "newest_"), row["more"]) if row else None

    try:
        return await repeated(work)
    except asyncpg.UniqueViolationError:  # another engine took a command of the same resource a moment ago
        return None


async def checkpoint(graph: Graph, operation: Operation, seconds: float, *, soon: bool = False) -> None:
    """Keep how far it is, and the claim for so many seconds more; ``soon`` where nothing is lost if a crash of the
    server undoes it. Raises ``ClaimLost``."""
    values = (operation.step, operation.progress.model_dump(mode="json"), seconds)
    statement = sql.CHECKPOINT_SOON if soon else sql.CHECKPOINT
    async with graph.connection() as connection:
        _mine(operation, await connection.fetchrow(statement, *_key(operation), operation.claim, *values))


async def rest(graph: Graph, operation: Operation, seconds: float) -> None:
    """Leave it until then; it keeps its resource. Raises ``ClaimLost``."""
    async with graph.connection() as connection:
        _mine(operation, await connection.fetchrow(sql.REST, *_key(operation), operation.claim, seconds))


async def park(graph: Graph, operation: Operation, reason: Reason, seconds: float) -> None:
    """Leave it until then; others pass it. Told once for each reason in a row. Raises ``ClaimLost``."""
    async with graph.transaction() as connection:
        news = operation.state != "parked" or operation.progress.reason != reason
        message = teller_of(operation).say("parked", operation.told, operation.now, reason=reason)
        kept = message.model_dump(mode="json") | {"state": "parked"} if news else None
        progress = operation.progress.model_copy(update={"reason": reason}).model_dump(mode="json")
        row = await connection.fetchrow(sql.PARK, *_key(operation), operation.claim, seconds, kept, progress)
        _mine(operation, row)
        if news and not operation.watch:
            await teller_of(operation).tell(connection, message, "parked", {"reason": reason.model_dump()})


async def finish(
    graph: Graph, operation: Operation, ending: Ending, patch: Patch | None = None, foreseen: Foreseen = NOTHING
) -> Patched | None:
    """The end, what was observed into the graph, and the outcome: all of it or nothing. Where the graph has a reading
    that began later (``older``) it does not end yet: what a reader sees is that reading. ``foreseen`` is what
    ``foresee`` found; with it, one statement mostly does. Raises ``ClaimLost``."""
    if patch is not None:
        if patch != foreseen.expected:
            await mention_for(graph, patch, foreseen.names)
        if (
            patched := await repeated(lambda: _finish_as_foreseen(graph, operation, ending, patch, foreseen))
        ) is not None:
            return patched

    async def work() -> Patched | None:
        async with graph.transaction() as connection:
            patched = None
            if patch is not None:
                patched = await apply_patch(connection, patch, traceparent=operation.traceparent)
                if patched.outcome == "older":
                    return patched
            await end(connection, operation, ending, patched.revision if patched else None)
            return patched

    return await repeated(work)


async def _finish_as_foreseen(
    graph: Graph, operation: Operation, ending: Ending, patch: Patch, foreseen: Foreseen
) -> Patched | None:
    """None where that is not all there is to do, or something turns out otherwise: then nothing was done."""
    as_expected = patch == foreseen.expected
    draft = foreseen.draft if as_expected else drafted(patch, foreseen, operation.traceparent)
    if draft is None or operation.watch or operation.claim is None:
        return None
    message, kept, detail = _ended(operation, ending, None)
    del kept["revision"], detail["revision"]  # the statement puts it in
    told = teller_of(operation).told(message, ending.state, detail)
    end = (operation.team, operation.id, ending.state, kept, operation.claim)
    values = (*draft.values, *end, *told[:4], unrevised(message), *told[5:])
    try:
        async with graph.connection() as connection:
            revision = await connection.fetchval(sql.FINISH_AS_FORESEEN, TENANT, *values)
    except asyncpg.RaiseError:
        return None
    return draft.patched(revision) if revision is not None else None


def _ended(
    operation: Operation, ending: Ending, revision: int | None
) -> tuple[CommandTold, dict[str, Any], dict[str, Any]]:
    """What is told of an end, kept of it and noted in the audit log."""
    progress = ending.progress
    message = teller_of(operation).say(
        ending.state,
        operation.told,
        utc_now(),
        reason=ending.reason,
        observed=progress.observed,
        request_ids=list(progress.request_ids),
        revision=revision,
        plan=list(progress.plan),
    )
    kept = message.model_dump(mode="json") | {"state": ending.state}
    reason = ending.reason.model_dump() if ending.reason else None
    return message, kept, {"reason": reason, "request_ids": list(progress.request_ids), "revision": revision}


async def end(connection: Connection, operation: Operation, ending: Ending, revision: int | None) -> None:
    """Tell the outcome and note it. Raises ``ClaimLost``."""
    message, kept, detail = _ended(operation, ending, revision)
    row = (*_key(operation), ending.state, kept, operation.claim)
    if operation.watch:
        _mine(operation, await connection.fetchrow(sql.FINISH, *row))
        await note(connection, operation.team, operation.command, ending.state, detail)
    else:
        told = teller_of(operation).told(message, ending.state, detail)
        _mine(operation, await connection.fetchrow(sql.FINISH_AND_TELL, *row, *told))


async def newest(graph: Graph, intent: UUID) -> Newest | None:
    """The command that an intent comes to."""
    async with graph.connection() as connection:
        return newest_from(await connection.fetchrow(sql.NEWEST, TENANT, intent))


async def watch_over(graph: Graph, operation: Operation, why: str, seconds: float) -> None:
    """Look again then, and see to it that AWS is as the newest command of the intent wants it: somebody who lost the
    command may have written late."""
    async with graph.transaction() as connection:
        await watch_over_in(connection, operation, why, seconds)


async def watch_over_in(connection: Connection, operation: Operation, why: str, seconds: float) -> None:
    """The same inside a transaction."""
    watcher = uuid.uuid4()
    command = operation.command.model_copy(update={"id": watcher, "requester": ITSELF, "reason": why})
    row = replace(operation, team=ITSELF, id=watcher, command=command, watch=True, valid_until=None)
    await connection.execute(sql.ACCEPT, *row_of(row, seconds))
    await note(connection, operation.team, operation.command, "watched", {"why": why, "again_in": seconds})


def row_of(operation: Operation, due_in: float = 0.0, outcome: dict[str, Any] | None = None) -> tuple[Any, ...]:
    """A new row. ``outcome`` is what has been told of it."""
    command = operation.command
    values = (operation.sequence, operation.verb, operation.watch, command.content(), body_hash(command))
    about = (operation.connector, operation.account, operation.intent, operation.resource, operation.dry_run)
    times = (operation.traceparent, operation.published_at, operation.valid_until, due_in)
    told = 1 if outcome else 0
    return *_key(operation), *values, *about, *times, told, outcome


def body_hash(command: AccessCommand) -> UUID:
    """What two copies of one command have in common."""
    return identity.content_hash((command.verb(),), command.content())


def operation_from(row: asyncpg.Record) -> Operation:
    """A stored operation."""
    fields = {name: row[name] for name in Operation.__dataclass_fields__}
    fields["command"] = BY_VERB[row["verb"]].model_validate(row["command"])
    fields["progress"] = Progress.model_validate(row["progress"])
    return Operation(**fields)


def newest_from(row: asyncpg.Record | None, prefix: str = "") -> Newest | None:
    """A row of ``NEWEST``, or the same columns of another row under a prefix; None where there is none."""
    if row is None or row[f"{prefix}id"] is None:
        return None
    return Newest(**{name: row[f"{prefix}{name}"] for name in Newest.__dataclass_fields__})


def _key(operation: Operation) -> tuple[int, str, UUID]:
    return TENANT, operation.team, operation.id


def _mine(operation: Operation, row: asyncpg.Record | None) -> None:
    """``row`` is what was written of it."""
    if row is None:
        raise ClaimLost(f"Command {operation.id} of {operation.team} is another engine's by now.")
