"""Stored secrets brought under the first key, and how they stand: `grantwire secrets rotate` and `check`.

Each connector is a transaction of its own, and what is under the first key stays as it is: broken off anywhere, the
next time goes on from there.
"""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from grantwire.contracts.failures import SecretKeyError
from grantwire.contracts.ids import TENANT
from grantwire.graph import secrets
from grantwire.graph.keys import NEXT_STEP, Keys
from grantwire.graph.outages import repeated
from grantwire.graph.pool import Graph
from grantwire.graph.statements import connectors as connector_sql
from grantwire.graph.statements import secrets as sql


@dataclass(slots=True)
class Count:
    """Stored secrets, those of every version of every connector's settings counted. ``clear`` were not encrypted,
    ``sealed`` are by the name of the key, ``unreadable`` are sentences about those that no given key opens; ``renewed``
    were brought under the first key this time, the ``clear`` ones among them."""

    clear: int = 0
    sealed: Counter[str] = field(default_factory=Counter)
    unreadable: list[str] = field(default_factory=list)
    renewed: int = 0

    def add(self, other: "Count") -> None:
        self.clear += other.clear
        self.sealed += other.sealed
        self.unreadable += other.unreadable
        self.renewed += other.renewed


async def check(graph: Graph) -> Count:
    """How every stored secret stands. Raises ``DependencyDown``."""
    total = Count()
    for connector in await _connectors(graph):
        async with graph.connection() as connection:
            rows = await connection.fetch(sql.SETTINGS, TENANT, connector)
        for row in rows:
            judge(graph.keys, connector, row["settings"], total)
    return total


async def rotate(graph: Graph, *, clear_alone: bool = False) -> Count:
    """Bring every secret under the first key; ``clear_alone``: only those that are not encrypted. What cannot be opened
    stays as it is. Raises ``SecretKeyError`` when there is no key, ``DependencyDown``."""
    if not graph.keys:
        raise SecretKeyError(f"There is no key to encrypt secrets with. {NEXT_STEP}")
    total = Count()
    for connector in await _connectors(graph):
        total.add(await _rotated(graph, connector, clear_alone))
    return total


def judge(keys: Keys, connector: str, settings: secrets.Settings, count: Count) -> None:
    """Count the secrets in one stored form of settings."""
    for path, value in secrets.secret_fields(settings).items():
        if not secrets.is_sealed(value):
            count.clear += 1
            continue
        count.sealed[str(value.get("key"))] += 1
        try:
            secrets.opened(keys, connector, path, value)
        except SecretKeyError as error:
            count.unreadable.append(str(error))


def reseal(
    keys: Keys, connector: str, settings: secrets.Settings, count: Count, *, clear_alone: bool = False
) -> secrets.Settings:
    """The same settings with every secret under the first key, as far as it can be opened."""

    def change(path: str, value: Any) -> Any:
        if not secrets.is_sealed(value):
            return secrets.sealed(keys, connector, path, value)
        if clear_alone or keys.decrypt(value[secrets.SEALED], first_alone=True) is not None:
            return value
        try:
            return secrets.sealed(keys, connector, path, secrets.opened(keys, connector, path, value))
        except SecretKeyError:
            return value

    judge(keys, connector, settings, count)
    resealed = secrets.replaced(settings, change)
    before, after = secrets.secret_fields(settings), secrets.secret_fields(resealed)
    count.renewed += sum(before[path] != after[path] for path in before)
    return resealed


async def _rotated(graph: Graph, connector: str, clear_alone: bool) -> Count:
    async def work() -> Count:
        count = Count()
        async with graph.transaction() as connection:
            await connection.execute(connector_sql.LOCK, TENANT)
            for row in await connection.fetch(sql.SETTINGS, TENANT, connector):
                settings = reseal(graph.keys, connector, row["settings"], count, clear_alone=clear_alone)
                if settings == row["settings"]:
                    continue
                if row["version"] is None:
                    await connection.execute(sql.RESEAL, TENANT, connector, settings)
                else:
                    await connection.execute(sql.RESEAL_VERSION, TENANT, connector, row["version"], settings)
        return count

    return await repeated(work)


async def _connectors(graph: Graph) -> list[str]:
    async with graph.connection() as connection:
        return [row["id"] for row in await connection.fetch(sql.CONNECTORS, TENANT)]
