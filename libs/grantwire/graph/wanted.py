"""What an expansion knows of a connector's accounts, and what it may decide about them. Pure: values only."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import NamedTuple, TypeAlias

from grantwire.contracts.connectors import Connector
from grantwire.contracts.identity_center import IdentityCenter
from grantwire.contracts.jobs import Source
from grantwire.contracts.snapshots import Reason


class Part(NamedTuple):
    """A scope that a run reads: from which source, its key, and the account that it is about, if it is about one."""

    source: Source
    key: str
    account: str | None


@dataclass(frozen=True, slots=True)
class Member:
    """An account of an organization. ``units`` are the ids of what contains it, nearest first, the root last; empty
    while nobody knows."""

    account: str
    name: str
    state: str | None
    units: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Gap:
    """Why a person accepted that an account is not read, and until when."""

    reason: str
    until: datetime

    def told(self, account: str) -> Reason:
        """What the account's scope says meanwhile."""
        until = f"{self.until.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
        return Reason(
            code="accepted_gap", text=f"Account {account} is not read until {until}, as accepted: {self.reason}"
        )


@dataclass(frozen=True, slots=True)
class Standing:
    """A scope of the connector. ``failures`` is how many readings in a row did not become whole, ``tried_at`` when
    the last one ended, ``observed_at`` when the last one that did began."""

    key: str
    source: str
    account: str | None
    state: str
    failures: int
    tried_at: datetime | None
    retired: bool
    observed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Known:
    """All that an expansion goes by. ``members`` are the stored accounts of the organization: none while it was never
    read. ``taken`` names, by account, the other connector that reads it. ``identity_center`` is the instance that the
    connector reads; ``unknown_sets`` is whether an account has a permission set of which nothing else is known."""

    connector: Connector
    account: str
    organization: str | None
    cause: str
    now: datetime
    members: tuple[Member, ...] = ()
    gaps: Mapping[str, Gap] = field(default_factory=dict)
    scopes: tuple[Standing, ...] = ()
    taken: Mapping[str, str] = field(default_factory=dict)
    identity_center: IdentityCenter | None = None
    unknown_sets: bool = False


@dataclass(frozen=True, slots=True)
class Decision:
    """``jobs`` are scopes to read, ``unreachable`` those that cannot be or need not, ``retire`` scope keys that count
    no more, with a sentence each. ``skipped`` are sentences about accounts that are left to another connector."""

    jobs: list[Part] = field(default_factory=list)
    unreachable: dict[Part, Reason] = field(default_factory=dict)
    retire: dict[str, str] = field(default_factory=dict)
    skipped: list[str] = field(default_factory=list)


Decide: TypeAlias = Callable[[Known], Decision]
