"""How long to wait before a message comes again. Pure but for the jitter."""

import random

CAP_SECONDS = 600.0


def delay(attempt: int, *, base: float, least: float | None = None) -> float:
    """Seconds before the next delivery after delivery ``attempt`` (from 1): doubling from ``base``, half of it jitter.

    A bare nak comes back at once and a consumer's own backoff does not apply to naks, so every nak carries this.
    """
    grown = min(CAP_SECONDS, base * 2.0 ** min(attempt - 1, 30))
    jittered = grown * random.uniform(0.5, 1.0)  # noqa: S311 - spreads retries, guards nothing
    return max(jittered, least or 0.0)
