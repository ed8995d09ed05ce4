"""The commands' share of the call budgets: a command does not wait behind what collectors are about to read."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Final

from grantwire.graph.budgets import Pace, SharedBudgets
from grantwire.graph.pool import Graph
from grantwire.telemetry import Recorder

SHARE: Final = 0.5  # of each budget's rate: what commands may take of it without waiting for collectors
_FAMILY: Final = "{}-commands"  # ``iam-commands/ACCOUNT``: the line that commands wait in


class CommandBudgets:
    """A command's call waits for those of other commands alone, in a line of their own, and is paid from the budget of
    all: collectors ask for less meanwhile, and both together keep the rate."""

    def __init__(self, whole: SharedBudgets, share: SharedBudgets) -> None:
        self._whole = whole
        self._share = share

    @classmethod
    @asynccontextmanager
    async def open(cls, graph: Graph, paces: Mapping[str, Pace], recorder: Recorder) -> "AsyncIterator[CommandBudgets]":
        """In use while entered. ``paces``: those of the collectors."""
        own = {_FAMILY.format(family): Pace.of(pace.rate * SHARE) for family, pace in paces.items()}
        async with (
            SharedBudgets.open(graph, paces, recorder) as whole,
            SharedBudgets.open(graph, own, recorder) as share,
        ):
            yield cls(whole, share)

    async def ready(self, key: str) -> None:
        """Returns when one more call of ``family/account`` may leave. Raises ``DependencyDown``."""
        await self._whole.pay(key)
        await self._share.ready(_own(key))

    def slowed(self, key: str) -> None:
        """AWS throttled a call of this budget. From any thread; returns at once."""
        self._whole.slowed(key)
        self._share.slowed(_own(key))


def _own(key: str) -> str:
    family, _, account = key.partition("/")
    return f"{_FAMILY.format(family)}/{account}"
