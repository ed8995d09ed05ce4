"""What the graph knows of the two ends of a command, and of the account that it changes."""

from typing import Any

from grantwire.contracts.commands import AccessCommand, Ref
from grantwire.contracts.ids import TENANT
from grantwire.contracts.resources import Kind
from grantwire.graph import identity
from grantwire.graph.operation import Known
from grantwire.graph.pool import Graph
from grantwire.graph.statements import operations as sql


async def known(graph: Graph, command: AccessCommand) -> Known:
    """Raises ``DependencyDown``."""
    principal, account = _id(command.principal), _id(Ref(kind=Kind.ACCOUNT, native_id=command.account))
    async with graph.connection() as connection:
        rows = {row["id"]: row for row in await connection.fetch(sql.KNOWN, TENANT, [principal, account])}
    found, inside = rows.get(principal), rows.get(account)
    return Known(
        found["attributes"] if found else None,
        inside["attributes"] if inside else None,
        inside["connector"] if inside else None,
    )


def _id(ref: Ref) -> Any:
    return identity.node_id(TENANT, ref.kind, ref.native_id)
