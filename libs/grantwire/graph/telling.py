"""What is told of a command: written in the transaction that it is about, sent by the relay."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from grantwire.contracts import subjects
from grantwire.contracts.commands import AccessCommand
from grantwire.contracts.ids import TENANT
from grantwire.contracts.outcomes import BY_STATE, CommandTold
from grantwire.graph.operation import Operation
from grantwire.graph.pool import Connection, Graph
from grantwire.graph.statements import operations as sql


@dataclass(frozen=True, slots=True)
class Teller:
    """What all messages about one command have in common."""

    team: str
    command: AccessCommand
    traceparent: str | None

    def say(self, state: str, n: int, at: datetime, **more: Any) -> CommandTold:
        """A message. ``more`` are its other fields."""
        command = self.command
        return BY_STATE[state](
            command=command.id,
            n=n,
            team=self.team,
            connector=command.connector,
            account=command.account,
            verb=command.verb(),
            fingerprint=command.fingerprint(),
            principal=command.principal,
            target=command.target,
            requester=command.requester,
            at=at,
            **more,
        )

    async def tell(self, connection: Connection, message: CommandTold) -> None:
        """Into the outbox of outcomes. The bus keeps one message of each number."""
        await tell(connection, message, f"op:{TENANT}:{self.team}:{message.command}:{message.n}", self.traceparent)


def teller_of(operation: Operation) -> Teller:
    """Who speaks about an operation."""
    return Teller(operation.team, operation.command, operation.traceparent)


async def tell(connection: Connection, message: CommandTold, message_id: str, traceparent: str | None) -> None:
    """A message into the outbox of outcomes, and the relay woken when this transaction ends."""
    subject = subjects.outcome(message.team, message.connector, message.account, message.verb)
    values = (message.type(), message.connector, message.encode(), traceparent, message.at)
    await connection.execute(sql.TELL, TENANT, message_id, subject, *values)


@dataclass(frozen=True, slots=True)
class Told:
    """A row of the outbox of outcomes."""

    id: int
    tenant: int
    message_id: str
    subject: str
    type: str
    source: str
    body: bytes
    traceparent: str | None
    at: datetime


async def fetch(graph: Graph, limit: int) -> list[Told]:
    """The oldest messages. Two of one command stand in the order in which they were told."""
    async with graph.connection() as connection:
        return [Told(*row.values()) for row in await connection.fetch(sql.FETCH_TOLD, limit)]


async def delete(graph: Graph, rows: list[Told]) -> None:
    """The bus has these."""
    async with graph.connection() as connection:
        await connection.execute(sql.DELETE_TOLD, TENANT, [row.id for row in rows])


async def note(
    connection: Connection, team: str, command: AccessCommand, what: str, detail: Mapping[str, Any] | None = None
) -> None:
    """A line of the audit log: who asked for what, and what was done about it."""
    who = {"requester": command.requester, "principal": str(command.principal), "target": str(command.target)}
    values = (command.id, command.connector, command.account, what, {**who, **(detail or {})})
    await connection.execute(sql.NOTE, TENANT, team, *values)


@dataclass(frozen=True, slots=True)
class Audited:
    """A line of the audit log."""

    id: int
    at: datetime
    team: str
    command: UUID | None
    connector: str | None
    account: str | None
    what: str
    detail: dict[str, Any]


async def audited(graph: Graph, command: UUID | None = None) -> list[Audited]:
    """The audit log, oldest first: of one command, or all of it."""
    async with graph.connection() as connection:
        return [Audited(*row.values()) for row in await connection.fetch(sql.AUDIT, TENANT, command)]
