"""Accounts that a person accepted not to see: unreachable, with the reason, until the time that was named."""

from dataclasses import dataclass
from datetime import datetime

from grantwire.contracts.failures import Invalid, NotFound
from grantwire.contracts.ids import ACCOUNT_ID, TENANT, AccountId, iam_scope
from grantwire.contracts.snapshots import Reason
from grantwire.graph.pool import Connection, Graph
from grantwire.graph.standing import not_found, settle
from grantwire.graph.statements import apply as apply_sql
from grantwire.graph.statements import connectors as connector_sql
from grantwire.graph.statements import fleet as sql
from grantwire.graph.statements import scopes as scope_sql
from grantwire.graph.wanted import Gap


@dataclass(frozen=True, slots=True)
class AcceptedGap:
    connector: str
    account: str
    reason: str
    until: datetime
    accepted_at: datetime


async def accept(graph: Graph, connector: str, account: str, reason: str, until: datetime) -> None:
    """Do not read an account until then, and do not call that a failure; again for the same account, it replaces what
    was accepted. Raises ``NotFound`` without the connector, ``Invalid`` for values that make no sense."""
    async with graph.transaction() as connection:
        _check(account, reason, until, await connection.fetchval("SELECT now()"))
        await _locked(connection, connector, account)
        await connection.execute(sql.ACCEPT, TENANT, connector, account, reason.strip(), until)
        why = Gap(reason.strip(), until).told(account)
        scope = iam_scope(AccountId(account))
        await connection.execute(scope_sql.UNREACHABLE, TENANT, connector, [scope], [why.model_dump()])
        await _told(connection, connector, why.text)


async def withdraw(graph: Graph, connector: str, account: str) -> None:
    """Read the account again, with the next run. Raises ``NotFound`` when nothing was accepted."""
    async with graph.transaction() as connection:
        await _locked(connection, connector, account)
        if await connection.fetchval(sql.WITHDRAW, TENANT, connector, account) is None:
            raise NotFound(f"Connector {connector!r} has no accepted gap for account {account!r}.")
        text = f"Account {account} is no accepted gap any more; the next run reads it."
        why = Reason(code="gap_withdrawn", text=text).model_dump()
        await connection.execute(scope_sql.REACHABLE, TENANT, connector, iam_scope(AccountId(account)), why)
        await _told(connection, connector, text)


async def list_all(graph: Graph, connector: str | None = None) -> list[AcceptedGap]:
    """The gaps that are not over, by connector and account."""
    async with graph.connection() as connection:
        return [AcceptedGap(**row) for row in await connection.fetch(sql.GAPS, TENANT, connector)]


def _check(account: str, reason: str, until: datetime, now: datetime) -> None:
    if not ACCOUNT_ID.fullmatch(account):
        raise Invalid(f"{account!r} is not an account id of 12 digits.", "account")
    if not reason.strip():
        raise Invalid("Say why this account is not to be read; whoever looks next year will want to know.", "reason")
    if until <= now:
        raise Invalid(f"{until:%Y-%m-%d %H:%M} is over already; name a time to come.", "until")


async def _locked(connection: Connection, connector: str, account: str) -> None:
    """No apply of the account's scope changes it before this transaction ends."""
    if await connection.fetchrow(connector_sql.GET, TENANT, connector) is None:
        raise await not_found(connection, connector)
    await connection.execute(apply_sql.LOCK, TENANT, iam_scope(AccountId(account)))


async def _told(connection: Connection, connector: str, text: str) -> None:
    await connection.execute(connector_sql.ADD_LOG, TENANT, connector, "info", text)
    await settle(connection, connector)
