"""The accounts of an organization become parts of a run, once the organization's own part of it has ended; what needs
no account is read beside it.

What becomes of each scope is decided by a pure rule that the caller brings; this gathers what the rule goes by and
carries out what it says, in one transaction.
"""

from collections.abc import Mapping, Sequence
from uuid import UUID

import asyncpg

from grantwire.contracts.identity_center import IdentityCenter
from grantwire.contracts.ids import TENANT
from grantwire.contracts.resources import KIND_CODES, RELATION_CODES, Kind, RelationKind
from grantwire.contracts.snapshots import Reason
from grantwire.graph import claiming, retiring, secrets
from grantwire.graph.fleet import members
from grantwire.graph.history import run_id
from grantwire.graph.outages import repeated
from grantwire.graph.pool import Connection, Graph
from grantwire.graph.standing import settle
from grantwire.graph.statements import connectors as connector_sql
from grantwire.graph.statements import fleet as sql
from grantwire.graph.statements import scopes as scope_sql
from grantwire.graph.wanted import Decide, Decision, Gap, Known, Part, Standing

_NAMED_SETS = RELATION_CODES[RelationKind.INSTANCE_OF], KIND_CODES[Kind.PERMISSION_SET]


async def to_begin(graph: Graph) -> list[str]:
    """The runs of which nothing is on the bus yet, where more than the organization can be read at once."""
    async with graph.connection() as connection:
        return [str(row["id"]) for row in await connection.fetch(sql.TO_BEGIN, TENANT)]


async def begin(graph: Graph, run: str, decide: Decide) -> Decision | None:
    """Add the parts that are read beside the organization; returns what was decided. None as for ``expand``, which
    leaves what is there already."""

    async def work() -> Decision | None:
        async with graph.transaction() as connection:
            row = await _claimed(connection, run)
            return await _decided(connection, row, decide) if row is not None else None

    return await repeated(work)


async def to_expand(graph: Graph) -> list[str]:
    """The runs whose accounts can be decided about now, the oldest first."""
    async with graph.connection() as connection:
        return [str(row["id"]) for row in await connection.fetch(sql.TO_EXPAND, TENANT)]


async def expand(graph: Graph, run: str, decide: Decide) -> Decision | None:
    """Add the accounts' parts to a run; returns what was decided. None if another scheduler does it or did it, or if
    the connector is gone."""

    async def work() -> Decision | None:
        async with graph.transaction() as connection:
            row = await _claimed(connection, run)
            if row is None:
                return None
            await connection.execute(sql.EXPANDED, TENANT, row["id"])
            return await _decided(connection, row, decide)

    return await repeated(work)


async def _claimed(connection: Connection, run: str) -> asyncpg.Record | None:
    """The run, if its accounts were not decided about and nobody else does it now."""
    await connection.execute(connector_sql.LOCK, TENANT)
    return await connection.fetchrow(sql.CLAIM_RUN, TENANT, run_id(run))


async def _decided(connection: Connection, run: asyncpg.Record, decide: Decide) -> Decision | None:
    connector = await connection.fetchrow(connector_sql.GET, TENANT, run["connector"])
    if connector is None or connector["account"] is None:
        return None
    decision = decide(await _known(connection, run, connector))
    await _carry_out(connection, run["id"], connector, decision)
    return decision


async def _known(connection: Connection, run: asyncpg.Record, connector: asyncpg.Record) -> Known:
    """By the settings of now, not of when the run was asked for: what a person changed meanwhile counts."""
    id, organization, center = connector["id"], connector["organization"], connector["identity_center"]
    gaps = await connection.fetch(sql.GAPS, TENANT, id)
    taken = await connection.fetch(sql.TAKEN, TENANT, id)
    return Known(
        connector=secrets.without(connector["settings"]),
        account=connector["account"],
        organization=organization,
        cause=run["cause"],
        now=run["now"],
        members=tuple(await members(connection, organization)) if organization else (),
        gaps={row["account"]: Gap(row["reason"], row["until"]) for row in gaps},
        scopes=tuple(Standing(**row) for row in await connection.fetch(sql.STANDINGS, TENANT, id)),
        taken={row["account"]: row["connector"] for row in taken},
        identity_center=IdentityCenter.model_validate(center) if center else None,
        unknown_sets=bool(center) and await connection.fetchval(sql.UNKNOWN_SETS, TENANT, id, *_NAMED_SETS),
    )


async def _carry_out(connection: Connection, run: UUID, connector: asyncpg.Record, decision: Decision) -> None:
    id, unreachable = connector["id"], {part.key: reason for part, reason in decision.unreachable.items()}
    wanted = [*decision.jobs, *decision.unreachable]
    elsewhere = await claiming.elsewhere(connection, id, [part.key for part in wanted])
    await retiring.lock(connection, [*elsewhere, *decision.retire, *unreachable])
    await claiming.claim(connection, id, wanted)
    for key in reversed(retiring.leaving(key for key, retired in elsewhere.items() if retired)):
        await retiring.restore(connection, key)
    for key in retiring.leaving(decision.retire):
        await retiring.retire(connection, key, decision.retire[key])
    await _add_parts(connection, (run, id, connector["version"]), decision.jobs, unreachable)
    await connection.execute(sql.SAY_ONCE, TENANT, id, "warning", decision.skipped)
    await settle(connection, id)


async def _add_parts(
    connection: Connection, which: tuple[UUID, str, int], jobs: Sequence[Part], unreachable: Mapping[str, Reason]
) -> None:
    keys, reasons = list(unreachable), [reason.model_dump() for reason in unreachable.values()]
    await connection.execute(scope_sql.UNREACHABLE, TENANT, which[1], keys, reasons)
    await connection.execute(sql.ADD_UNREACHABLE, TENANT, *which, keys, reasons)
    await connection.execute(sql.ADD_PARTS, TENANT, *which, [part.key for part in jobs])
