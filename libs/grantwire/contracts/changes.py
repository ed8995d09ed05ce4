"""What subscribers hear when access changed: ids, kinds and changed field names; documents and e-mails by reference.

Every change of one apply carries the same ``revision`` and its place ``n`` in it; (revision, n) is the order of a
tenant's changes, without gaps among revisions that changed anything.
"""

from datetime import datetime
from typing import Any, Final, Literal

from pydantic import Field

from grantwire.contracts.messages import Message

Mark = Literal["recreated"]
SYNC: Final = "sync"  # the cause of what a reading brought; of what a command changed it is ``command <id>``


class Change(Message):
    """What every change says."""

    revision: int
    n: int
    at: datetime
    connector: str
    account: str | None
    scope: str
    cause: str = SYNC
    kind: str
    mark: Mark | None = None


class ResourceChange(Change):
    native_id: str
    name: str


class ResourceAdded(ResourceChange):
    """A resource that the graph did not hold. ``values`` are its non-sensitive attributes."""

    values: dict[str, Any] = Field(default_factory=dict)


class ResourceChanged(ResourceChange):
    """Attributes differ. ``fields`` names them all; ``values`` holds the new ones that may be told."""

    fields: list[str]
    values: dict[str, Any] = Field(default_factory=dict)


class ResourceRemoved(ResourceChange):
    """A complete snapshot of the owning scope lacks it."""


class ResourceRenamed(ResourceChange):
    """The same unique id under a new native id (a rename or a new path). Its history goes on."""

    previous_native_id: str
    fields: list[str] = Field(default_factory=list)


class RelationChange(Change):
    source: str
    source_kind: str
    target: str
    target_kind: str


class RelationAdded(RelationChange):
    values: dict[str, Any] = Field(default_factory=dict)


class RelationChanged(RelationChange):
    fields: list[str]
    values: dict[str, Any] = Field(default_factory=dict)


class RelationRemoved(RelationChange):
    """A complete snapshot of the owning scope lacks it."""


class RelationRenamed(RelationChange):
    """The same relation after one of its ends was renamed: no access came or went."""

    previous_source: str
    previous_target: str


class ScopeLoaded(Change):
    """A scope was read for the first time: one message instead of one per row; the baseline is read from the API."""

    resources: dict[str, int]
    relations: dict[str, int]


class ScopeRetired(Change):
    """Nothing of this scope counts any more: its account left, a filter or the connector dropped it. ``why`` is a
    sentence. What it held is kept, out of every answer, until ``purged_after``."""

    why: str
    purged_after: datetime
    resources: dict[str, int]
    relations: dict[str, int]


class ScopeReturned(Change):
    """A retired scope counts again, as it was last known; what differs since then follows as changes of its rows."""

    resources: dict[str, int]
    relations: dict[str, int]


CHANGES: tuple[type[Change], ...] = (
    ResourceAdded,
    ResourceChanged,
    ResourceRemoved,
    ResourceRenamed,
    RelationAdded,
    RelationChanged,
    RelationRemoved,
    RelationRenamed,
    ScopeLoaded,
    ScopeRetired,
    ScopeReturned,
)

SENSITIVE: frozenset[str] = frozenset(
    {"trust_policy", "document", "emails", "email", "tags", "description", "statements", "inline_policy", "given_name"}
    | {"family_name", "display_name", "user_name", "external_ids", "title", "relay_state"}
)  # told by name only; a subscriber with the right to see them asks the API


def tellable(attributes: dict[str, Any]) -> dict[str, Any]:
    """The attributes that may stand in a change."""
    return {name: value for name, value in attributes.items() if name not in SENSITIVE}
