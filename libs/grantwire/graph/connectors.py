"""Connectors: their settings by version, their state, their log."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

import asyncpg

from grantwire.contracts.connectors import NOT_YET_ACTING, Connector, ConnectorState
from grantwire.contracts.failures import Conflict, NotFound, SecretKeyError
from grantwire.contracts.identity_center import IdentityCenter
from grantwire.contracts.ids import TENANT
from grantwire.contracts.snapshots import Reason
from grantwire.graph import retiring, secrets
from grantwire.graph.keys import Keys
from grantwire.graph.outages import repeated
from grantwire.graph.pool import Connection, Graph
from grantwire.graph.standing import not_found
from grantwire.graph.statements import connectors as sql
from grantwire.graph.statements import fleet as fleet_sql
from grantwire.graph.statements import runs as run_sql
from grantwire.graph.statements import secrets as secret_sql


@dataclass(frozen=True, slots=True)
class LogLine:
    at: datetime
    level: str
    text: str


@dataclass(frozen=True, slots=True)
class StoredConnector:
    """A connector as it is kept, its secrets left out: ``secrets`` are the paths of those that are set. ``log`` holds
    its newest 100 lines, newest first. ``organization`` is the id of the one it reads, ``identity_center`` the
    instance, each if it reads one."""

    connector: Connector
    version: int
    account: str | None
    organization: str | None
    state: ConnectorState
    reason: str | None
    log: list[LogLine] = field(default_factory=list)
    identity_center: IdentityCenter | None = None
    secrets: frozenset[str] = frozenset()

    def not_yet_acting(self) -> list[str]:
        """Fields that are set and accepted but that nothing acts on yet, secrets included."""
        named = {*self.connector.not_yet_acting(), *self.secrets}
        return [name for name in NOT_YET_ACTING if name in named]


async def put(
    graph: Graph,
    connector: Connector,
    *,
    account: str | None,
    state: ConnectorState,
    reason: str | None,
    organization: str | None = None,
    identity_center: IdentityCenter | None = None,
    expected: int | None = None,
) -> int:
    """Create or change a connector, its secrets sealed; returns the version of its settings, which rises only when they
    change.

    ``organization`` is the id of the one it reads; without the setting ``organizations`` it reads none; likewise
    ``identity_center``. ``expected`` is the version that the caller has seen. Raises ``Conflict`` when there is another
    by now and when another connector reads the account or the organization already, ``SecretKeyError`` when there is a
    secret and no key.
    """
    organization = organization if connector.organizations else None
    async with graph.transaction() as connection:
        await connection.execute(sql.LOCK, TENANT)
        await _refuse_second_owner(connection, connector.id, account, organization)
        if expected is not None:
            await _expect(connection, connector.id, expected)
        settings = secrets.seal(graph.keys, connector.id, connector.model_dump(mode="json"))
        before = await connection.fetchrow(sql.GET, TENANT, connector.id)
        version = await connection.fetchval(sql.LAST_VERSION, TENANT, connector.id)
        version += before is None or not _is(graph.keys, before, connector)
        center = identity_center.model_dump() if identity_center and connector.identity_center else None
        values = (version, settings, account, organization, center, state.value, reason)
        await connection.execute(sql.PUT, TENANT, connector.id, *values)
        await connection.execute(sql.PUT_VERSION, TENANT, connector.id, version, settings)
        return int(version)


async def get(graph: Graph, id: str) -> StoredConnector:
    """Raises ``NotFound`` with the ids that exist."""
    async with graph.transaction(snapshot=True) as connection:
        row = await connection.fetchrow(sql.GET, TENANT, id)
        if row is None:
            raise await not_found(connection, id)
        return stored_from(row, await connection.fetch(sql.LOG, TENANT, id))


async def list_all(graph: Graph) -> list[StoredConnector]:
    """All connectors by id, without their logs."""
    async with graph.connection() as connection:
        return [stored_from(row) for row in await connection.fetch(sql.ALL, TENANT)]


async def settings(graph: Graph, id: str, version: int) -> Connector:
    """The settings a job was made for, secrets included. Raises ``NotFound``, ``SecretKeyError``."""
    async with graph.connection() as connection:
        found = await connection.fetchval(sql.SETTINGS, TENANT, id, version)
        if found is None:
            raise NotFound(f"Connector {id!r} has no settings of version {version}; was it removed?")
        return secrets.unseal(graph.keys, id, found)


async def set_state(graph: Graph, id: str, state: ConnectorState, reason: str | None = None) -> None:
    """Raises ``NotFound``."""
    async with graph.transaction() as connection:
        if await connection.fetchrow(sql.GET, TENANT, id) is None:
            raise await not_found(connection, id)
        await connection.execute(sql.SET_STATE, TENANT, id, state.value, reason)


async def remove(graph: Graph, id: str) -> None:
    """Forget a connector. What its scopes hold is retired; its settings by version, without their secrets, and its log
    stay; a job that is under way ends without settings to read with. Raises ``NotFound``."""

    async def work() -> None:
        async with graph.transaction() as connection:
            await connection.execute(sql.LOCK, TENANT)
            if await connection.fetchrow(sql.GET, TENANT, id) is None:
                raise await not_found(connection, id)
            await _give_up(connection, id, f"Connector {id!r} was removed.")

    await repeated(work)


async def add_log(graph: Graph, id: str, level: str, text: str) -> None:
    """Add a line to the connector's readable log. ``level`` is ``info``, ``warning`` or ``error``."""
    async with graph.connection() as connection:
        await connection.execute(sql.ADD_LOG, TENANT, id, level, text)


