"""Policy documents as JSON. Pure."""

import json
from typing import Any, Final

_DEEPEST: Final = 100  # levels of nesting; deeper JSON is kept as text, so that nothing downstream can run out of stack


def as_json(text: str) -> Any:
    """The document, or the text itself where it is not JSON."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return text
    return found if _shallow(found, _DEEPEST) else text


def _shallow(value: Any, levels: int) -> bool:
    if isinstance(value, dict):
        return levels > 0 and all(_shallow(item, levels - 1) for item in value.values())
    if isinstance(value, list):
        return levels > 0 and all(_shallow(item, levels - 1) for item in value)
    return True
