"""How long something takes, on a machine that pauses now and then: what is slow is slow each time."""

from collections.abc import Awaitable, Callable

TRIES = 3


async def quickest(measure: Callable[[], Awaitable[float]], enough: float) -> float:
    """The shortest of the times that ``measure`` says: it is asked again, a few times, while it says ``enough`` or
    more."""
    took = await measure()
    for _ in range(TRIES - 1):
        if took < enough:
            break
        took = min(took, await measure())
    return took
