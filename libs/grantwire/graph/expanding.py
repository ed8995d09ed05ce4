"""The accounts of an organization become parts of a run, once the organization's own part of it has ended.

What becomes of each account is decided by a pure rule that the caller brings; this gathers what the rule goes by and
carries out what it says, in one transaction.
"""

from collections.abc import Iterable, Mapping
from uuid import UUID

import asyncpg

from grantwire.contracts.connectors import Connector
from grantwire.contracts.ids import TENANT, AccountId, iam_scope
from grantwire.contracts.snapshots import Reason
from grantwire.graph import claiming, retiring
from grantwire.graph.fleet import members
from grantwire.graph.history import run_id
from grantwire.graph.outages import repeated
from grantwire.graph.pool import Connection, Graph
from grantwire.graph.standing import settle
from grantwire.graph.statements import connectors as connector_sql
from grantwire.graph.statements import fleet as sql
from grantwire.graph.statements import scopes as scope_sql
from grantwire.graph.wanted import Decide, Decision, Gap, Known, Standing


async def to_expand(graph: Graph) -> list[str]:
    """The runs whose accounts can be decided about now, the oldest first."""
    async with graph.connection() as connection:
        return [str(row["id"]) for row in await connection.fetch(sql.TO_EXPAND, TENANT)]


async def expand(graph: Graph, run: str, decide: Decide) -> Decision | None:
    """Add the accounts' parts to a run; returns what was decided. None if another scheduler does it or did it, or if
    the connector is gone."""

    async def work() -> Decision | None:
        async with graph.transaction() as connection:
            await connection.execute(connector_sql.LOCK, TENANT)
            row = await connection.fetchrow(sql.CLAIM_RUN, TENANT, run_id(run))
            return await _expand(connection, row, decide) if row is not None else None

    return await repeated(work)


async def _expand(connection: Connection, run: asyncpg.Record, decide: Decide) -> Decision | None:
    await connection.execute(sql.EXPANDED, TENANT, run["id"])
    connector = await connection.fetchrow(connector_sql.GET, TENANT, run["connector"])
    if connector is None or connector["account"] is None:
        return None
    decision = decide(await _known(connection, run, connector))
    await _carry_out(connection, run["id"], connector, decision)
    return decision


async def _known(connection: Connection, run: asyncpg.Record, connector: asyncpg.Record) -> Known:
    """By the settings of now, not of when the run was asked for: what a person changed meanwhile counts."""
    id, organization = connector["id"], connector["organization"]
    gaps = await connection.fetch(sql.GAPS, TENANT, id)
    taken = await connection.fetch(sql.TAKEN, TENANT, id)
    return Known(
        connector=Connector.model_validate(connector["settings"]),
        account=connector["account"],
        organization=organization,
        cause=run["cause"],
        now=run["now"],
        members=tuple(await members(connection, organization)) if organization else (),
        gaps={row["account"]: Gap(row["reason"], row["until"]) for row in gaps},
        scopes=tuple(Standing(**row) for row in await connection.fetch(sql.STANDINGS, TENANT, id)),
        taken={row["account"]: row["connector"] for row in taken},
    )


async def _carry_out(connection: Connection, run: UUID, connector: asyncpg.Record, decision: Decision) -> None:
    id, unreachable = connector["id"], _by_scope(decision.unreachable)
    wanted = [*decision.jobs, *decision.unreachable]
    elsewhere = await claiming.elsewhere(connection, id, _scopes(wanted))
    await retiring.lock(connection, [*elsewhere, *decision.retire, *unreachable])
    await claiming.claim(connection, id, [("iam", iam_scope(AccountId(account)), account) for account in wanted])
    for key in (key for key, retired in elsewhere.items() if retired):
        await retiring.restore(connection, key)
    for key, why in sorted(decision.retire.items()):
        await retiring.retire(connection, key, why)
    await _add_parts(connection, (run, id, connector["version"]), decision.jobs, unreachable)
    await connection.execute(sql.SAY_ONCE, TENANT, id, "warning", decision.skipped)
    await settle(connection, id)


async def _add_parts(
    connection: Connection, which: tuple[UUID, str, int], jobs: Iterable[str], unreachable: Mapping[str, Reason]
) -> None:
    keys, reasons = list(unreachable), [reason.model_dump() for reason in unreachable.values()]
    await connection.execute(scope_sql.UNREACHABLE, TENANT, which[1], keys, reasons)
    await connection.execute(sql.ADD_UNREACHABLE, TENANT, *which, keys, reasons)
    await connection.execute(sql.ADD_PARTS, TENANT, *which, _scopes(jobs))


def _scopes(accounts: Iterable[str]) -> list[str]:
    return [iam_scope(AccountId(account)) for account in accounts]


def _by_scope(reasons: Mapping[str, Reason]) -> dict[str, Reason]:
    return {iam_scope(AccountId(account)): reason for account, reason in reasons.items()}
