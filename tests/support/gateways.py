"""Where the client's contract is tried: a Grantwire in memory, and a real one with a simulated AWS behind it."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Protocol, TypeAlias

from grantwire.client import Client, FakeGrantwire, FakeWorld, Ref
from grantwire.contracts.resources import Kind

ACCOUNT = "123456789012"


class Stage(Protocol):
    """``user`` is not in ``group``, and AWS knows both; it does not know ``nobody``. ``connector`` manages them."""

    connector: str
    user: Ref
    group: Ref
    nobody: Ref

    def gateway(self, team: str) -> Client:
        """A client of that team, not entered yet."""
        ...

    async def held(self) -> bool:
        """Whether AWS shows the user in the group."""
        ...

    async def writes(self) -> int:
        """How many times AWS was written to."""
        ...

    async def rest(self) -> None:
        """No provisioner runs any more."""
        ...

    async def wake(self) -> None:
        """One runs again."""
        ...

    async def forget_changes(self) -> None:
        """All changes become too old to be kept."""
        ...


def iam(kind: Kind, name: str, account: str = ACCOUNT) -> Ref:
    return Ref(kind=kind, native_id=f"arn:aws:iam::{account}:{kind.removeprefix('iam_')}/{name}")


@dataclass
class InMemory:
    """The fake's world."""

    connector: str = "prod"
    user: Ref = field(default_factory=lambda: iam(Kind.IAM_USER, "ann"))
    group: Ref = field(default_factory=lambda: iam(Kind.IAM_GROUP, "admins"))
    nobody: Ref = field(default_factory=lambda: iam(Kind.IAM_USER, "nobody"))
    world: FakeWorld = field(default_factory=FakeWorld)

    def __post_init__(self) -> None:
        self.world.missing.add(self.nobody)

    def gateway(self, team: str) -> Client:
        return FakeGrantwire(self.world, team=team)

    async def held(self) -> bool:
        return (self.user, self.group) in self.world.held

    async def writes(self) -> int:
        return len(self.world.writes)

    async def rest(self) -> None:
        self.world.resume(away=True)

    async def wake(self) -> None:
        self.world.resume()

    async def forget_changes(self) -> None:
        self.world.forget(len(self.world.stream))


Stages: TypeAlias = Callable[[], Awaitable[Stage]]


@asynccontextmanager
async def in_memory() -> AsyncIterator[Stages]:
    """A new one for each test."""

    async def stage() -> Stage:
        return InMemory()

    yield stage
