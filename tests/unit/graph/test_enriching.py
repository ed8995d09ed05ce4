"""What listings that only add amount to, whatever they lack and in whatever order they say it."""

import itertools
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from grantwire.contracts.ids import TENANT
from grantwire.contracts.resources import Facts, Kind, Resource
from grantwire.graph.enriching import READ_AT, enriched
from grantwire.graph.rows import Content, content_of, with_attributes

START = datetime(2026, 3, 1, 12, 0, 0, 999_999, UTC)
Listing = dict[str, bool | None]
listings = st.lists(st.dictionaries(st.sampled_from("abcde"), st.sampled_from([True, False, None])), max_size=6)


def content(listing: Listing) -> Content:
    rows = (Resource(Kind.SCIM_USER, name, None, name, {"active": active}) for name, active in listing.items())
    return content_of(Facts(tuple(rows)), TENANT)


def after(history: list[Listing]) -> Content:
    """The listings, an hour apart, each added to what was there."""
    found = content({})
    for hour, listing in enumerate(history):
        found = enriched(content(listing), found.nodes.values(), START + timedelta(hours=hour), TENANT)
    return found


def expected(history: list[Listing], name: str) -> tuple[bool | None, str]:
    """What was said of it last, and the hour in which that was said first without another word between."""
    said = [(hour, listing[name]) for hour, listing in enumerate(history) if name in listing]
    last = said[-1][1]
    alike = list(itertools.takewhile(lambda each: each[1] is last, reversed(said)))
    return last, f"2026-03-01T{12 + alike[-1][0]:02}:00:00Z"


@given(listings)
def test_the_latest_word_holds_since_it_was_first_said(history: list[Listing]) -> None:
    found = {
        row.native_id: (row.attributes["active"], row.attributes[READ_AT]) for row in after(history).nodes.values()
    }
    assert found == {name: expected(history, name) for name in set().union(*history)}


@given(listings)
def test_saying_it_again_moves_no_row(history: list[Listing]) -> None:
    found = after(history)
    again = after([*history, history[-1]] if history else [])
    assert {key: row.hash for key, row in again.nodes.items()} == {key: row.hash for key, row in found.nodes.items()}
    assert again.rows_digest() == found.rows_digest()


def test_another_offset_is_the_same_time() -> None:
    began = datetime.fromisoformat("2026-03-01T14:00:00+02:00")
    (row,) = enriched(content({"a": True}), (), began, TENANT).nodes.values()
    assert row.attributes[READ_AT] == "2026-03-01T12:00:00Z"


def test_a_row_without_its_time_gets_one() -> None:
    stored = content({"a": True}).nodes.values()
    (row,) = enriched(content({"a": True}), stored, START, TENANT).nodes.values()
    assert row.attributes[READ_AT] == "2026-03-01T12:00:00Z"
    (kept,) = enriched(content({}), [with_attributes(row, row.attributes, TENANT)], START, TENANT).nodes.values()
    assert kept == row
