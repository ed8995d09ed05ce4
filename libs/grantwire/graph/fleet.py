"""The accounts of an organization as the graph holds them. Reads only."""

from collections.abc import Mapping
from typing import Final
from uuid import UUID

from grantwire.contracts.ids import TENANT, organization_scope
from grantwire.contracts.resources import KIND_CODES, RELATION_CODES, Kind, RelationKind
from grantwire.graph.pool import Connection, Graph
from grantwire.graph.statements import fleet as sql
from grantwire.graph.wanted import Member

__all__ = ["Member", "accounts_inside", "members"]

_ACCOUNT: Final = KIND_CODES[Kind.ACCOUNT]


async def members(connection: Connection, organization: str) -> list[Member]:
    """The accounts of the organization ``o-…`` by id, as last read; none if it was never read or is retired."""
    scope = organization_scope(organization)
    rows = await connection.fetch(sql.MEMBERS, TENANT, scope, _ACCOUNT)
    kinds = RELATION_CODES[RelationKind.CONTAINS], KIND_CODES[Kind.ORGANIZATIONAL_UNIT]
    parents = {
        row["child"]: (row["parent"], row["unit"]) for row in await connection.fetch(sql.PARENTS, TENANT, scope, *kinds)
    }
    return [Member(row["account"], row["name"], row["state"], _units(parents, row["id"])) for row in rows]


async def accounts_inside(graph: Graph) -> frozenset[str]:
    """Every account of the tenant's organizations."""
    async with graph.connection() as connection:
        return frozenset(row["account"] for row in await connection.fetch(sql.INSIDE, TENANT, _ACCOUNT))


def _units(parents: Mapping[UUID, tuple[UUID, str]], child: UUID) -> tuple[str, ...]:
    """What contains it, nearest first. Ends even where the rows make a circle."""
    units: list[str] = []
    while (found := parents.get(child)) is not None and found[1] not in units:
        child = found[0]
        units.append(found[1])
    return tuple(units)
