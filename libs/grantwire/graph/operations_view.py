"""Commands as people see them: which there are, how far each is, what was noted of it; and the wish to end one."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg

from grantwire.contracts.commands import Ref
from grantwire.contracts.failures import Ambiguous, Conflict, NotFound
from grantwire.contracts.ids import TENANT
from grantwire.contracts.resources import Kind
from grantwire.graph import names
from grantwire.graph.export import tenant_of
from grantwire.graph.identity import node_id
from grantwire.graph.labels import account_label, label, pair_of, permission_set_name
from grantwire.graph.nodes import Node
from grantwire.graph.operation import Operation
from grantwire.graph.operations import operation_from
from grantwire.graph.pool import Graph
from grantwire.graph.statements import operations as sql
from grantwire.graph.telling import Audited, audited, note


@dataclass(frozen=True, slots=True)
class OperationView:
    """A command and how far it is. ``told`` is the last message about it, with its ``state``; ``due_at`` when it is
    looked at next, while it is open."""

    operation: Operation
    received_at: datetime
    due_at: datetime
    final_at: datetime | None
    told: dict[str, Any]

    @property
    def open(self) -> bool:
        return self.final_at is None


async def operations(
    graph: Graph,
    *,
    team: str | None = None,
    connector: str | None = None,
    open: bool | None = None,
    before: int | None = None,
    limit: int = 50,
) -> list[OperationView]:
    """The newest first, by their place in the stream of commands; ``before`` is that of the last one seen."""
    async with graph.connection() as connection:
        rows = await connection.fetch(sql.LIST, TENANT, team, connector, open, before, limit)
    return [_view(row) for row in rows]


async def operation(graph: Graph, id: UUID, team: str | None = None) -> tuple[OperationView, list[Audited]]:
    """One of them, and what was noted of it, oldest first. Raises ``NotFound``, and ``Ambiguous`` when several teams
    have chosen that id."""
    async with graph.connection() as connection:
        rows = await connection.fetch(sql.SHOW, TENANT, id, team)
    if not rows:
        raise NotFound(
            f"No command {id} is known. One that was just sent is in a moment, if a provisioner runs; "
            "`grantwire operations list` shows those there are."
        )
    if len(rows) > 1:
        raise Ambiguous(f"Several teams have a command {id}; name one (--team).", [row["team"] for row in rows])
    found = _view(rows[0])
    return found, [each for each in await audited(graph, id) if each.team == found.operation.team]


async def cancel(graph: Graph, id: UUID, by: str, team: str | None = None) -> OperationView:
    """Ask for its end: it ends as ``refused`` if nothing was written for it yet, else it goes on to its outcome.

    Raises ``NotFound``, ``Ambiguous``, and ``Conflict`` for one that has ended.
    """
    found, _ = await operation(graph, id, team)
    whose = found.operation
    async with graph.transaction() as connection:
        said = await connection.execute(sql.CANCEL, TENANT, whose.team, id, by)
        if said.endswith(" 0"):
            raise Conflict(_too_late(found))
        await note(connection, whose.team, whose.command, "cancel_asked", {"by": by})
    return found


def _too_late(found: OperationView) -> str:
    if found.operation.cancelled_by is not None and found.open:
        return f"{found.operation.cancelled_by} has cancelled command {found.operation.id} already."
    return f"Command {found.operation.id} has ended as {found.told['state']}; a revoke undoes a grant."


def _view(row: asyncpg.Record) -> OperationView:
    return OperationView(
        operation_from(row),
        row["received_at"],
        row["due_at"],
        row["final_at"],
        row["outcome"] or {"state": row["state"]},
    )


async def displays(graph: Graph, views: Iterable[OperationView]) -> dict[Ref, str]:
    """What people call the ends of these commands, where the graph knows them."""
    refs = {ref for view in views for ref in (view.operation.command.principal, view.operation.command.target)}
    ids = {ref: node_id(TENANT, ref.kind, ref.native_id) for ref in refs}
    async with graph.transaction(snapshot=True) as connection:
        tenant = await tenant_of(connection)
        lending = {id for ref in refs if ref.kind is Kind.PROVISIONED_PERMISSION_SET for id in _lending(ref)}
        known = await names.nodes(connection, {*ids.values(), *lending}, tenant)
    return {ref: _display(ref, ids[ref], known) for ref in refs}


def _lending(ref: Ref) -> set[UUID]:
    """The account and the permission set that lend a pair their names, provisioned or not."""
    account, arn = pair_of(ref.native_id)
    return {node_id(TENANT, Kind.ACCOUNT, account), node_id(TENANT, Kind.PERMISSION_SET, arn)}


def _display(ref: Ref, id: UUID, known: Mapping[UUID, Node]) -> str:
    if ref.kind is Kind.PROVISIONED_PERMISSION_SET:
        account, arn = pair_of(ref.native_id)
        return f"{permission_set_name(arn, known)} in {account_label(account, known)}"
    return label(known[id], known) if id in known else ref.native_id
