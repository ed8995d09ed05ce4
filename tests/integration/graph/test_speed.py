"""How fast a large scope is applied. Figures are printed; the bound only catches a change of order."""

import pytest

from grantwire.contracts.ids import TENANT
from grantwire.contracts.resources import KIND_CODES, RELATION_CODES, Facts, Kind
from grantwire.graph import Graph
from grantwire.graph.identity import node_id
from grantwire.graph.statements import inventory as inventory_sql
from grantwire.graph.statements import queries as sql
from grantwire.telemetry.clock import monotonic
from tests.integration.graph.scenes import Bus, arn, facts, fetch, group, member, user

USERS, GROUPS = 25_000, 500


def world(level: int = 0) -> Facts:
    users = [user(f"person{n:06}", level=level if n % 100 == 0 else 0) for n in range(USERS)]
    groups = [group(f"team{n:04}") for n in range(GROUPS)]
    return facts(
        [*users, *groups], [member(groups[(n + k * 7) % GROUPS], users[n]) for n in range(USERS) for k in range(3)]
    )


@pytest.mark.slow
async def test_a_hundred_thousand_rows(graph: Graph, capsys: pytest.CaptureFixture[str]) -> None:
    bus, rows = Bus(graph), USERS * 4 + GROUPS
    first, again, changed = world(), world(), world(level=1)
    took = {}
    for name, content in (("first load", first), ("nothing changed", again), ("1 % of users changed", changed)):
        begun = monotonic()
        applied = await bus.send(content)
        took[name] = monotonic() - begun
    assert (applied.changed, applied.inserted) == (USERS // 100, 0)
    with capsys.disabled():
        print(
            "\n"
            + "\n".join(f"{name}: {rows} rows in {took[name]:.1f} s = {rows / took[name]:,.0f} rows/s" for name in took)
        )
    assert took["first load"] < 60
    await _answers_use_indexes(graph)


async def _answers_use_indexes(graph: Graph) -> None:
    """The views that readers go through must not turn a look-up into a scan."""
    person = [node_id(TENANT, Kind.IAM_USER, arn("user", "person000007"))]
    kinds = [KIND_CODES[Kind.IAM_USER]]
    for statement, *values in (
        (sql.NODES, person),
        (sql.BY_NAME, "person000007", kinds),
        (sql.BY_LINEAGE, person, kinds),
        (sql.BY_DISPLAY_NAME, "person000007"),
        (sql.BY_EMAIL, "person000007@x.org"),
        (sql.STEPS_FROM, person, list(RELATION_CODES.values())),
        (sql.STEPS_TO, person, list(RELATION_CODES.values())),
        (sql.PRINCIPALS_OF, ["000000000000"], kinds),
        (sql.PRINCIPALS_CALLED, person),
        (inventory_sql.KEYS, None, None, None, None, None, False, 500, "", ""),
        (inventory_sql.KEYS, None, person, "active", "2026-01-01", "2026-01-01", True, 500, "2025-01-01", "AKIA1"),
        (inventory_sql.ROOTS, None),
    ):
        plan = "\n".join(row[0] for row in await fetch(graph, f"EXPLAIN {statement}", TENANT, *values))
        assert "Seq Scan on node" not in plan and "Seq Scan on edge" not in plan, plan
