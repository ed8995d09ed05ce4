"""What the engine needs of the outside: one kind of target in AWS, and a fence on the bus."""

from dataclasses import dataclass, field, replace
from typing import Protocol

from grantwire.contracts.jobs import Source
from grantwire.contracts.outcomes import PlannedCall
from grantwire.contracts.snapshots import Reason
from grantwire.graph.known import Around
from grantwire.graph.operation import Operation
from grantwire.graph.parts import PartRead
from grantwire.provisioner.decisions import Seen


@dataclass(frozen=True, slots=True)
class Place:
    """The scope that owns the relation."""

    scope: str
    source: Source
    account: str | None


@dataclass(frozen=True, slots=True)
class Look:
    """What was seen, the part that was read, and what a write must be told (the id of a membership)."""

    seen: Seen
    read: PartRead
    handle: str | None = None
    plan: list[PlannedCall] = field(default_factory=list)

    def refused(self, refusal: Reason | None, parking: Reason | None = None) -> "Look":
        """The same, with what stands in the way."""
        return replace(self, seen=replace(self.seen, refusal=refusal, parking=parking))


@dataclass(frozen=True, slots=True)
class Sent:
    """AWS took the write: its request id, and the id of what goes on by itself, if anything does."""

    request_id: str | None
    waits: str | None = None


@dataclass(frozen=True, slots=True)
class Polled:
    """``IN_PROGRESS``, ``SUCCEEDED`` or ``FAILED``, and why."""

    status: str
    failure: str | None = None


class Target(Protocol):
    """One command's target in AWS. Every call raises ``AwsError``."""

    @property
    def place(self) -> Place: ...

    @property
    def at_once(self) -> bool:
        """Whether a write is carried out when it is answered."""

    async def look(self) -> Look:
        """Everything that must hold before a write, each read from AWS, and the part itself."""

    async def read(self) -> Look:
        """The part again, and no more."""

    async def send(self, wants: bool, look: Look) -> Sent:
        """Exactly one write."""

    def expected(self, wants: bool, look: Look) -> PartRead | None:
        """The part as it should be after the write; None where that cannot be told ahead."""

    async def poll(self, request_id: str, wants: bool) -> Polled:
        """What became of a write that goes on by itself."""

    async def adopt(self, wants: bool) -> str | None:
        """The id of a request under way that does what this one wants: sent, and its answer lost."""


class Targets(Protocol):
    """Where a command's target is found. Raises ``AwsError``, ``NotFound`` when the connector is gone."""

    async def target(self, operation: Operation, around: Around) -> Target: ...


class Fences(Protocol):
    """The bus as the clock of reading."""

    async def begin(self, operation: Operation, place: Place) -> int:
        """Reading begins now: its place in the stream of snapshots. Raises ``DependencyDown``."""
