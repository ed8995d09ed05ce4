"""Waiting for accounts that are read side by side: one list of the directory then tells of the principals of all."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds: ``grace`` is what the next account's job is given to come in, ``most`` the end of all waiting."""

    grace: float
    most: float


class Naming:
    """Which readings of one run have not yet named the principals they find. Of one process and one event loop."""

    def __init__(self) -> None:
        self._under_way = 0
        self._begun = 0
        self._all_named = asyncio.Event()
        self._all_named.set()

    @contextmanager
    def under_way(self) -> Iterator[None]:
        """While entered, principals are still to be named."""
        self._begun += 1
        self._under_way += 1
        self._all_named.clear()
        try:
            yield
        finally:
            self._under_way -= 1
            if not self._under_way:
                self._all_named.set()

    async def over(self, patience: Patience) -> None:
        """Returns when all have named theirs and nobody else has begun for a moment, or when patience ends."""
        with suppress(TimeoutError):
            async with asyncio.timeout(patience.most):
                while not await self._calm(patience.grace):
                    pass

    async def _calm(self, seconds: float) -> bool:
        await self._all_named.wait()
        begun = self._begun
        await asyncio.sleep(seconds)
        return self._begun == begun and not self._under_way
