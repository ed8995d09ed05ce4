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

    async def tell(
        self, connection: Connection, message: CommandTold, what: str, detail: Mapping[str, Any] | None = None
    ) -> None:
        """Into the outbox of outcomes and the audit log; relay and engine are woken when this transaction ends. The bus
        keeps one message of each number."""
        await connection.execute(sql.TELL_AND_NOTE, TENANT, *self.told(message, what, detail))

    def told(self, message: CommandTold, what: str, detail: Mapping[str, Any] | None = None) -> tuple[Any, ...]:
        """The same as values, for a statement that also does what is told."""
        message_id = f"op:{TENANT}:{self.team}:{message.command}:{message.n}"
        told = _told(message, message_id, self.traceparent)
        return *told, *_noted(self.team, self.command, what, detail)


def teller_of(operation: Operation) -> Teller:
    """Who speaks about an operation."""
    return Teller(operation.team, operation.command, operation.traceparent)


async def tell(connection: Connection, message: CommandTold, message_id: str, traceparent: str | None) -> None:
    """A message into the outbox of outcomes, and the relay woken when this transaction ends."""
    await connection.execute(sql.TELL, TENANT, *_told(message, message_id, traceparent))


def _told(message: CommandTold, message_id: str, traceparent: str | None) -> tuple[Any, ...]:
    subject = subjects.outcome(message.team, message.connector, message.account, message.verb)
    return message_id, subject, message.type(), message.connector, message.encode(), traceparent, message.at


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


async def note(
    connection: Connection, team: str, command: AccessCommand, what: str, detail: Mapping[str, Any] | None = None
) -> None:
    """A line of the audit log: who asked for what, and what was done about it."""
    await connection.execute(sql.NOTE, TENANT, *_noted(team, command, what, detail))


def _noted(team: str, command: AccessCommand, what: str, detail: Mapping[str, Any] | None) -> tuple[Any, ...]:
    who = {"requester": command.requester, "principal": str(command.principal), "target": str(command.target)}
    return team, command.id, command.connector, command.account, what, {**who, **(detail or {})}


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
