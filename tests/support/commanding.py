"""Another team, as the bus shows it: it sends commands and hears what becomes of them, with the contracts alone."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID, uuid4

import nats
from nats.aio.client import Client
from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy

from grantwire.contracts.commands import BY_VERB, AccessCommand, Ref
from grantwire.contracts.resources import Kind
from tests.support.eventually import HANGS, eventually

TEAM: Final = "payments"
FINAL: Final = frozenset(
    ("granted", "already_held", "revoked", "already_gone", "planned", "refused", "failed", "superseded", "expired")
)
_STATES: Final = {
    "command.accepted": "accepted",
    "command.parked": "parked",
    "access.granted": "granted",
    "access.held": "already_held",
    "access.revoked": "revoked",
    "access.gone": "already_gone",
    "command.planned": "planned",
    "command.refused": "refused",
    "command.failed": "failed",
    "command.superseded": "superseded",
    "command.expired": "expired",
}


def ref(kind: str, native_id: str) -> Ref:
    return Ref(kind=Kind(kind), native_id=native_id)


def command(verb: str, principal: Ref, target: Ref, account: str, **more: Any) -> AccessCommand:
    """A command with an id of its own."""
    fields = {"id": uuid4(), "connector": "prod", "account": account, "requester": "ann@example.com", "reason": "test"}
    return BY_VERB[verb](principal=principal, target=target, **{**fields, **more})


@dataclass(frozen=True)
class Heard:
    """A message about a command."""

    state: str
    body: dict[str, Any]
    headers: dict[str, str]

    @property
    def command(self) -> UUID:
        return UUID(self.body["command"])


@dataclass
class Desk:
    """``url``: of a user that may speak for every team, as the server's mapping would."""

    url: str
    team: str = TEAM
    sent: list[AccessCommand] = field(default_factory=list)

    async def send(self, *commands: AccessCommand, copies: int = 1) -> None:
        """Publish each, every copy under a message id of its own, as a client does that saw no answer."""
        client = await nats.connect(self.url)
        try:
            for each in commands:
                for _ in range(copies):
                    await self.publish(client, each)
            self.sent += commands
        finally:
            await client.close()

    async def send_raw(self, like: AccessCommand, body: bytes) -> None:
        """Another body in the place of a command."""
        client = await nats.connect(self.url)
        try:
            await self.publish(client, like, body)
        finally:
            await client.close()

    async def publish(self, client: Client, wanted: AccessCommand, body: bytes | None = None) -> int:
        """One copy; its sequence in the stream."""
        where = f"gw.cmd.{self.team}.{wanted.connector}.{wanted.account}.{wanted.verb()}"
        headers = {
            "ce-specversion": "1.0",
            "ce-id": str(wanted.id),
            "ce-type": wanted.type(),
            "ce-source": self.team,
            "Nats-Msg-Id": str(uuid4()),
        }
        stored = await client.jetstream().publish(where, body or wanted.encode(), stream="COMMANDS", headers=headers)
        return stored.seq

    async def heard(self, only: Iterable[UUID] | None = None) -> list[Heard]:
        """All that was told to the team, in the order of the stream."""
        wanted = None if only is None else set(only)
        client = await nats.connect(self.url)
        try:
            found = [_heard(message) async for message in _all(client, "OUTCOMES", f"gw.outcome.{self.team}.>")]
        finally:
            await client.close()
        return [each for each in found if wanted is None or each.command in wanted]

    async def outcome(self, wanted: AccessCommand, timeout: float = HANGS) -> Heard:
        """The final outcome of a command that was sent."""

        async def final() -> Heard | None:
            told = await self.heard([wanted.id])
            return next((each for each in told if each.state in FINAL), None)

        found: Heard = await eventually(final, timeout=timeout, what=f"the outcome of {wanted.verb()} {wanted.target}")
        return found

    async def ask(self, *commands: AccessCommand, timeout: float = HANGS) -> list[Heard]:
        """Send, and wait for the outcomes."""
        await self.send(*commands)
        return [await self.outcome(each, timeout) for each in commands]


async def _all(client: Client, stream: str, subject: str) -> Any:
    context = client.jetstream()
    last = (await context.stream_info(stream)).state.last_seq
    whole = ConsumerConfig(deliver_policy=DeliverPolicy.ALL, ack_policy=AckPolicy.NONE)
    reader = await context.pull_subscribe(subject, stream=stream, config=whole)
    info = await reader.consumer_info()
    pending = info.num_pending or 0
    while pending > 0 and last:
        for message in await reader.fetch(min(pending, 500), timeout=30):
            pending -= 1
            yield message
    await reader.unsubscribe()
    await context.delete_consumer(stream, info.name)  # a server has room for so many


def _heard(message: Any) -> Heard:
    type_ = str(message.headers["ce-type"]).removeprefix("dev.grantwire.").removesuffix(".v1")
    return Heard(_STATES[type_], json.loads(message.data), dict(message.headers))
