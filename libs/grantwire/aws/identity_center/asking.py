"""Asking Identity Center for whole lists: pages as large as AWS gives, walked to their end."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from grantwire.aws.identity_center.client import IdentityStoreClient, SsoAdminClient
from grantwire.aws.paging import NEXT_TOKEN, Page, pages
from grantwire.aws.places import Place
from grantwire.aws.session import AwsSession

PAGE: Final = 100  # the most AWS gives; its own choice may be fewer

Given = dict[str, Any]
AskSso = Callable[[SsoAdminClient, Given], Mapping[str, Any]]
AskStore = Callable[[IdentityStoreClient, Given], Mapping[str, Any]]


class Asking:
    """Reads through one session at one place. Each raises ``AwsError``; none returns a list that might be short."""

    def __init__(self, session: AwsSession, place: Place) -> None:
        self._session = session
        self._place = place

    async def sso(self, operation: str, ask: Callable[[SsoAdminClient], Mapping[str, Any]]) -> Mapping[str, Any]:
        """The answer of one call."""
        return await self._session.sso_admin(operation, self._place, ask)

    async def store(self, operation: str, ask: Callable[[IdentityStoreClient], Mapping[str, Any]]) -> Mapping[str, Any]:
        """The answer of one call of the directory."""
        return await self._session.identity_store(operation, self._place, ask)

    async def sso_rows(self, operation: str, member: str, ask: AskSso, *, page: int | None = PAGE) -> list[Any]:
        """Every row of a list. ``page``: how many at a time; None where AWS lets nobody choose."""

        async def fetch(token: str | None) -> Page:
            given = _page(page, token)
            return await self.sso(operation, lambda api: ask(api, given))

        return [row async for found in pages(fetch, operation, (member,), NEXT_TOKEN) for row in found[member]]

    async def store_rows(self, operation: str, member: str, ask: AskStore) -> list[Any]:
        """Every row of a list of the directory."""

        async def fetch(token: str | None) -> Page:
            given = _page(PAGE, token)
            return await self.store(operation, lambda api: ask(api, given))

        return [row async for found in pages(fetch, operation, (member,), NEXT_TOKEN) for row in found[member]]


def _page(most: int | None, token: str | None) -> Given:
    return ({"MaxResults": most} if most is not None else {}) | ({"NextToken": token} if token is not None else {})
