"""Reads an organization: every answer whole and typed, or an ``AwsError``."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, TypeVar

from grantwire.aws.errors import inconsistent
from grantwire.aws.organizations.client import OrganizationsClient
from grantwire.aws.organizations.parse import Parser
from grantwire.aws.organizations.shapes import Account, Organization, Unit
from grantwire.aws.paging import NEXT_TOKEN, Page, pages
from grantwire.aws.session import AwsSession

R = TypeVar("R", Account, Unit)
DESCRIBE: Final = "organizations:DescribeOrganization"
DESCRIBE_ACCOUNT: Final = "organizations:DescribeAccount"
ROOTS: Final = "organizations:ListRoots"
UNITS: Final = "organizations:ListOrganizationalUnitsForParent"
ACCOUNTS: Final = "organizations:ListAccounts"
ACCOUNTS_UNDER: Final = "organizations:ListAccountsForParent"
ADMINISTRATORS: Final = "organizations:ListDelegatedAdministrators"
SERVICES: Final = "organizations:ListDelegatedServicesForAccount"
PAGE: Final = 20  # the most AWS gives

Ask = Callable[[OrganizationsClient, dict[str, Any]], Mapping[str, Any]]


class OrganizationReader:
    """Typed reads through one session. Each raises ``AwsError``; none returns a list that might be short.

    All but ``organization`` answer only to the management account and to delegated administrators.
    """

    def __init__(self, session: AwsSession) -> None:
        self._session = session

    async def organization(self) -> Organization:
        """The organization of the session's account."""
        answer = await self._session.organizations(DESCRIBE, lambda api: api.describe_organization())
        return Parser(DESCRIBE).organization(answer)

    async def account(self, id: str) -> Account:
        """One account, whatever its state. ``AwsError`` (gone) where it is none of the organization's."""
        answer = await self._session.organizations(DESCRIBE_ACCOUNT, lambda api: api.describe_account(AccountId=id))
        parse = Parser(DESCRIBE_ACCOUNT)
        found = parse.account(parse.need(answer, "Account", dict))
        if found.id != id:
            raise inconsistent(DESCRIBE_ACCOUNT, f"it answered about {found.id} where {id} was asked for")
        return found

    async def roots(self) -> tuple[Unit, ...]:
        rows = await self._rows(ROOTS, "Roots", lambda api, page: api.list_roots(**page))
        return _latest(map(Parser(ROOTS).unit, rows))

    async def units(self, parent: str) -> tuple[Unit, ...]:
        """The units directly under a root or unit."""
        ask: Ask = lambda api, page: api.list_organizational_units_for_parent(ParentId=parent, **page)  # noqa: E731
        rows = await self._rows(UNITS, "OrganizationalUnits", ask)
        return _latest(map(Parser(UNITS).unit, rows))

    async def accounts(self) -> tuple[Account, ...]:
        """Every account, whatever its state."""
        rows = await self._rows(ACCOUNTS, "Accounts", lambda api, page: api.list_accounts(**page))
        return _latest(map(Parser(ACCOUNTS).account, rows))

    async def some_accounts(self) -> tuple[Account, ...]:
        """The first page of them, which may hold none at all. One call."""
        answer = await self._session.organizations(ACCOUNTS, lambda api: api.list_accounts(MaxResults=PAGE))
        return _latest(map(Parser(ACCOUNTS).account, answer.get("Accounts") or ()))

    async def accounts_under(self, parent: str) -> tuple[Account, ...]:
        """The accounts directly under a root or unit."""
        ask: Ask = lambda api, page: api.list_accounts_for_parent(ParentId=parent, **page)  # noqa: E731
        rows = await self._rows(ACCOUNTS_UNDER, "Accounts", ask)
        return _latest(map(Parser(ACCOUNTS_UNDER).account, rows))

    async def delegated_administrators(self) -> tuple[str, ...]:
        """The ids of the accounts that administer at least one service."""
        ask: Ask = lambda api, page: api.list_delegated_administrators(**page)  # noqa: E731
        return await self._texts(ADMINISTRATORS, "DelegatedAdministrators", "Id", ask)

    async def delegated_services(self, account: str) -> tuple[str, ...]:
        """The services that a delegated administrator administers, as ``sso.amazonaws.com``.

        ``AwsError`` (gone) when the account administers none.
        """
        ask: Ask = lambda api, page: api.list_delegated_services_for_account(AccountId=account, **page)  # noqa: E731
        return await self._texts(SERVICES, "DelegatedServices", "ServicePrincipal", ask)

    async def _texts(self, operation: str, member: str, name: str, ask: Ask) -> tuple[str, ...]:
        parse = Parser(operation)
        return tuple(dict.fromkeys([parse.need(row, name, str) for row in await self._rows(operation, member, ask)]))

    async def _rows(self, operation: str, member: str, ask: Ask) -> list[Any]:
        async def fetch(token: str | None) -> Page:
            page = {"MaxResults": PAGE} | ({"NextToken": token} if token is not None else {})
            return await self._session.organizations(operation, lambda api: ask(api, page))

        return [row async for page in pages(fetch, operation, (member,), NEXT_TOKEN) for row in page[member]]


def _latest(rows: Iterable[R]) -> tuple[R, ...]:
    """One row per id, the last one read: rows may slip between pages while somebody writes."""
    return tuple({row.id: row for row in rows}.values())
