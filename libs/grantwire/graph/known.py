"""What the graph knows of a command: its connector, its two ends, and the account that it changes."""

from dataclasses import dataclass
from uuid import UUID

from grantwire.contracts.commands import AccessCommand, Ref
from grantwire.contracts.ids import TENANT
from grantwire.contracts.resources import Kind
from grantwire.graph import identity
from grantwire.graph.connectors import StoredConnector, stored_from
from grantwire.graph.operation import Known
from grantwire.graph.pool import Graph
from grantwire.graph.statements import operations as sql


@dataclass(frozen=True, slots=True)
class Around:
    """``connector`` is without its log, and None where there is none."""

    connector: StoredConnector | None
    facts: Known


async def around(graph: Graph, command: AccessCommand) -> Around:
    """In one look. Raises ``DependencyDown``."""
    principal, account = _id(command.principal), _id(Ref(kind=Kind.ACCOUNT, native_id=command.account))
    async with graph.connection() as connection:
        row = await connection.fetchrow(sql.AROUND, TENANT, command.connector, principal, account)
    assert row is not None
    stored = stored_from(row) if row["id"] is not None else None
    return Around(stored, Known(row["principal"], row["inside"], row["account_of"]))


def _id(ref: Ref) -> UUID:
    return identity.node_id(TENANT, ref.kind, ref.native_id)
