"""The versions of a connector's settings: when each was saved, and what it changed. Never a secret's value."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from grantwire.contracts.connectors import SECRET_FIELDS, Connector
from grantwire.contracts.failures import SecretKeyError
from grantwire.contracts.ids import TENANT
from grantwire.graph import secrets
from grantwire.graph.keys import Keys
from grantwire.graph.pool import Graph
from grantwire.graph.standing import not_found
from grantwire.graph.statements import life as sql

_ABSENT: Final[Mapping[str, Any]] = Connector(id="x").model_dump(mode="json") | {"id": None}


@dataclass(frozen=True, slots=True)
class Change:
    """A field and its values before and after; of a secret only whether it is ``set``, and ``set anew`` where another
    value took its place."""

    field: str
    before: Any
    after: Any


@dataclass(frozen=True, slots=True)
class Version:
    """``at`` is when these settings were saved first."""

    version: int
    at: datetime
    changes: list[Change]


async def versions(graph: Graph, connector: str) -> list[Version]:
    """Oldest first. Raises ``NotFound`` for a connector that never was there."""
    async with graph.connection() as connection:
        rows = await connection.fetch(sql.VERSIONS, TENANT, connector)
        if not rows:
            raise await not_found(connection, connector)
    found, before = [], _ABSENT
    for row in rows:
        settings = _comparable(graph.keys, connector, row["settings"])
        found.append(Version(row["version"], row["at"], list(differences(before, settings))))
        before = settings
    return found


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Change]:
    """The fields that differ, in the order of the settings."""
    for field in _ABSENT:
        was, now = before.get(field, _ABSENT[field]), after.get(field, _ABSENT[field])
        if was != now:
            yield Change(field, *_shown(field, was, now))


def _comparable(keys: Keys, connector: str, settings: dict[str, Any]) -> Mapping[str, Any]:
    """With the secrets opened, for the same one is sealed differently each time; as they are stored where they cannot
    be."""

    def opened(field: str, value: Any) -> Any:
        try:
            return secrets.opened(keys, connector, field, value) if secrets.is_sealed(value) else value
        except SecretKeyError:
            return value

    return secrets.replaced(settings, opened)


def _shown(field: str, was: Any, now: Any) -> tuple[Any, Any]:
    if field in SECRET_FIELDS:
        return was and "set", now and ("set anew" if was else "set")
    if field == "account_overrides":
        return _masked(was), _masked(now)
    return was, now


def _masked(overrides: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    return {
        account: {**override, "external_id": override.get("external_id") and "set"}
        for account, override in overrides.items()
    }
