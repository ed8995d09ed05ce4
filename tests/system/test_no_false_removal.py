"""No evidence, no removal, in every account: each call that reads one × each fault.

One run carries a whole row of the matrix: every account but a few meets another fault of the same call, and the others
must not notice. Then all is healed, and the next run is whole and equals the truth.
"""

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
import pytest_asyncio

from tests.support.house import house, use
from tests.support.matrix import OF_PLAN, Cell, Seen, cells, check, nothing_vanished, of_account
from tests.support.nats import NatsServer
from tests.support.postgres import Server, cloned, postgres_server, template_url
from tests.support.proving import Aftermath, Proving
from tests.support.world import Sandbox, sandbox

__all__ = ["postgres_server", "template_url"]

SIZE = ("--calm", "--accounts", "15", "--users", "8", "--groups", "6", "--roles", "8")
CELLS = [cell for plan, operations in OF_PLAN.items() for cell in cells(plan, operations)]
# The rows of `make test`: the way in, the call that tells most, and one that is made many times.
CHOSEN = {("bulk", "AssumeRole"), ("bulk", "GetAccountAuthorizationDetails"), ("minimum", "GetGroup")}


@dataclass
class Rows:
    """One plan's rows of the matrix, each run once when the first of its cells is asked for."""

    proving: Proving
    done: dict[str, dict[Cell, Seen]] = field(default_factory=dict)

    async def seen(self, cell: Cell) -> Seen:
        row = cell.operation
        if row not in self.done:
            self.done[row] = await self._run(cells(cell.plan, [row]))
            await self.proving.whole()
        return self.done[row][cell]

    async def _run(self, row: list[Cell]) -> dict[Cell, Seen]:
        accounts = self.proving.aws.members[1 : len(row) + 1]
        found = await self.proving.under(row, accounts)
        nothing_vanished(found.before, found.after, found.told)
        _others_are_whole(found.scopes, accounts)
        return {cell: _of(found, n, account) for n, (cell, account) in enumerate(zip(row, accounts, strict=True))}


def _of(found: Aftermath, number: int, account: str) -> Seen:
    """One account's share of what a row left behind."""
    told = [change for change in found.told if change["account"] == account]
    before, after = of_account(found.before, account), of_account(found.after, account)
    return Seen(before, after, told, found.scopes[f"iam/{account}"], found.fired[number])


def _others_are_whole(scopes: dict[str, Any], accounts: list[str]) -> None:
    """One bad account stops nothing else."""
    hit = {f"iam/{account}" for account in accounts}
    assert [key for key, scope in scopes.items() if key not in hit and scope.state != "complete"] == []


@pytest.fixture(scope="module")
def aws() -> Iterator[Sandbox]:
    with sandbox(8, *SIZE) as running, pytest.MonkeyPatch.context() as patch:
        use(running, patch)
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def rows(aws: Sandbox, postgres_server: Server, template_url: str) -> AsyncIterator[dict[str, Rows]]:
    """A reader by each plan, side by side."""
    with NatsServer() as one, NatsServer() as other:
        async with (
            cloned(postgres_server, template_url) as first,
            cloned(postgres_server, template_url) as second,
            house(first, one.url, impatient=True) as bulk,
            house(second, other.url, impatient=True) as minimum,
        ):
            found = {plan: Rows(Proving(aws, home, plan)) for plan, home in (("bulk", bulk), ("minimum", minimum))}
            for row in found.values():
                await row.proving.whole()
            yield found


def _slow_unless_chosen(cell: Cell) -> Any:
    return pytest.param(cell, id=str(cell), marks=[] if (cell.plan, cell.operation) in CHOSEN else [pytest.mark.slow])


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("cell", list(map(_slow_unless_chosen, CELLS)))
async def test_a_fault_removes_nothing_is_said_and_heals(rows: dict[str, Rows], cell: Cell) -> None:
    check(cell, await rows[cell.plan].seen(cell))