async def _give_up(connection: Connection, id: str, why: str) -> None:
    scopes = [row["key"] for row in await connection.fetch(sql.SCOPES, TENANT, id)]
    await retiring.lock(connection, scopes)
    for key in retiring.leaving(scopes):
        await retiring.retire(connection, key, why)
    await connection.execute(run_sql.END_PARTS, TENANT, id, Reason(code="connector_gone", text=why).model_dump())
    await connection.execute(run_sql.END_RUNS, TENANT, id)
    await connection.execute(fleet_sql.FORGET_GAPS, TENANT, id)
    await connection.execute(sql.REMOVE, TENANT, id)
    await _forget_secrets(connection, id)
    await connection.execute(sql.ADD_LOG, TENANT, id, "info", why)


async def _forget_secrets(connection: Connection, id: str) -> None:
    for row in await connection.fetch(secret_sql.SETTINGS, TENANT, id):
        if secrets.secret_fields(row["settings"]):
            plain = secrets.replaced(row["settings"], lambda _field, _value: None)
            await connection.execute(secret_sql.RESEAL_VERSION, TENANT, id, row["version"], plain)


async def _expect(connection: Connection, id: str, version: int) -> None:
    """Raises ``Conflict`` when the settings are of another version: somebody else changed them meanwhile."""
    row = await connection.fetchrow(sql.GET, TENANT, id)
    if row is None:
        raise await not_found(connection, id)
    if row["version"] != version:
        raise Conflict(changed_meanwhile(id, row["version"], version))


def changed_meanwhile(id: str, version: int, expected: int) -> str:
    """The sentence for a change that was made for other settings than those that are there."""
    return (
        f"Connector {id!r} has version {version} of its settings, and this change was made for version {expected}: "
        f"somebody changed them meanwhile; next: look at them (`grantwire connector show {id}`), and make the change "
        "again."
    )


async def _refuse_second_owner(connection: Connection, id: str, account: str | None, organization: str | None) -> None:
    owner = await connection.fetchrow(sql.ACCOUNT_OWNER, TENANT, account, id) if account else None
    if owner is not None:
        how = " as one of its organization's" if owner["inside"] else ""
        raise Conflict(
            f"Account {account} is read by connector {owner['id']!r} already{how}; an account belongs to one connector."
        )
    owner = await connection.fetchrow(sql.ORGANIZATION_OWNER, TENANT, organization, id) if organization else None
    if owner is not None:
        raise Conflict(
            f"Organization {organization} is read by connector {owner['id']!r} already; change or remove that one."
        )


def _is(keys: Keys, row: asyncpg.Record, connector: Connector) -> bool:
    """Whether these settings are kept already: opened, for the same secret is sealed differently each time. What cannot
    be opened is replaced."""
    try:
        return secrets.unseal(keys, connector.id, row["settings"]) == connector
    except SecretKeyError:
        return False


def stored_from(row: asyncpg.Record, log: Iterable[asyncpg.Record] = ()) -> StoredConnector:
    """A stored connector."""
    return StoredConnector(
        secrets.without(row["settings"]),
        row["version"],
        row["account"],
        row["organization"],
        ConnectorState(row["state"]),
        row["reason"],
        [LogLine(line["at"], line["level"], line["text"]) for line in log],
        IdentityCenter.model_validate(row["identity_center"]) if row["identity_center"] else None,
        frozenset(secrets.secret_fields(row["settings"])),
    )
