"""A command into the inbox: from then on it counts, whatever becomes of the bus.

Sent again it is the same command; the same id with another body is refused. The newest of an intent makes those
pointless that still wait.
"""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final, Literal
from uuid import UUID

import asyncpg

from grantwire.contracts.commands import AccessCommand
from grantwire.contracts.ids import TENANT
from grantwire.contracts.outcomes import CommandRefused, CommandTold
from grantwire.contracts.snapshots import Reason
from grantwire.graph import identity
from grantwire.graph.operation import Claimed, Ending, Newest, Operation, Progress
from grantwire.graph.operations import (
    body_hash,
    end,
    newest_from,
    operation_from,
    row_of,
    watch_over_in,
)
from grantwire.graph.outages import repeated
from grantwire.graph.pool import Connection, Graph
from grantwire.graph.statements import operations as sql
from grantwire.graph.telling import Teller, note, tell, teller_of
from grantwire.telemetry import utc_now

ID_REUSED: Final = Reason(
    code="id_reused",
    text="This id is of another command of the same team, whose outcome stands; next: send it with an id of its own.",
)
_EMPTY: Final[Mapping[str, Any]] = {}


@dataclass(frozen=True, slots=True)
class Arrived:
    """A command as it came. ``resource`` is what it changes, one command at a time; ``refusal`` why it is not carried
    out at all, if that is known."""

    team: str
    command: AccessCommand
    sequence: int
    published_at: datetime
    resource: str
    refusal: Reason | None = None
    traceparent: str | None = None


Accepted = Literal["accepted", "known", "refused", "superseded", "id_reused"]


async def accept(graph: Graph, arrived: Arrived) -> Accepted:
    """Into the inbox, once. Raises ``DependencyDown``."""
    accepted, _ = await accept_and_claim(graph, arrived, None)
    return accepted


async def accept_and_claim(graph: Graph, arrived: Arrived, seconds: float | None) -> tuple[Accepted, Claimed | None]:
    """The same, and the command as this engine's for so many seconds, where nothing stands in its way. Raises
    ``DependencyDown``."""
    if arrived.refusal is None:
        operation = await repeated(lambda: _alone(graph, arrived, seconds))
        if operation is not None:
            return "accepted", _claimed(operation) if operation.claim else None
    return await _among_others(graph, arrived), None


async def _alone(graph: Graph, arrived: Arrived, seconds: float | None) -> Operation | None:
    """The command as it was accepted, if no other one of its intent is concerned."""
    operation = _operation(arrived, utc_now())
    claim = uuid.uuid4() if seconds is not None else None
    async with graph.connection() as connection:
        row = await connection.fetchrow(sql.ACCEPT_ALONE, *_told_row(operation), claim, seconds or 0.0)
    if row is None:
        return None
    return replace(operation, told=1, claim=row["claim"], step_since=row["now"], now=row["now"])


def _claimed(operation: Operation) -> Claimed:
    newest = Newest(operation.team, operation.id, operation.sequence, operation.verb, final=False)
    return Claimed(operation, newest, more=False)


async def _among_others(graph: Graph, arrived: Arrived) -> Accepted:
    async def work() -> Accepted:
        async with graph.transaction() as connection:
            operation = _operation(arrived, utc_now())
            meets = await connection.fetchrow(
                sql.MEETS, TENANT, operation.team, operation.id, operation.intent, operation.sequence
            )
            assert meets is not None
            if meets["known"] or not await _put(connection, operation, arrived.refusal):
                return await _again(connection, arrived)
            if arrived.refusal is not None:
                return "refused"
            return "accepted" if operation.dry_run else await _ordered(connection, replace(operation, told=1), meets)

    return await repeated(work)


async def _put(connection: Connection, operation: Operation, refusal: Reason | None) -> bool:
    """Into the inbox and told; False where the id came to be known meanwhile, of a command with another intent."""
    if refusal is not None:
        if await connection.fetchrow(sql.ACCEPT, *row_of(operation)) is None:
            return False
        await end(connection, operation, Ending("refused", Progress(), refusal), None)
        return True
    return await connection.fetchrow(sql.ACCEPT_AND_TELL, *_told_row(operation)) is not None


def _told_row(operation: Operation) -> tuple[Any, ...]:
    """The row with what is told and noted of it."""
    teller = teller_of(operation)
    message = teller.say("accepted", 0, operation.now)
    row = row_of(operation, outcome=message.model_dump(mode="json") | {"state": "accepted"})
    return *row, *teller.told(message, "accepted", {"reason": operation.command.reason})


async def _ordered(connection: Connection, operation: Operation, meets: asyncpg.Record) -> Accepted:
    """Whether it is the newest of its intent; those that it overtakes end."""
    if meets["newest"] is not None and meets["newest_sequence"] > operation.sequence:
        await _supersede(connection, operation, meets["newest"])
        return "superseded"
    if meets["overtakes"]:
        for row in await connection.fetch(sql.OVERTAKEN, TENANT, operation.intent, operation.sequence):
            await _overtake(connection, row, operation)
    return "accepted"


