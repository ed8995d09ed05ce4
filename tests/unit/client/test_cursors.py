"""A cursor leads back to its place, or says that it cannot."""

import pytest

from grantwire.client.cursors import Bounds, Place, place_of, require_kept
from grantwire.client.errors import CursorLost
from grantwire.contracts.failures import Invalid

PLACE = Place("2026-11-29T00:00:00.123456789Z", 41)


def test_a_cursor_leads_back_to_its_place() -> None:
    assert place_of(PLACE.text()) == PLACE


@pytest.mark.parametrize("text", ["", "x", "WzFd", "WyJhIiwgIjEiXQ", "é", "W10", "bnVsbA"])
def test_other_text_is_no_cursor(text: str) -> None:
    with pytest.raises(Invalid, match="not a cursor"):
        place_of(text)


@pytest.mark.parametrize(("first", "last"), [(1, 41), (42, 41), (42, 90), (41, 41)])
def test_a_place_whose_next_change_is_kept_or_to_come_is_good(first: int, last: int) -> None:
    require_kept(PLACE, Bounds(PLACE.created, first, last))


@pytest.mark.parametrize(
    ("bounds", "said"),
    [
        (Bounds(PLACE.created, 43, 90), "no longer keeps 1 change"),
        (Bounds("2026-12-01T00:00:00Z", 1, 90), "another stream"),
        (Bounds(PLACE.created, 1, 40), "another stream"),
    ],
)
def test_a_place_that_leaves_a_gap_is_lost_and_says_what_to_do(bounds: Bounds, said: str) -> None:
    with pytest.raises(CursorLost, match=said) as caught:
        require_kept(PLACE, bounds)
    assert "next: read the baseline" in str(caught.value)
