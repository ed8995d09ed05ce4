"""Text and JSON as they are stored and compared: one canonical form, nothing Postgres or UTF-8 refuses."""

import json
import math
import re
from typing import Any, Final

_ENCODER: Final = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
_UNSTORABLE: Final = re.compile("[\x00\ud800-\udfff]")


def storable(value: Any) -> Any:
    """The same JSON value with NUL and lone surrogates replaced by U+FFFD, and non-finite numbers by text.

    Postgres refuses ``\\u0000`` in jsonb and UTF-8 has no lone surrogates; a policy document may contain both, and one
    hostile document must not keep an account from being read.
    """
    if isinstance(value, str):
        return _clean(value)
    if isinstance(value, dict):
        return {_clean(str(key)): storable(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [storable(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value


def _clean(text: str) -> str:
    return _UNSTORABLE.sub("\ufffd", text)


def canonical(value: Any) -> str:
    """The one JSON text of a value: sorted keys, no spaces, no escapes beyond JSON's own."""
    return _ENCODER.encode(value)
