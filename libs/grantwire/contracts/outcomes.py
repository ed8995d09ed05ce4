"""What became of a command: progress while it runs, and exactly one final outcome.

``told`` messages of one command carry its id and a number ``n`` from 0; the bus keeps each once.
"""

from datetime import datetime
from typing import Any, ClassVar, Final, Literal, TypeAlias
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from grantwire.contracts.commands import Ref
from grantwire.contracts.messages import Message
from grantwire.contracts.snapshots import Reason

State: TypeAlias = Literal[
    "accepted",
    "parked",
    "granted",
    "already_held",
    "revoked",
    "already_gone",
    "planned",
    "refused",
    "failed",
    "superseded",
    "expired",
]


class Evidence(BaseModel):
    """What was read from AWS, when, and by which call: ``held`` is whether the principal holds the target."""

    model_config = ConfigDict(frozen=True)

    held: bool
    at: datetime
    operation: str  # ``iam:ListGroupsForUser``


class PlannedCall(BaseModel):
    """One AWS call that a command would make, or that reads before it. ``writes``: it changes something."""

    model_config = ConfigDict(frozen=True)

    operation: str
    account: str
    role: str | None
    writes: bool
    parameters: dict[str, Any] = Field(default_factory=dict)


class CommandTold(Message):
    """What every message about a command says. ``team`` is the one that the bus stamped."""

    state: ClassVar[str]
    final: ClassVar[bool] = True

    command: UUID
    n: int
    team: str
    connector: str
    account: str
    verb: str
    fingerprint: str | None = None  # of the command that this is about: two senders may have chosen one id
    principal: Ref | None = None
    target: Ref | None = None
    requester: str | None = None
    at: datetime
    reason: Reason | None = None
    observed: Evidence | None = None
    request_ids: list[str] = Field(default_factory=list)  # AWS's, of each write that was sent
    revision: int | None = None  # a reader of this revision or a later one sees what was observed
    plan: list[PlannedCall] = Field(default_factory=list)


class CommandAccepted(CommandTold):
    """It is in the inbox: it will be carried out, whatever becomes of the bus."""

    state = "accepted"
    final = False


class CommandParked(CommandTold):
    """It cannot be carried out now; ``reason`` says why and when it is tried again. Others pass it."""

    state = "parked"
    final = False


class AccessGranted(CommandTold):
    """AWS shows that the principal holds the target, and did not before."""

    state = "granted"


class AccessHeld(CommandTold):
    """The principal held the target already; nothing was written."""

    state = "already_held"


class AccessRevoked(CommandTold):
    """AWS shows that the principal no longer holds the target, which it did before."""

    state = "revoked"


class AccessGone(CommandTold):
    """The principal did not hold the target; nothing was written."""

    state = "already_gone"


class CommandPlanned(CommandTold):
    """A dry run: ``plan`` lists the calls, ``reason`` what forbids it, if anything does."""

    state = "planned"


class CommandRefused(CommandTold):
    """It will not be carried out, and nothing was written; ``reason`` says why."""

    state = "refused"


class CommandFailed(CommandTold):
    """It was tried and AWS does not show what was asked for; ``observed`` is the last that was seen."""

    state = "failed"


class CommandSuperseded(CommandTold):
    """A later command about the same principal and target took its place."""

    state = "superseded"


class CommandExpired(CommandTold):
    """Its ``valid_until`` passed before it could begin. Nothing was written."""

    state = "expired"


OUTCOMES: Final[tuple[type[CommandTold], ...]] = (
    CommandAccepted,
    CommandParked,
    AccessGranted,
    AccessHeld,
    AccessRevoked,
    AccessGone,
    CommandPlanned,
    CommandRefused,
    CommandFailed,
    CommandSuperseded,
    CommandExpired,
)
BY_STATE: Final[dict[str, type[CommandTold]]] = {each.state: each for each in OUTCOMES}
BY_TYPE: Final[dict[str, type[CommandTold]]] = {each.type(): each for each in OUTCOMES}
