"""Permission sets in accounts as answers describe them: what they are called, and as which role they act."""

from collections.abc import Mapping, Sequence
from uuid import UUID

import asyncpg

from grantwire.contracts.ids import TENANT
from grantwire.contracts.resources import RELATION_CODES, RelationKind
from grantwire.graph.answers import Provisioned
from grantwire.graph.labels import account_name, pair_of, permission_set_name
from grantwire.graph.nodes import Node
from grantwire.graph.pool import Connection
from grantwire.graph.statements import queries as sql


async def described(connection: Connection, pairs: Sequence[Node], known: Mapping[UUID, Node]) -> list[Provisioned]:
    """By account and permission set. ``known`` has what lends them their names."""
    if not pairs:
        return []
    realized = [RELATION_CODES[RelationKind.REALIZED_AS]]
    steps = await connection.fetch(sql.STEPS_FROM, TENANT, [pair.id for pair in pairs], realized)
    roles = {row["id"]: row for row in await connection.fetch(sql.NODES, TENANT, [step["dst"] for step in steps])}
    acting = {step["src"]: roles[step["dst"]] for step in steps if step["dst"] in roles}
    found = [_described(pair, known, acting.get(pair.id)) for pair in pairs]
    return sorted(found, key=lambda each: each.native_id)


def _described(pair: Node, known: Mapping[UUID, Node], role: asyncpg.Record | None) -> Provisioned:
    account, arn = pair_of(pair.native_id)
    names = permission_set_name(arn, known), account_name(account, known)
    acts = (role["native_id"], role["name"]) if role is not None else (None, None)
    return Provisioned(pair.native_id, pair.display, arn, names[0], account, names[1], *acts)
