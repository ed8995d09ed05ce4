"""What the client needs of the bus, whichever bus it is."""

import asyncio
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol, TypeAlias
from uuid import UUID

from grantwire.client.cursors import Bounds
from grantwire.contracts.commands import AccessCommand
from grantwire.contracts.outcomes import CommandTold

Heard: TypeAlias = asyncio.Queue[CommandTold | Exception]


@dataclass(frozen=True, slots=True)
class Stored:
    """A change as its stream keeps it. ``id`` is its message id."""

    sequence: int
    id: str
    type: str
    body: bytes


@dataclass(frozen=True, slots=True)
class Page:
    """Some changes in their order, and how many lie behind them."""

    changes: list[Stored]
    behind: int


class Wire(Protocol):
    """The calls that may wait raise ``DependencyDown`` when nobody answers in time."""

    async def open(self) -> None: ...

    async def close(self) -> None: ...

    async def publish(self, command: AccessCommand, copy: int, wait: float) -> None:
        """Until the stream has it. The stream keeps one message of each ``copy``."""
        ...

    async def ask(self, id: UUID, wait: float) -> CommandTold | None:
        """The last that was told of a command; None for one that no inbox holds."""
        ...

    def listening(self, id: UUID) -> AbstractContextManager[Heard]:
        """What is told of a command while entered."""
        ...

    async def rest(self, seconds: float) -> None:
        """So long, or until a lost connection is back."""
        ...

    async def bounds(self) -> Bounds:
        """Of the stream of changes."""
        ...

    async def page(self, after: int) -> Page:
        """The changes behind a sequence."""
        ...

    def mark(self) -> int:
        """Grows with each change that is heard, once ``changed`` was called."""
        ...

    async def changed(self, mark: int, seconds: float) -> bool:
        """So long, or until a change is heard since ``mark``, or a lost connection is back: then True. A change may be
        heard before its stream has it."""
        ...
