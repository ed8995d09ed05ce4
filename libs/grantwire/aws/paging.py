"""Walking a paged answer to its very end, or failing: a list that might be short is never returned."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any, Final

from grantwire.aws.errors import inconsistent

Page = Mapping[str, Any]
Fetch = Callable[[str | None], Awaitable[Page]]
Next = Callable[[Page, str], str | None]
_EMPTY_PAGES: Final = 1_000  # in a row; real ones are few, and a token that always leads on must end somewhere


async def pages(fetch: Fetch, operation: str, members: tuple[str, ...], following: Next) -> AsyncIterator[Page]:
    """Every page of an answer whose lists are ``members``. A page may be short, or empty with a token.

    ``following`` reads the way on: ``MARKER`` or ``NEXT_TOKEN``. Raises ``AwsError`` (transient) when a list or the
    word on whether more follows is missing, when there is more but no token leads to it, and when a token comes twice.
    """
    seen: set[str] = set()
    token: str | None = None
    empty = 0
    while True:
        page = await fetch(token)
        empty = 0 if _rows(page, operation, members) else empty + 1
        yield page
        token = following(page, operation)
        if token is None:
            return
        if token in seen:
            raise inconsistent(operation, "a page leads back to one that was read")
        if empty > _EMPTY_PAGES:
            raise inconsistent(operation, f"{empty} pages in a row were empty and yet led on")
        seen.add(token)


def _rows(page: Page, operation: str, members: tuple[str, ...]) -> int:
    missing = [name for name in members if not isinstance(page.get(name), list)]
    if missing:
        raise inconsistent(operation, f"a page has no {' and no '.join(missing)}")
    return sum(len(page[name]) for name in members)


def _marker(page: Page, operation: str) -> str | None:
    more, token = page.get("IsTruncated"), page.get("Marker")
    if not isinstance(more, bool):
        raise inconsistent(operation, "a page does not say whether more follow (IsTruncated)")
    if not more:
        return None
    if not isinstance(token, str) or not token:
        raise inconsistent(operation, "there is more, but no Marker that leads to it")
    return token


def _next_token(page: Page, operation: str) -> str | None:
    token = page.get("NextToken")
    if token is not None and (not isinstance(token, str) or not token):
        raise inconsistent(operation, "a page has a NextToken that leads nowhere")
    return token


MARKER: Final[Next] = _marker  # IAM: IsTruncated says whether Marker leads on
NEXT_TOKEN: Final[Next] = _next_token  # the JSON services: no token, no more
