"""When is a connector due? No I/O here; time is an argument."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from hashlib import blake2b
from typing import Final, Protocol, TypeVar

JITTER: Final = 0.1  # of the interval, at most


class Entry(Protocol):
    """One connector as the timetable sees it. ``last_begun`` is when its newest run was asked for, ``running``
    whether a run of it has not ended."""

    @property
    def connector(self) -> str: ...
    @property
    def interval(self) -> timedelta: ...
    @property
    def last_begun(self) -> datetime | None: ...
    @property
    def running(self) -> bool: ...


E = TypeVar("E", bound=Entry)


def due(now: datetime, entries: Iterable[E]) -> list[E]:
    """The connectors to run now, the longest waiting first. One that is running is never due."""
    return sorted((entry for entry in entries if not entry.running and is_due(now, entry)), key=_since)


def is_due(now: datetime, entry: Entry) -> bool:
    """A connector that never ran is not due: adding it asks for its first run by itself."""
    return entry.last_begun is not None and now - entry.last_begun >= entry.interval + jitter(entry)


def jitter(entry: Entry) -> timedelta:
    """How much longer than its interval a connector waits this time, so that those that began together drift apart.
    Everybody who computes it gets the same."""
    seed = f"{entry.connector} {entry.last_begun.isoformat() if entry.last_begun else ''}"
    share = int.from_bytes(blake2b(seed.encode(), digest_size=4).digest()) / 2**32
    return entry.interval * (JITTER * share)


def _since(entry: Entry) -> tuple[float, str]:
    return (entry.last_begun.timestamp() if entry.last_begun else 0.0, entry.connector)
