"""No evidence, no removal, where the environment's own credentials are the connector's: sts:GetCallerIdentity × each
fault."""

from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
import pytest_asyncio

from tests.support.house import house, use
from tests.support.matrix import Cell, Seen, cells, check, third
from tests.support.nats import NatsServer
from tests.support.postgres import Server, cloned, postgres_server, template_url
from tests.support.proving import Proving
from tests.support.world import Sandbox, sandbox

__all__ = ["postgres_server", "template_url"]

SIZE = ("--calm", "--accounts", "3", "--users", "6", "--groups", "3", "--roles", "8")
CELLS = cells("tree", ["GetCallerIdentity"])
THIRD = set(third(0, CELLS))


@pytest.fixture(scope="module")
def aws() -> Iterator[Sandbox]:
    with sandbox(15, *SIZE) as running, pytest.MonkeyPatch.context() as patch:
        use(running, patch, "admin_credentials")
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def proving(aws: Sandbox, postgres_server: Server, template_url: str) -> AsyncIterator[Proving]:
    with NatsServer() as nats:
        async with (
            cloned(postgres_server, template_url) as database,
            house(database, nats.url, impatient=True) as home,
        ):
            found = Proving(aws, home, ambient=True)
            await found.whole()
            yield found


def _slow_unless_chosen(cell: Cell) -> Any:
    return pytest.param(cell, id=str(cell), marks=[] if cell in THIRD else [pytest.mark.slow])


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("cell", list(map(_slow_unless_chosen, CELLS)))
async def test_credentials_that_do_not_say_whose_they_are_read_nothing(proving: Proving, cell: Cell) -> None:
    found = await proving.under([cell], [proving.aws.account])
    for key, scope in found.scopes.items():
        told = [change for change in found.told if change["scope"] == key]
        check(cell, Seen(found.before, found.after, told, scope, found.fired[0]))
    await proving.whole()
