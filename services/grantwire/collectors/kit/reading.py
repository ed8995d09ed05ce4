"""What a source brings home from one scope, and how a collector asks for it."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol

from grantwire.contracts.connectors import Connector
from grantwire.contracts.jobs import CollectScope
from grantwire.contracts.resources import Facts
from grantwire.contracts.snapshots import Unread

Doubts = frozenset[str]  # see ``settling``


@dataclass(frozen=True, slots=True)
class Reading:
    """A complete reading, by plan. ``account`` is the one that the scope is about, None where it is about none.
    ``facts`` is a pure function of the answers and runs when it is called. ``covers`` names the kinds of which the
    facts are all there is; ``adds_only`` ones are never all, and what they lack stays."""

    account: str | None
    plan: str
    facts: Callable[[], Facts]
    unread: list[Unread]
    covers: list[str]
    adds_only: bool = False


class Source(Protocol):
    """Where a scope's content comes from: AWS, in life."""

    async def read(self, connector: Connector, job: CollectScope) -> Reading:
        """The whole scope that the job names. Raises ``AwsError``."""


def unread(names: Iterable[str], why: str) -> list[Unread]:
    return [Unread(what=name, why=why) for name in names]
