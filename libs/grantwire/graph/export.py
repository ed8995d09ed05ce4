"""The public export: every resource and relation, one JSON object a line, lines sorted as text."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any, Final

from grantwire.contracts.ids import TENANT
from grantwire.contracts.resources import KIND_CODES, RELATION_CODES, Kind
from grantwire.graph.outsiders import in_organization
from grantwire.graph.pool import Connection, Graph
from grantwire.graph.statements import queries as sql

_ROWS: Final = 2_000  # fetched at a time


@dataclass(frozen=True, slots=True)
class Tenant:
    """What decides who is an outsider: the tenant's accounts, and whether an organization says these are all."""

    accounts: frozenset[str]
    organization: bool

    def complete(self, kind: Kind, native_id: str, attributes: dict[str, Any]) -> dict[str, Any]:
        """A resource's attributes with those that are decided when the graph is read."""
        if kind is not Kind.EXTERNAL_PRINCIPAL:
            return attributes
        return {**attributes, "in_organization": in_organization(native_id, self.accounts, self.organization)}


async def export(graph: Graph) -> AsyncIterator[str]:
    """The lines, without line ends, of one unchanging state of the graph. Raises ``DependencyDown``."""
    kinds, relations = _codes(KIND_CODES), _codes(RELATION_CODES)
    async with graph.transaction(snapshot=True) as connection:
        tenant = await tenant_of(connection)
        async for row in connection.cursor(sql.EXPORT_EDGES, TENANT, *kinds, *relations, prefetch=_ROWS):
            yield _line("relation", dict(row))
        async for row in connection.cursor(sql.EXPORT_NODES, TENANT, *kinds, prefetch=_ROWS):
            attributes = tenant.complete(Kind(row["kind"]), row["native_id"], row["attributes"])
            yield _line("resource", {**row, "attributes": attributes})


async def tenant_of(connection: Connection) -> Tenant:
    """Read inside the transaction whose rows are judged by it."""
    accounts = await connection.fetch(sql.ACCOUNTS, TENANT, KIND_CODES[Kind.ACCOUNT])
    known = await connection.fetchval(sql.HAS_ORGANIZATION, TENANT, KIND_CODES[Kind.ORGANIZATION])
    return Tenant(frozenset(row["account"] for row in accounts), known)


def _codes(codes: Any) -> tuple[list[int], list[str]]:
    return list(codes.values()), [kind.value for kind in codes]


def _line(type_: str, row: dict[str, Any]) -> str:
    """Fields in the order in which the format is documented; attributes sorted."""
    row["attributes"] = _sorted(row["attributes"])
    return json.dumps({"type": type_, **row}, ensure_ascii=False, separators=(",", ":"))


def _sorted(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _sorted(value[name]) for name in sorted(value)}
    return [_sorted(item) for item in value] if isinstance(value, list) else value
