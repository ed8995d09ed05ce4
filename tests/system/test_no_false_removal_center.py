"""No evidence, no removal, in Identity Center: each call that reads it × each fault."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
import pytest_asyncio

from tests.support.center_matrix import CenterCell, rows
from tests.support.house import house, use
from tests.support.matrix import Seen, check, nothing_vanished
from tests.support.nats import NatsServer
from tests.support.postgres import Server, cloned, postgres_server, template_url
from tests.support.proving import Aftermath, Everything
from tests.support.world import Sandbox, sandbox

__all__ = ["postgres_server", "template_url"]

ACCOUNTS = ("--calm", "--accounts", "3", "--users", "4", "--groups", "2", "--roles", "4")
DIRECTORY = ("--directory-users", "12", "--directory-groups", "6", "--permission-sets", "8", "--provisioned", "21")
ROWS = list(rows())
CELLS = [(row, cell) for row in ROWS for cell in row]
SOURCES = ("organization", "iam", "identity_center")


@dataclass
class Runs:
    """Each row's run, made when the first of its cells is asked for."""

    proving: Everything
    done: dict[tuple[CenterCell, ...], Aftermath] = field(default_factory=dict)

    async def under(self, row: tuple[CenterCell, ...]) -> Aftermath:
        if row not in self.done:
            self.done[row] = await self.proving.under(row, [self.proving.aws.account] * len(row))
            await self.proving.whole()
        return self.done[row]


@pytest.fixture(scope="module")
def aws() -> Iterator[Sandbox]:
    with sandbox(16, *ACCOUNTS, *DIRECTORY, "--identity-center") as running, pytest.MonkeyPatch.context() as patch:
        use(running, patch)
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def made(aws: Sandbox, postgres_server: Server, template_url: str) -> AsyncIterator[Runs]:
    with NatsServer() as nats:
        async with (
            cloned(postgres_server, template_url) as database,
            house(database, nats.url, impatient=True) as home,
        ):
            proving = Everything(aws, home, sources=SOURCES)
            await proving.whole()
            yield Runs(proving)


def _slow_but_every_ninth() -> Iterator[Any]:
    for row, cell in CELLS:
        marks = [] if ROWS.index(row) % 9 == 0 else [pytest.mark.slow]
        yield pytest.param(row, cell, id=str(cell), marks=marks)


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize(("row", "cell"), list(_slow_but_every_ninth()))
async def test_a_fault_removes_nothing_is_said_and_heals(
    made: Runs, row: tuple[CenterCell, ...], cell: CenterCell
) -> None:
    found = await made.under(row)
    nothing_vanished(found.before, found.after, found.told)
    scopes = [scope for key, scope in found.scopes.items() if key.startswith(cell.scope or _ALL) and scope.rows]
    assert scopes, found.scopes.keys()
    for scope in scopes:
        # What another scope shows is its own: the export as a whole is compared once nothing is faulty any more.
        check(cell, Seen([], [], [], scope, found.fired[row.index(cell)]))


_ALL = ("directory_", "permission_sets/", "assignments/")


def test_every_call_meets_every_fault() -> None:
    assert len({cell for _, cell in CELLS}) == len(CELLS) >= 140
