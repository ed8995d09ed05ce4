"""Users over real HTTP: by cursor, in the older way, and what is said of either."""

import pytest

from grantwire.contracts.failures import AwsCause, ScimError
from grantwire.scim import ScimUser
from tests.integration.scim.answers import LIST, by_cursor, in_turn, older, row, saying, whole
from tests.integration.scim.reading import TENANT, TOKEN, read, reader
from tests.integration.scim.server import serving


@pytest.mark.parametrize(("count", "requests"), [(0, 1), (1, 1), (100, 1), (101, 2), (250, 3)])
async def test_all_users_by_cursor_are_whole(count: int, requests: int) -> None:
    async with serving(by_cursor(count)) as server, reader(server) as made:
        listing = await made.users()
        assert [user.id for user in listing.users] == [row(number)["id"] for number in range(count)]
        assert (listing.whole, listing.why) == (True, None)
        assert len(server.asked) == requests
        assert made.calls == {"scim:ListUsers": requests}
        assert server.connections == 1


async def test_a_user_is_typed() -> None:
    async with serving(by_cursor(4)) as server:
        first, second, *_ = (await read(server)).users
    assert first == ScimUser("90671234ab-00000000", "user0@example.com", False, "00u0")
    assert second == ScimUser("90671234ab-00000001", "user1@example.com", True, "00u1")


async def test_requests_are_as_aws_documents_them() -> None:
    async with serving(by_cursor(101)) as server:
        await read(server)
    assert [asked.path for asked in server.asked] == [f"{TENANT}/Users"] * 2
    assert [asked.query for asked in server.asked] == [
        {"cursor": "", "count": "100"},
        {"cursor": "a+/_-b:100==", "count": "100"},
    ]
    headers = server.asked[0].headers
    assert headers["authorization"] == f"Bearer {TOKEN}"
    assert headers["accept-encoding"] == "identity"
    assert headers["host"] == f"127.0.0.1:{server.port}"
    assert "cookie" not in headers


@pytest.mark.parametrize(
    ("count", "total", "whole_", "why"),
    [
        (49, None, True, ""),
        (50, None, False, "does not page"),
        (200, None, False, "does not page"),
        (200, 200, False, "50 of 200 users"),
        (10, 200, False, "10 of 200 users"),
    ],
)
async def test_the_older_answer_says_when_it_may_be_short(
    count: int, total: int | None, whole_: bool, why: str
) -> None:
    async with serving(older(count, total)) as server:
        listing = await read(server)
    assert len(listing.users) == min(count, 50)
    assert listing.whole is whole_
    assert why in (listing.why or "")
    assert len(server.asked) == 1, "startIndex is ignored: asking on would bring the same page again"


async def test_an_endpoint_that_refuses_the_word_cursor_is_asked_without() -> None:
    refusal = whole({"detail": "Request is unparsable: cursor"}, status=400)
    async with serving(in_turn(saying(refusal), older(7))) as server:
        listing = await read(server)
    assert [asked.query for asked in server.asked] == [{"cursor": "", "count": "100"}, {}]
    assert (len(listing.users), listing.whole) == (7, True)


async def test_a_cycle_of_cursors_ends_short() -> None:
    def page(number: int, following: str) -> bytes:
        return whole(LIST | {"itemsPerPage": 1, "nextCursor": following, "Resources": [row(number)]})

    async with serving(in_turn(saying(page(1, "a")), saying(page(2, "b")), saying(page(3, "a")))) as server:
        listing = await read(server)
    assert (len(listing.users), listing.whole, len(server.asked)) == (3, False, 3)
    assert "leads back" in (listing.why or "")


async def test_a_listing_that_takes_too_long_ends_short() -> None:
    async with serving(by_cursor(250)) as server:
        listing = await read(server, listing_seconds=0.0)
    assert (len(listing.users), listing.whole, len(server.asked)) == (100, False, 1)
    assert "there are more users" in (listing.why or "")


async def test_a_page_that_fails_fails_the_listing() -> None:
    first = whole(LIST | {"itemsPerPage": 1, "nextCursor": "b", "Resources": [row(1)]})
    async with serving(in_turn(saying(first), saying(whole("", status=500)))) as server:
        with pytest.raises(ScimError) as caught:
            await read(server)
    assert caught.value.cause is AwsCause.TRANSIENT
    assert len(server.asked) == 4


async def test_a_check_asks_for_one_user() -> None:
    async with serving(by_cursor(250)) as server, reader(server) as made:
        await made.check()
    assert [asked.query for asked in server.asked] == [{"count": "1"}]
