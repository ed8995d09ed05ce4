"""A command and how far it is, as values. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from grantwire.contracts.commands import AccessCommand
from grantwire.contracts.outcomes import Evidence, PlannedCall
from grantwire.contracts.snapshots import Reason
from grantwire.graph import identity


class Progress(BaseModel):
    """What is known of a command between two steps.

    ``before`` is what the first look showed; ``request_id`` is AWS's, of a write that goes on by itself. ``sent``
    counts writes, ``unsure`` whether the last one may have been carried out although nobody said so; ``tries`` counts
    failures in a row.
    """

    model_config = ConfigDict(frozen=True)

    before: bool | None = None
    request_id: str | None = None
    request_ids: tuple[str, ...] = ()
    sent: int = 0
    tries: int = 0
    unsure: bool = False
    observed: Evidence | None = None
    reason: Reason | None = None
    plan: tuple[PlannedCall, ...] = Field(default=())


@dataclass(frozen=True, slots=True)
class Operation:
    """A command and how far it is. ``watch``: nobody asked for it; see ``watch_over``. ``now`` is the database's time
    when it was claimed, ``taken_over`` how many engines lost it."""

    team: str
    id: UUID
    sequence: int
    verb: str
    watch: bool
    command: AccessCommand
    connector: str
    account: str
    intent: UUID
    resource: str
    dry_run: bool
    traceparent: str | None
    published_at: datetime
    valid_until: datetime | None
    step: str
    step_since: datetime
    progress: Progress
    claim: UUID | None
    taken_over: int
    cancelled_by: str | None
    state: str
    told: int
    now: datetime

    @property
    def wants(self) -> bool:
        """Whether the principal is to hold the target in the end."""
        return self.verb == "grant"


@dataclass(frozen=True, slots=True)
class Ending:
    """How a command ends."""

    state: str
    progress: Progress
    reason: Reason | None = None


@dataclass(frozen=True, slots=True)
class Newest:
    """The newest command of an intent that counts. ``overtakes``: older ones are not ended yet."""

    team: str
    id: UUID
    sequence: int
    verb: str
    final: bool
    overtakes: bool = False


@dataclass(frozen=True, slots=True)
class Claimed:
    """A command that is one engine's for a while, and the newest of its intent. ``more``: others may be due too."""

    operation: Operation
    newest: Newest | None
    more: bool


@dataclass(frozen=True, slots=True)
class Known:
    """What the graph holds of a command's principal and account: attributes as last read, None for what it does not
    hold. ``account_of`` is the connector whose organization the account is in, if it is in one."""

    principal: Mapping[str, Any] | None
    account: Mapping[str, Any] | None
    account_of: str | None

    @property
    def unique_id(self) -> str | None:
        """AWS's unique id of the principal, which is never given twice."""
        return identity.unique_id(self.principal) if self.principal is not None else None

    @property
    def account_state(self) -> str | None:
        return self.account.get("state") if self.account else None

    @property
    def is_management(self) -> bool:
        return bool(self.account and self.account.get("is_management"))
