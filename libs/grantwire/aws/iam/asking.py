"""Asking IAM for whole lists: pages as large as AWS gives, walked to their end."""

from collections.abc import AsyncIterator, Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

from grantwire.aws.paging import MARKER, Page, pages
from grantwire.aws.session import AwsSession

if TYPE_CHECKING:
    from mypy_boto3_iam.client import IAMClient

PAGE: Final = 1_000  # the most AWS gives; said explicitly, because the default is 100
Ask = Callable[["IAMClient", dict[str, Any]], Mapping[str, Any]]


def each_page(session: AwsSession, operation: str, lists: tuple[str, ...], ask: Ask) -> AsyncIterator[Page]:
    """Every page of an answer. Raises ``AwsError``."""

    async def fetch(token: str | None) -> Page:
        page = {"MaxItems": PAGE} | ({"Marker": token} if token is not None else {})
        return await session.iam(operation, lambda iam: ask(iam, page))

    return pages(fetch, operation, lists, MARKER)


async def every_row(session: AwsSession, operation: str, lists: tuple[str, ...], ask: Ask) -> dict[str, list[Any]]:
    """Every row of each list of an answer, by the list's name. Raises ``AwsError``."""
    rows: dict[str, list[Any]] = {name: [] for name in lists}
    async for page in each_page(session, operation, lists, ask):
        for name in lists:
            rows[name] += page[name]
    return rows
