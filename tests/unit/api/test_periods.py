"""Periods and cursors as people and clients send them."""

from datetime import timedelta

import pytest

from grantwire.api.paging import place_of, token_of
from grantwire.api.periods import period
from grantwire.contracts.failures import Invalid
from grantwire.graph.inventory import Place


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("90d", timedelta(days=90)),
        (" 12 H ", timedelta(hours=12)),
        ("2w", timedelta(weeks=2)),
        ("0s", timedelta()),
        (None, None),
    ],
)
def test_a_period_is_a_number_and_a_unit(text: object, found: object) -> None:
    assert period(text) == found


@pytest.mark.parametrize("text", ["", "90", "d", "-1d", "1.5d", "1y", "٣d", "9999999d", "P90D"])
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="90d"):
        period(text)


def test_a_cursor_leads_back_to_its_place() -> None:
    place = Place("2026-01-02T03:04:05Z", "AKIA/é+")
    assert place_of(token_of(place) or "") == place
    assert token_of(None) is None


@pytest.mark.parametrize("token", ["", "%", "bm9uc2Vuc2U", "WzEsMl0", "W10", "é", "WyJhIiwiXHUwMDAwIl0"])
def test_a_made_up_cursor_is_refused(token: str) -> None:
    with pytest.raises(Invalid, match="cursor"):
        place_of(token)
