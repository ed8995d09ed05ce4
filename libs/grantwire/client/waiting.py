"""Waiting for a command's outcome so that it cannot be missed: heard as it is told, and asked for besides."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import count
from typing import Final
from uuid import UUID

from grantwire.client.story import Story
from grantwire.client.wire import Heard, Wire
from grantwire.contracts.commands import AccessCommand
from grantwire.contracts.failures import DependencyDown
from grantwire.contracts.outcomes import CommandTold

LONGEST_COPY: Final = 60.0  # seconds between two copies of a command that nobody takes


@dataclass(frozen=True, slots=True)
class Pace:
    """Seconds. ``answer``: how long one answer is waited for; ``ask``: between two questions; ``copy``: until a command
    that the bus has and nobody took is sent again, doubled each time; ``idle``: between two looks for changes."""

    answer: float = 2.0
    ask: float = 3.0
    copy: float = 5.0
    idle: float = 15.0


@dataclass
class Waiting:
    """One wait for one command. ``command`` is sent and sent again until it was taken; without one, it is only listened
    to. ``known``: it may have been told of before. ``stored``: the bus acknowledged it."""

    wire: Wire
    pace: Pace
    id: UUID
    command: AccessCommand | None = None
    known: bool = True
    stored: bool = False
    story: Story = field(init=False)

    def __post_init__(self) -> None:
        self.story = Story(self.id, self.command)

    async def told(self) -> AsyncGenerator[CommandTold, None]:
        """Each message that is news, up to the final one. Raises ``GrantwireError`` when the bus refuses the command.

        Whoever stops before its end closes it (``contextlib.aclosing``).
        """
        with self.wire.listening(self.id) as heard:
            insisting = asyncio.create_task(self._insist(heard))
            try:
                final = False
                while not final:
                    told = await heard.get()
                    if isinstance(told, Exception):
                        raise told
                    if (news := self.story.news(told)) is not None:
                        final = news.final
                        yield news
            finally:
                insisting.cancel()
                await asyncio.gather(insisting, return_exceptions=True)

    async def _insist(self, heard: Heard) -> None:
        try:
            await self._send(0)
            if self.known:
                await self._ask(heard)
            await self._go_on(heard)
        except Exception as error:  # whoever waits is told, in the place where the outcome would come
            heard.put_nowait(error)

    async def _go_on(self, heard: Heard) -> None:
        slept, pause, copies = 0.0, self.pace.copy, count(1)
        while True:
            await self.wire.rest(self.pace.ask)
            slept += self.pace.ask
            unknown = await self._ask(heard)
            if not self.stored:
                await self._send(0)
            elif unknown and slept >= pause:
                await self._send(next(copies))
                slept, pause = 0.0, min(pause * 2, LONGEST_COPY)

    async def _send(self, copy: int) -> None:
        """The stream takes one of each copy for the same command; so does the inbox of all of them."""
        if self.command is None:
            return
        with suppress(DependencyDown):
            await self.wire.publish(self.command, copy, self.pace.answer)
            self.stored = True

    async def _ask(self, heard: Heard) -> bool:
        """Whether no inbox holds the command."""
        try:
            told = await self.wire.ask(self.id, self.pace.answer)
        except DependencyDown:
            return self.story.last is None  # no provisioner answers: it may be that nobody ever took it
        if told is not None:
            heard.put_nowait(told)
        return told is None


async def sent(wire: Wire, command: AccessCommand, seconds: float, pace: Pace) -> None:
    """Until the bus has it. Raises ``DependencyDown`` when it did not say so in time."""
    try:
        async with asyncio.timeout(seconds):
            while True:
                try:
                    return await wire.publish(command, 0, pace.answer)
                except DependencyDown:
                    await wire.rest(min(1.0, pace.ask))
    except TimeoutError:
        raise DependencyDown(
            f"The bus did not acknowledge command {command.id} within {seconds:g} s: it may be there or not; "
            "next: send it again under the same id."
        ) from None
