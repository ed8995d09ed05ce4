"""How fresh a scope is, judged when somebody asks: a scheduler that died shows without saying anything. Pure."""

from datetime import datetime, timedelta
from typing import Final

LEAST_GRACE: Final = timedelta(seconds=5)


def due_at(observed_at: datetime | None, interval: timedelta) -> datetime | None:
    """When the scope should have been read again; None if it never was."""
    return observed_at + interval if observed_at is not None else None


def is_overdue(now: datetime, observed_at: datetime | None, interval: timedelta) -> bool:
    """Whether reading is late by more than half an interval, or five seconds for the very short ones.

    ``observed_at`` is when reading AWS began for the last snapshot that was whole, so the time that reading takes
    counts as age. A scope that was never read is ``new``, not overdue.
    """
    due = due_at(observed_at, interval)
    return due is not None and now > due + max(interval * 0.5, LEAST_GRACE)
