"""The keys that the graph holds, as typed values. Pure."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Protocol

from grantwire.aws.credentials.shapes import AccessKey, LastUse
from grantwire.collectors.credentials.answers import HeldKey


class Stored(Protocol):
    """A key as it is stored: the names and times of the public vocabulary."""

    @property
    def id(self) -> str: ...
    @property
    def owner(self) -> str | None: ...
    @property
    def attributes(self) -> Mapping[str, Any]: ...


def held_key(stored: Stored) -> HeldKey:
    """A use that was never read is absent from the attributes; one that AWS does not tell is there, and null."""
    said = stored.attributes
    created_at = _time(said["created_at"])
    assert created_at is not None
    name = (stored.owner or "").rpartition("/")[2]
    used = None
    if "last_used_at" in said:
        used = LastUse(_time(said["last_used_at"]), said.get("last_used_service"), said.get("last_used_region"))
    key = AccessKey(stored.id, name, said["status"], created_at)
    return HeldKey(key, stored.owner, used, _time(said.get("report_time")))


def _time(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
