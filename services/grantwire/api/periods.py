"""How long, as people write it. Pure."""

import re
from datetime import timedelta
from typing import Any, Final

_PERIOD: Final = re.compile(r"\s*([0-9]{1,6})\s*([smhdw])\s*", re.ASCII | re.IGNORECASE)
_SECONDS: Final = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}


def period(value: Any) -> Any:
    """``90d`` as a time span. Raises ``ValueError`` for what is none; what is no text is left to others."""
    if not isinstance(value, str):
        return value
    if (found := _PERIOD.fullmatch(value)) is None:
        raise ValueError("write a number and one of s, m, h, d or w, such as 90d")
    return timedelta(seconds=int(found[1]) * _SECONDS[found[2].lower()])
