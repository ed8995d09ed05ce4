"""What the lanes of one engine share: where they wait, and commands that are handed to one of them as they come in."""

import asyncio
from collections import deque
from dataclasses import dataclass, field
from typing import Final

from grantwire.graph.known import Around
from grantwire.graph.operation import Claimed
from grantwire.graph.waking import Waker

FIRST: Final = 0.005  # seconds until a command that was handed over has asked AWS
SPARE: Final = 1  # of the lanes that wait: the one at the door may be about to take a command by itself


@dataclass(frozen=True, slots=True)
class Handed:
    """A command that was claimed for a lane, when its claim was asked for (monotonic), and what was known around it
    right before, unless that is to be looked up."""

    claimed: Claimed
    claimed_at: float
    around: Around | None = None


@dataclass
class Lanes:
    """Behind the door one of the lanes waits for the next command: all of them at once would only stand in each other's
    way. ``empty_at`` is how many notices there had been when nothing more was due."""

    waker: Waker
    door: asyncio.Lock = field(default_factory=asyncio.Lock)
    empty_at: int | None = None
    waiting: int = 0
    promised: int = 0
    handed: deque[Handed] = field(default_factory=deque)

    def promise(self) -> bool:
        """Whether a lane waits that a command may be claimed for. It is kept for it until ``hand`` or ``keep``."""
        if self.waiting - self.promised <= SPARE:
            return False
        self.promised += 1
        return True

    def keep(self) -> None:
        """Nothing was claimed for the lane that was promised."""
        self.promised -= 1

    async def hand(self, handed: Handed) -> None:
        """To the lane that was promised, which goes on first: its command is what somebody waits for, and not what is
        left to do for its message."""
        self.handed.append(handed)
        self.waker.nudge()
        await asyncio.sleep(FIRST)

    def taken(self) -> Handed | None:
        """What was handed to whichever lane is at the door."""
        if not self.handed:
            return None
        self.promised -= 1
        return self.handed.popleft()
