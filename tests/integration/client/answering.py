"""The far end of the bus in a test's own hand: what the provisioner and the relay would say, when the test says so."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from nats.aio.client import Client
from nats.aio.msg import Msg

from grantwire.bus.readback import Stored, stored
from grantwire.contracts import subjects
from grantwire.contracts.changes import ResourceRemoved
from grantwire.contracts.commands import BY_VERB, AccessCommand
from grantwire.contracts.envelope import Envelope
from grantwire.contracts.messages import Message
from grantwire.contracts.outcomes import BY_STATE, CommandTold
from grantwire.telemetry import monotonic
from tests.integration.bus.keyed import Keyed

NOW = datetime(2026, 11, 29, tzinfo=UTC)
CONNECTOR = "prod"
ACCOUNT = "123456789012"


@dataclass
class FarEnd:
    """Connections of the services that a client hears. ``answers``: what is known of each command when asked."""

    house: Keyed
    provisioner: Client
    relay: Client
    answers: dict[UUID, CommandTold] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    async def tell(self, command: AccessCommand, state: str, n: int, team: str = "payments", **more: Any) -> None:
        """As the relay publishes it."""
        told = say(command, state, n, team, **more)
        subject = subjects.outcome(team, command.connector, command.account, command.verb())
        await self.relay.request(subject, told.encode(), timeout=30, headers=headers(told, f"{command.id}:{n}"))

    async def change(self, number: int, id: str | None = None) -> bool:
        """A change on its stream; the number is its revision. Whether the stream took it as a new one."""
        said = ResourceRemoved(
            revision=number,
            n=0,
            at=NOW,
            connector=CONNECTOR,
            account=ACCOUNT,
            scope=f"iam/{ACCOUNT}",
            kind="iam_user",
            native_id=f"arn:{number}",
            name=str(number),
        )
        subject = subjects.change(CONNECTOR, ACCOUNT, "iam_user")
        envelope = headers(said, f"ob:1:{number}:0") | ({"Nats-Msg-Id": id} if id else {})
        answer = await self.relay.request(subject, said.encode(), timeout=30, headers=envelope)
        return not json.loads(answer.data).get("duplicate", False)

    async def commands(self) -> list[Stored]:
        """All that COMMANDS holds."""
        async with self.house.connected("admin") as (admin, _):
            return [each async for each in stored(admin, "COMMANDS", "gw.cmd.>", 1, deadline=monotonic() + 60)]

    async def answer(self, message: Msg) -> None:
        self.asked.append(message.subject)
        told = self.answers.get(UUID(message.subject.rpartition(".")[2]))
        if told is None:
            await self.provisioner.publish(message.reply, b"", headers={"Gw-Unknown": "true"})
        else:
            await self.provisioner.publish(message.reply, told.encode(), headers={"ce-type": told.type()})


@asynccontextmanager
async def far_end(house: Keyed) -> AsyncIterator[FarEnd]:
    async with house.connected("provisioner") as (provisioner, _), house.connected("relay") as (relay, _):
        end = FarEnd(house, provisioner, relay)
        await provisioner.subscribe("gw.ask.*.*", cb=end.answer)
        await provisioner.flush()
        yield end


def say(command: AccessCommand, state: str, n: int, team: str = "payments", **more: Any) -> CommandTold:
    return BY_STATE[state](
        command=command.id,
        n=n,
        team=team,
        connector=command.connector,
        account=command.account,
        verb=command.verb(),
        fingerprint=command.fingerprint(),
        principal=command.principal,
        target=command.target,
        at=NOW,
        **more,
    )


def headers(message: Message, id: str) -> dict[str, str]:
    return Envelope(id, message.type(), CONNECTOR, NOW.isoformat()).headers() | {"Nats-Msg-Id": id}


def command_in(message: Stored) -> AccessCommand:
    return BY_VERB[message.subject.rpartition(".")[2]].parse(message.body)
