"""What pages amount to: never a guess that a listing is whole."""

from typing import Any

import pytest

from grantwire.scim.flaws import Garbled
from grantwire.scim.paging import Page, Walk, page_from
from grantwire.scim.shapes import ScimUser


def row(number: int, **but: Any) -> dict[str, Any]:
    return {"id": f"id-{number}", "userName": f"user{number}", "active": True} | but


def user(number: int) -> ScimUser:
    return ScimUser(f"id-{number}", f"user{number}", True, None)


def by_cursor(count: int, following: str | None, start: int = 0) -> Page:
    return Page(tuple(map(user, range(start, start + count))), following, older=False, total=None)


def older(count: int, total: int | None) -> Page:
    return Page(tuple(map(user, range(count))), None, older=True, total=total)


def test_a_page_by_cursor() -> None:
    answer = {"itemsPerPage": 2, "nextCursor": "a+/=:_-1", "Resources": [row(1, externalId="e1"), row(2, active=False)]}
    page = page_from(answer)
    assert page.users == (ScimUser("id-1", "user1", True, "e1"), ScimUser("id-2", "user2", False, None))
    assert (page.next, page.older, page.total) == ("a+/=:_-1", False, None)


@pytest.mark.parametrize("last", [{}, {"nextCursor": None}, {"nextCursor": ""}])
def test_the_last_page_has_no_cursor(last: dict[str, Any]) -> None:
    assert page_from({"itemsPerPage": 0, "Resources": []} | last).next is None


def test_an_older_page_is_told_by_its_fields() -> None:
    assert page_from({"totalResults": 1, "startIndex": 1, "Resources": [row(1)]}).older
    assert page_from({"totalResults": 0}).users == ()


@pytest.mark.parametrize("active", [{}, {"active": None}])
def test_whether_a_user_is_active_may_be_unknown(active: dict[str, Any]) -> None:
    page = page_from({"Resources": [{"id": "1", "userName": "a"} | active]})
    assert page.users[0].active is None


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        ({}, "has no Resources"),
        ({"message": "Forbidden"}, "has no Resources"),
        ({"Resources": {"id": "1"}}, "has no Resources"),
        ({"totalResults": 3}, "has no Resources"),
        ({"totalResults": "3", "Resources": []}, "totalResults that is not a number"),
        ({"totalResults": True, "Resources": []}, "totalResults that is not a number"),
        ({"Resources": ["a"]}, "a user that is not an object"),
        ({"Resources": [{"userName": "a"}]}, "a user without id"),
        ({"Resources": [row(1, id="")]}, "a user without id"),
        ({"Resources": [row(1, id=7)]}, "an? id that is not a text"),
        ({"Resources": [row(1, userName=None)]}, "a user without userName"),
        ({"Resources": [row(1, active="true")]}, "an? active that is not true or false"),
        ({"Resources": [row(1, active=1)]}, "an? active that is not true or false"),
        ({"Resources": [row(1, externalId="x" * 2_000)]}, "an? externalId of more than 1,024"),
        ({"Resources": [], "nextCursor": "a b"}, "a nextCursor with characters that no cursor has"),
        ({"Resources": [], "nextCursor": "a\r\nb"}, "a nextCursor with characters"),
        ({"Resources": [], "nextCursor": "a" * 5_000}, "a nextCursor with characters"),
        ({"Resources": [], "nextCursor": 7}, "a nextCursor that is not a text"),
    ],
)
def test_what_is_not_a_page_of_users_is_refused_whole(answer: dict[str, Any], why: str) -> None:
    with pytest.raises(Garbled, match=why):
        page_from(answer)


def walked(*pages: Page, most: int = 1_000) -> Walk:
    walk = Walk(most)
    for page in pages:
        walk.take(page)
    return walk


def test_pages_by_cursor_to_the_end_are_whole() -> None:
    walk = walked(by_cursor(100, "b"), by_cursor(0, "c"), by_cursor(100, None, 100))
    assert walk.next is None
    assert walk.listing.whole
    assert len(walk.listing.users) == 200


def test_no_users_at_all_are_whole() -> None:
    assert walked(by_cursor(0, None)).listing == walked(older(0, 0)).listing
    assert walked(by_cursor(0, None)).listing.whole


def test_a_user_on_two_pages_is_one_as_last_told() -> None:
    changed = Page((ScimUser("id-0", "renamed", False, None),), None, older=False, total=None)
    assert walked(by_cursor(1, "b"), changed).listing.users == changed.users


@pytest.mark.parametrize(
    ("count", "total", "whole"),
    [
        (0, 0, True),
        (49, 49, True),
        (49, None, True),
        (49, 50, False),
        (50, 50, False),
        (50, 1_000, False),
        (100, 100, False),
    ],
)
def test_an_older_answer_is_whole_only_below_its_limit(count: int, total: int | None, whole: bool) -> None:
    listing = walked(older(count, total)).listing
    assert (listing.whole, listing.why is None) == (whole, whole)
    assert len(listing.users) == count


def test_an_older_answer_in_the_middle_leaves_the_listing_short() -> None:
    walk = walked(by_cursor(100, "b"), older(3, 3))
    assert walk.next is None
    assert "stopped paging half-way" in (walk.listing.why or "")


@pytest.mark.parametrize("back", ["b", "c"])
def test_a_cursor_that_leads_back_ends_the_walk_short(back: str) -> None:
    walk = walked(by_cursor(1, "b"), by_cursor(1, "c", 1), by_cursor(1, back, 2))
    assert walk.next is None
    assert "leads back" in (walk.listing.why or "")
    assert len(walk.listing.users) == 3


def test_pages_that_bring_nothing_new_end_the_walk_short() -> None:
    walk = walked(*(by_cursor(1, f"c{number}") for number in range(101)))
    assert walk.next is None
    assert "brought nothing new" in (walk.listing.why or "")


def test_the_most_users_end_the_walk_short() -> None:
    walk = walked(by_cursor(10, "b"), by_cursor(10, "c", 10), most=20)
    assert walk.next is None
    assert "20 users, the most that are taken" in (walk.listing.why or "")
