"""Cursors: a place in a list as a token that says nothing to anybody else. Pure."""

import base64
import binascii
import json

from grantwire.contracts.failures import Invalid
from grantwire.graph.inventory import Place


def token_of(place: Place | None) -> str | None:
    """The cursor that leads on from a place; None at the end of the list."""
    if place is None:
        return None
    return base64.urlsafe_b64encode(json.dumps(list(place)).encode()).decode().rstrip("=")


def place_of(token: str) -> Place:
    """Raises ``Invalid`` for what ``token_of`` never gave."""
    try:
        found = json.loads(base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True))
    except (binascii.Error, ValueError):
        found = None
    if (
        not isinstance(found, list)
        or len(found) != 2
        or not all(isinstance(each, str) and "\x00" not in each for each in found)
    ):
        raise Invalid("This cursor was not given by this list; ask without one to begin anew.", "cursor")
    return Place(*found)
