"""The inventory of secrets: access keys with their owners, root users, and how well each account was read."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, NamedTuple
from uuid import UUID

import asyncpg

from grantwire.contracts.ids import TENANT
from grantwire.contracts.resources import Kind
from grantwire.graph.custody import Asked, unread_accounts
from grantwire.graph.export import tenant_of
from grantwire.graph.identity import node_id
from grantwire.graph.names import candidates, nodes
from grantwire.graph.nodes import Node
from grantwire.graph.pool import Connection, Graph
from grantwire.graph.statements import inventory as sql
from grantwire.graph.statements import queries as query_sql
from grantwire.graph.views import ScopeView, scopes_now

_SOURCE: Final = "credentials"
_TOLD: Final = ("status", "created_at", "last_used_at", "last_used_service", "last_used_region", "report_time")


class Place(NamedTuple):
    """A place in the list: what the last row of a page is sorted by."""

    created_at: str
    id: str


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which keys: all but those that some filter leaves out. A key whose last use was not read is neither unused nor
    never used: nobody knows."""

    account: str | None = None
    owners: Sequence[UUID] | None = None
    status: str | None = None
    created_before: datetime | None = None
    unused_since: datetime | None = None
    never_used: bool = False
    root: bool = False


@dataclass(frozen=True, slots=True)
class Secret:
    """An access key; never what is secret of it. ``last_used_at`` is None for one that was never used, and unknown with
    ``last_use_known`` false. What is None otherwise, AWS did not say or the connector could not read."""

    id: str
    owner: str | None
    owner_name: str | None
    account: str | None
    account_name: str | None
    status: str | None
    created_at: str | None
    last_use_known: bool
    last_used_at: str | None
    last_used_service: str | None
    last_used_region: str | None
    report_time: str | None
    console_access: bool | None
    mfa_active: bool | None
    is_root: bool


@dataclass(frozen=True, slots=True)
class Root:
    """The root user of an account."""

    id: str
    account: str | None
    account_name: str | None
    mfa_active: bool | None
    password_last_used: str | None
    created_at: str | None


@dataclass(frozen=True, slots=True)
class Custody:
    """How an account's credentials were read: by a scope, or not, and then why."""

    account: str
    account_name: str | None
    scope: ScopeView | None
    why: str | None


@dataclass(frozen=True, slots=True)
class Inventory:
    """A page of keys, and ``after`` to go on from, None on the last. Root users and accounts come with the first."""

    revision: int
    secrets: list[Secret]
    after: Place | None
    roots: list[Root]
    accounts: list[Custody]


async def secrets(graph: Graph, wanted: Wanted, *, after: Place | None = None, limit: int = 500) -> Inventory:
    """Keys of unknown age first, then the oldest first; each page from one unchanging state of the graph."""
    first = after is None
    async with graph.transaction(snapshot=True) as connection:
        revision = await connection.fetchval(query_sql.REVISION, TENANT)
        root_users = await connection.fetch(sql.ROOTS, TENANT, wanted.account)
        rows = await _keys(connection, wanted, [row["id"] for row in root_users], after or Place("", ""), limit + 1)
        owners = await nodes(connection, {row["owner"] for row in rows if row["owner"]}, await tenant_of(connection))
        custody = await _accounts(connection, wanted.account) if first else {}
        names = await _names(connection, {*custody, *(row["account"] for row in (*rows, *root_users))})
    page = [_secret(row, owners.get(row["owner"]), names) for row in rows[:limit]]
    place = Place(page[-1].created_at or "", page[-1].id) if len(rows) > limit else None
    roots = [_root(row, names) for row in root_users] if first else []
    accounts = [Custody(each, names.get(each), *custody[each]) for each in sorted(custody)]
    return Inventory(revision, page, place, roots, accounts)


async def users_called(graph: Graph, text: str) -> list[UUID]:
    """The IAM users whom a name, an ARN, a unique id or an address means, in whatever accounts. Raises ``NotFound``."""
    return [node.id for node in await candidates(graph, text, [Kind.IAM_USER])]


async def _keys(
    connection: Connection, wanted: Wanted, roots: list[UUID], after: Place, limit: int
) -> list[asyncpg.Record]:
    owners = wanted.owners if not wanted.root else [id for id in roots if wanted.owners is None or id in wanted.owners]
    chosen = wanted.account, owners, wanted.status and wanted.status.lower()
    times = _text(wanted.created_before), _text(wanted.unused_since), wanted.never_used
    return list(await connection.fetch(sql.KEYS, TENANT, *chosen, *times, limit, *after))


async def _accounts(connection: Connection, account: str | None) -> dict[str, tuple[ScopeView | None, str | None]]:
    """Of each account under management the scope that holds its credentials, or the reason why there is none."""
    views = await scopes_now(connection)
    connectors = [Asked(**row) for row in await connection.fetch(sql.CONNECTORS, TENANT)]
    read = {each.account: (each, None) for each in views if each.source == _SOURCE and each.account}
    unread = unread_accounts({each.key: (each.connector, each.account) for each in views}, connectors)
    found = {**{each: (None, why) for each, why in unread.items()}, **read}
    return {each: how for each, how in found.items() if account in (None, each)}


async def _names(connection: Connection, accounts: Iterable[str | None]) -> dict[str, str]:
    ids = [node_id(TENANT, Kind.ACCOUNT, each) for each in accounts if each]
    rows = await connection.fetch(sql.ACCOUNT_NAMES, TENANT, ids)
    return {row["native_id"]: row["name"] for row in rows if row["name"] != row["native_id"]}


def _secret(row: asyncpg.Record, owner: Node | None, names: Mapping[str, str]) -> Secret:
    told, about = row["attributes"], owner.attributes if owner is not None else {}
    return Secret(
        id=row["native_id"],
        owner=owner.native_id if owner is not None else None,
        owner_name=owner.name if owner is not None else None,
        account=row["account"],
        account_name=names.get(row["account"]),
        last_use_known="last_used_at" in told,
        console_access=about.get("console_access"),
        mfa_active=about.get("mfa_active"),
        is_root=about.get("is_root") is True,
        **{name: told.get(name) for name in _TOLD},
    )


def _root(row: asyncpg.Record, names: Mapping[str, str]) -> Root:
    told = {name: row["attributes"].get(name) for name in ("mfa_active", "password_last_used", "created_at")}
    return Root(row["native_id"], row["account"], names.get(row["account"]), **told)


def _text(time: datetime | None) -> str | None:
    """A moment as times are stored."""
    return None if time is None else time.strftime("%Y-%m-%dT%H:%M:%SZ")
