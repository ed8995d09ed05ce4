"""The snapshot protocol: a begin, chunks of rows, a seal."""

from datetime import datetime
from enum import StrEnum

from pydantic import Field

from grantwire.contracts.jobs import Source
from grantwire.contracts.messages import Message


class Outcome(StrEnum):
    """How reading a scope ended."""

    COMPLETE = "complete"  # every call of the plan succeeded; what the plan covers is all there is
    STALE = "stale"  # something failed: what was last known stays, with the reason
    UNREACHABLE = "unreachable"  # the account cannot be entered, and that is known and accepted


class Body(StrEnum):
    """What follows the begin. An empty scope has the body ``chunks`` and none of them."""

    CHUNKS = "chunks"
    UNCHANGED = "unchanged"
    NONE = "none"


class Unread(Message):
    """Something the plan could not read: an attribute (``iam_user.tags``), a kind, or a relation kind."""

    what: str
    why: str


class Reason(Message):
    """Why a scope is not complete. ``code`` is short and stable, ``text`` a sentence with the next step."""

    code: str
    text: str


class SnapshotBegun(Message):
    """Reading of a scope begins. Its stream sequence is the snapshot's fence: no clock decides an order."""

    snapshot: str
    run: str
    connector: str
    source: Source
    scope: str


class SnapshotSealed(Message):
    """A snapshot is whole, or ended without becoming whole.

    ``covers`` names the resource kinds and relation kinds of which the rows are *all* there is: only those may be
    removed for being absent. ``adds_only``: none is, and that is no gap; ``covers`` is empty then. ``last_read`` is the
    stream's last sequence when the last AWS answer had arrived.
    """

    snapshot: str
    run: str
    connector: str
    source: Source
    scope: str
    account: str | None
    fence: int
    last_read: int
    read_began_at: datetime
    plan: str
    outcome: Outcome
    reason: Reason | None = None
    unread: list[Unread] = Field(default_factory=list)
    covers: list[str] = Field(default_factory=list)
    adds_only: bool = False
    body: Body
    chunks: int = 0
    bytes: int = 0
    digest: str | None = None
    calls: dict[str, int] = Field(default_factory=dict)  # "iam:ListUsers" -> calls made, retries included
    throttled: int = 0
    seconds: float = 0.0
