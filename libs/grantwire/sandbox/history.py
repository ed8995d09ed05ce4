"""When the writes were, so that a read can be shown what was there before them."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from typing import Any

Clock = Callable[[], float]


class History:
    """The times of the writes of one journal, in order."""

    def __init__(self, clock: Clock = lambda: 0.0) -> None:
        self._clock = clock
        self._times: list[float] = []

    def mark(self) -> None:
        """One more write."""
        self._times.append(self._clock())

    def back(self, stale: dict[str, Any]) -> int:
        """How many writes a stale read does not see: the last `writes`, or those of the last `seconds`."""
        if "seconds" not in stale:
            return int(stale.get("writes", 1))
        return len(self._times) - bisect_right(self._times, self._clock() - float(stale["seconds"]))
