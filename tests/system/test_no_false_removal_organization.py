"""No evidence, no removal, in the organization itself: each call that reads its tree, and the way in, × each fault."""

from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
import pytest_asyncio

from tests.support.house import house, use
from tests.support.matrix import ORGANIZATION, Cell, Seen, cells, check, third
from tests.support.nats import NatsServer
from tests.support.postgres import Server, cloned, postgres_server, template_url
from tests.support.proving import Aftermath, Proving
from tests.support.world import Sandbox, sandbox

__all__ = ["postgres_server", "template_url"]

SIZE = ("--calm", "--accounts", "3", "--users", "6", "--groups", "3", "--roles", "8")
TREE = cells("tree", ORGANIZATION)
ENTERING = cells("tree", ["AssumeRole"])
THIRD = {*third(0, TREE), *third(0, ENTERING)}


@pytest.fixture(scope="module")
def aws() -> Iterator[Sandbox]:
    with sandbox(9, *SIZE) as running, pytest.MonkeyPatch.context() as patch:
        use(running, patch)
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def proving(aws: Sandbox, postgres_server: Server, template_url: str) -> AsyncIterator[Proving]:
    with NatsServer() as nats:
        async with (
            cloned(postgres_server, template_url) as database,
            house(database, nats.url, impatient=True) as home,
        ):
            found = Proving(aws, home)
            await found.whole()
            yield found


def _slow_unless_chosen(cell: Cell) -> Any:
    return pytest.param(cell, id=str(cell), marks=[] if cell in THIRD else [pytest.mark.slow])


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("cell", list(map(_slow_unless_chosen, TREE)))
async def test_a_fault_of_a_call_that_reads_the_tree(proving: Proving, cell: Cell) -> None:
    found = await proving.under([cell], [proving.aws.account])
    check(cell, _seen(proving, found))
    await proving.whole()


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("cell", list(map(_slow_unless_chosen, ENTERING)))
async def test_a_connector_role_that_lets_nobody_in_makes_all_of_it_stale(proving: Proving, cell: Cell) -> None:
    found = await proving.under([cell], [proving.aws.account])
    check(cell, _seen(proving, found))
    assert len(found.scopes) == 1 + len(proving.aws.members)
    for scope in found.scopes.values():
        assert scope.state == "stale"
        assert "sts:AssumeRole" in scope.reason.text
    await proving.whole()


def _seen(proving: Proving, found: Aftermath) -> Seen:
    (fired,) = found.fired
    scope = found.scopes[f"organization/{proving.aws.organization}"]
    return Seen(found.before, found.after, found.told, scope, fired)
