"""When is a connector due? No I/O here; time is an argument."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Protocol


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


def due(now: datetime, entries: Iterable[Entry]) -> list[str]:
    """The connectors to run now, the longest waiting first. One that is running is never due."""
    waiting = [entry for entry in entries if not entry.running and is_due(now, entry)]
    return [entry.connector for entry in sorted(waiting, key=_since)]


def is_due(now: datetime, entry: Entry) -> bool:
    """A connector that never ran is not due: adding it asks for its first run by itself."""
    return entry.last_begun is not None and now - entry.last_begun >= entry.interval


def _since(entry: Entry) -> tuple[float, str]:
    return (entry.last_begun.timestamp() if entry.last_begun else 0.0, entry.connector)
