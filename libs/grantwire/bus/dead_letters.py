"""Dead letters for a person: listed, shown, put back."""

from collections.abc import AsyncIterator

from faststream.nats import NatsBroker
from opentelemetry.trace import SpanKind

from grantwire.bus import letters
from grantwire.bus.broker import client_of
from grantwire.bus.connection import Refused, ask
from grantwire.bus.letters import Letter
from grantwire.bus.outgoing import Outgoing
from grantwire.bus.readback import stored
from grantwire.bus.sending import persist
from grantwire.contracts.envelope import TRACEPARENT
from grantwire.contracts.failures import Conflict, GrantwireError, NotFound
from grantwire.contracts.streams import COMMANDS, DEAD
from grantwire.telemetry import context_from, monotonic, span

_SECONDS = 10.0


class DeadLetters:
    """What lies in DEAD. ``service`` is whose spans a replay belongs to."""

    def __init__(self, broker: NatsBroker, *, service: str = "api") -> None:
        self._broker = broker
        self._service = service

    async def list(self) -> list[Letter]:
        """All of them, oldest first. Raises ``DependencyDown``."""
        return [letter async for letter in self._from(1)]

    async def show(self, number: int) -> Letter:
        """One of them. Raises ``NotFound``, ``DependencyDown``."""
        async for letter in self._from(number):
            if letter.number == number:
                return letter
            break
        raise NotFound(f"There is no dead letter {number}; `grantwire dead-letters list` shows those there are.")

    async def replay(self, number: int) -> Letter:
        """Put the original back where it came from, then take the letter away; safe to repeat after a failure.

        Every consumer of its subject sees it again. Raises ``NotFound``, ``DependencyDown``, ``Conflict`` for a
        command, and ``Busy`` when a newer job of the same scope is under way: then the letter stays.
        """
        letter = await self.show(number)
        if letter.stream == COMMANDS.name:
            raise Conflict(
                f"The dead letter {number} is a command, and nobody speaks for its team ({letter.subject}); "
                "the team sends it again under the same id."
            )
        if not letter.subject or not letter.stream:
            raise GrantwireError(f"The dead letter {number} does not say where it came from; it cannot be put back.")
        parent = context_from(letter.headers.get(TRACEPARENT))
        again = Outgoing(letter.subject, letter.body, dict(letter.headers), f"replay:{number}:{letter.id}")
        with span(self._service, f"publish {letter.stream}", kind=SpanKind.PRODUCER, parent=parent):
            await persist(client_of(self._broker), letter.stream, again, deadline=monotonic() + _SECONDS)
        await self.discard(number)
        return letter

    async def discard(self, number: int) -> None:
        """Take a letter away. One that is gone already is no error. Raises ``DependencyDown``."""
        try:
            await ask(client_of(self._broker), f"STREAM.MSG.DELETE.{DEAD.name}", {"seq": number})
        except Refused:
            return

    async def _from(self, number: int) -> AsyncIterator[Letter]:
        deadline = monotonic() + _SECONDS
        async for message in stored(client_of(self._broker), DEAD.name, "gw.dead.>", number, deadline=deadline):
            yield letters.read(message.sequence, message.headers, message.body)
