"""Cursors: a place in the stream of changes, as text that says nothing to anybody else. Pure."""

import base64
import binascii
import json
from dataclasses import dataclass
from typing import Final

from grantwire.client.errors import CursorLost
from grantwire.contracts.failures import Invalid

_NEXT: Final = "next: read the baseline from the API (`GET /v1/export`), and follow from a new cursor()"


@dataclass(frozen=True, slots=True)
class Place:
    """After ``sequence`` of the stream that was made at ``created``: one made anew is another, whatever it counts."""

    created: str
    sequence: int

    def text(self) -> str:
        return base64.urlsafe_b64encode(json.dumps([self.created, self.sequence]).encode()).decode().rstrip("=")


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a stream holds: from ``first`` to ``last``, with ``first`` the next one if it is empty."""

    created: str
    first: int
    last: int


def place_of(text: str) -> Place:
    """Raises ``Invalid`` for what no ``text`` gave."""
    try:
        found = json.loads(base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True))
    except (binascii.Error, ValueError):
        found = None
    match found:
        case [str(created), int(sequence)]:
            return Place(created, sequence)
    raise Invalid("This is not a cursor of changes; leave it out to follow from now on.", "cursor")


def require_kept(place: Place, bounds: Bounds) -> None:
    """Raises ``CursorLost`` when changes after the place are no longer kept, or never will be."""
    if place.created != bounds.created or place.sequence > bounds.last:
        raise CursorLost(f"The cursor is of another stream of changes than the one that is there; {_NEXT}.")
    if place.sequence + 1 < bounds.first:
        gone = bounds.first - place.sequence - 1
        things = "change" if gone == 1 else "changes"
        raise CursorLost(f"The stream no longer keeps {gone:,} {things} after the cursor, which was too old; {_NEXT}.")
