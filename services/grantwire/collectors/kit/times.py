"""Times as the graph keeps them. Pure."""

from datetime import datetime


def rfc3339(time: datetime | None) -> str | None:
    """``2024-01-02T03:04:05Z``: UTC, no fraction."""
    return None if time is None else time.strftime("%Y-%m-%dT%H:%M:%SZ")
