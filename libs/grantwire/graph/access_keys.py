"""The access keys of an account as the graph holds them. Reads only."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from grantwire.contracts.ids import TENANT, AccountId, credentials_scope
from grantwire.contracts.resources import KIND_CODES, RELATION_CODES, Kind, RelationKind
from grantwire.graph.pool import Graph
from grantwire.graph.statements import access_keys as sql

_KEY: Final = KIND_CODES[Kind.ACCESS_KEY]
_OWNS: Final = RELATION_CODES[RelationKind.OWNS]


@dataclass(frozen=True, slots=True)
class OwnedKey:
    """A key and the ARN of the user that owns it; None where the relation between them is not there."""

    id: str
    owner: str | None
    attributes: Mapping[str, Any]


async def keys_of(graph: Graph, account: AccountId) -> list[OwnedKey]:
    """Every key of the account by id, retired ones too: they are what the next snapshot is compared with. Raises
    ``DependencyDown`` while Postgres cannot be reached."""
    async with graph.connection() as connection:
        rows = await connection.fetch(sql.KEYS, TENANT, credentials_scope(account), _KEY, _OWNS)
    return [OwnedKey(row["id"], row["owner"], row["attributes"]) for row in rows]
