"""What time is it? The only place that asks; everything else is told."""

import time
from datetime import UTC, datetime


def utc_now() -> datetime:
    """The wall clock, timezone-aware, in UTC. It may jump; never subtract two readings to wait."""
    return datetime.now(UTC)  # noqa: TID251  the one place


def monotonic() -> float:
    """Seconds from an arbitrary start, never going back. For deadlines and durations within one process."""
    return time.monotonic()