async def _overtake(connection: Connection, row: asyncpg.Record, by: Operation) -> None:
    found = await connection.fetchrow(sql.ONE, TENANT, row["team"], row["id"])
    if found is not None:
        await _supersede(connection, operation_from(found), by.id)


async def _supersede(connection: Connection, operation: Operation, by: UUID) -> None:
    reason = Reason(code="superseded", text=f"Command {by} is about the same principal and target and is newer.")
    await end(connection, operation, Ending("superseded", operation.progress, reason), None)


async def _again(connection: Connection, arrived: Arrived) -> Accepted:
    known = await connection.fetchrow(sql.FIND, TENANT, arrived.team, arrived.command.id)
    assert known is not None  # no row of the inbox ever goes
    if known["body_hash"] != body_hash(arrived.command):
        return await _refuse_reuse(connection, arrived)
    if arrived.sequence < known["sequence"]:
        await _older(connection, arrived, known)
    return "known"


async def _older(connection: Connection, arrived: Arrived, known: asyncpg.Record) -> None:
    """A copy that was sent earlier came later: the command is that old, and a newer one may stand in its place."""
    await connection.execute(sql.EARLIER, TENANT, arrived.team, arrived.command.id, arrived.sequence)
    newest = newest_from(await connection.fetchrow(sql.NEWEST, TENANT, known["intent"]))
    if newest is None or newest.id == arrived.command.id or known["dry_run"]:
        return
    found = await connection.fetchrow(sql.ONE, TENANT, arrived.team, arrived.command.id)
    if found is None:
        return
    operation = operation_from(found)
    if known["final_at"] is None and not known["holding"]:
        await _supersede(connection, operation, newest.id)
    # The newer one may have ended as overtaken by this one: its outcome stands, and so must what it wanted.
    await watch_over_in(connection, operation, f"Command {operation.id} is older than it seemed.", 0.0)


async def _refuse_reuse(connection: Connection, arrived: Arrived) -> Accepted:
    """Told beside the numbered messages of the command whose id it is: those are not this one's."""
    teller = Teller(arrived.team, arrived.command, arrived.traceparent)
    message: CommandTold = teller.say("refused", -1, utc_now(), reason=ID_REUSED)
    message_id = f"op:{TENANT}:{arrived.team}:{arrived.command.id}:reused:{body_hash(arrived.command)}"
    await tell(connection, message, message_id, arrived.traceparent)
    await note(connection, arrived.team, arrived.command, "id_reused", _EMPTY)
    return "id_reused"


async def refuse_unreadable(
    graph: Graph, id: UUID | None, about: tuple[str, str, str, str], reason: Reason, sequence: int
) -> None:
    """Tell and note that a message was no command. ``about``: team, connector, account and verb of its subject."""
    team, connector, account, verb = about
    detail = {"reason": reason.model_dump(), "sequence": sequence, "verb": verb}
    async with graph.transaction() as connection:
        await connection.execute(sql.NOTE, TENANT, team, id, connector, account, "malformed", detail)
        if id is None:
            return
        at = utc_now()
        where: dict[str, Any] = {"team": team, "connector": connector, "account": account, "verb": verb}
        message = CommandRefused(command=id, n=-1, at=at, reason=reason, **where)
        await tell(connection, message, f"op:{TENANT}:{team}:{id}:malformed:{sequence}", None)


def intent_of(command: AccessCommand) -> UUID:
    """What a command is about: one relation of one principal to one target."""
    principal, target = command.principal, command.target
    return identity.content_hash(
        (command.relation, principal.kind, principal.native_id, target.kind, target.native_id), {}
    )


def _operation(arrived: Arrived, now: datetime) -> Operation:
    command = arrived.command
    return Operation(
        team=arrived.team,
        id=command.id,
        sequence=arrived.sequence,
        verb=command.verb(),
        watch=False,
        command=command,
        connector=command.connector,
        account=command.account,
        intent=intent_of(command),
        resource=arrived.resource,
        dry_run=command.dry_run,
        traceparent=arrived.traceparent,
        published_at=arrived.published_at,
        valid_until=command.deadline(arrived.published_at),
        step="queued",
        step_since=now,
        progress=Progress(),
        claim=None,
        taken_over=0,
        cancelled_by=None,
        state="accepted",
        told=0,
        now=now,
    )


async def last_told(graph: Graph, team: str, id: UUID) -> dict[str, Any] | None:
    """The last message about a command of the team, with its ``state``; None for an id that is not known."""
    async with graph.connection() as connection:
        found: dict[str, Any] | None = await connection.fetchval(sql.LAST_TOLD, TENANT, team, id)
        return found
