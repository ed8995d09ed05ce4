"""A paged answer is walked to its end, or is an error."""

from collections.abc import Iterable
from typing import Any

import pytest

from grantwire.aws.errors import INCONSISTENT
from grantwire.aws.paging import MARKER, NEXT_TOKEN, pages
from grantwire.contracts.failures import AwsError


def page(*users: str, to: str | None = None, **more: Any) -> dict[str, Any]:
    return {"Users": list(users), "IsTruncated": to is not None, **({"Marker": to} if to else {}), **more}


async def walk(answers: Iterable[dict[str, Any]]) -> list[str]:
    coming, asked = iter(answers), list[str | None]()

    async def fetch(token: str | None) -> dict[str, Any]:
        asked.append(token)
        return next(coming)

    found = [user async for got in pages(fetch, "iam:ListUsers", ("Users",), MARKER) for user in got["Users"]]
    assert asked[0] is None
    return found


@pytest.mark.parametrize(
    "answers",
    [
        [page("a", "b")],
        [page("a", to="1"), page("b")],
        [page(to="1"), page("a", to="2"), page(to="3"), page("b", to="4"), page()],
    ],
    ids=["whole", "short pages", "empty pages that lead on"],
)
async def test_every_page_is_read_however_they_are_cut(answers: list[dict[str, Any]]) -> None:
    assert await walk(answers) == ["a", "b"]


async def test_an_empty_answer_is_empty() -> None:
    assert await walk([page()]) == []


@pytest.mark.parametrize(
    "answers",
    [
        [page("a", to="1"), page("b", to="1")],
        [page("a", to="1"), page("b", to="2"), page("c", to="1")],
        [{"IsTruncated": False}],
        [page("a", to="1"), {"IsTruncated": False}],
        [{"Users": None, "IsTruncated": False}],
        [{"Users": ["a"]}],
        [{"Users": ["a"], "IsTruncated": True}],
        [{"Users": ["a"], "IsTruncated": True, "Marker": ""}],
    ],
    ids=[
        "the same token twice",
        "a circle",
        "no list",
        "no list on the second page",
        "a list that is none",
        "no word on whether more follow",
        "more, but no token",
        "more, but an empty token",
    ],
)
async def test_an_answer_that_may_be_short_is_an_error(answers: list[dict[str, Any]]) -> None:
    with pytest.raises(AwsError) as caught:
        await walk(answers)
    assert (caught.value.code, caught.value.operation) == (INCONSISTENT, "iam:ListUsers")


async def test_pages_that_never_end_end() -> None:
    with pytest.raises(AwsError, match="pages in a row were empty"):
        await walk(page(to=str(number)) for number in range(5_000))


# NextToken: the token alone says whether there is more.


async def walk_tokens(*answers: dict[str, Any]) -> list[str]:
    coming = iter(answers)

    async def fetch(token: str | None) -> dict[str, Any]:
        return next(coming)

    walked = pages(fetch, "organizations:ListAccounts", ("Accounts",), NEXT_TOKEN)
    return [account async for got in walked for account in got["Accounts"]]


async def test_a_token_leads_on_until_there_is_none() -> None:
    first, empty = {"Accounts": ["a"], "NextToken": "1"}, {"Accounts": [], "NextToken": "2"}
    assert await walk_tokens(first, empty, {"Accounts": ["b"]}) == ["a", "b"]
    assert await walk_tokens({"Accounts": [], "NextToken": None}) == []


@pytest.mark.parametrize(
    "last",
    [
        {},
        {"NextToken": "2"},
        {"Accounts": None},
        {"Accounts": {}},
        {"Accounts": ["b"], "NextToken": ""},
        {"Accounts": ["b"], "NextToken": 2},
        {"Accounts": ["b"], "NextToken": "1"},
    ],
    ids=["nothing", "no list", "null", "no list but something", "an empty token", "a token that is none", "a circle"],
)
async def test_a_page_by_token_that_may_be_short_is_an_error(last: dict[str, Any]) -> None:
    with pytest.raises(AwsError) as caught:
        await walk_tokens({"Accounts": ["a"], "NextToken": "1"}, last)
    assert (caught.value.code, caught.value.operation) == (INCONSISTENT, "organizations:ListAccounts")
