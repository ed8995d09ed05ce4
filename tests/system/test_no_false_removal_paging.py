"""No evidence, no removal, on second pages: a page that leads back to an earlier one, of every call that has pages."""

from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
import pytest_asyncio

from tests.support.house import house, use
from tests.support.matrix import OF_PLAN, ORGANIZATION, Cell, Seen, check, second_pages
from tests.support.nats import NatsServer
from tests.support.postgres import Server, cloned, postgres_server, template_url
from tests.support.proving import Proving
from tests.support.world import Sandbox, sandbox

__all__ = ["postgres_server", "template_url"]

SIZE = ("--calm", "--accounts", "3", "--users", "6", "--groups", "3", "--roles", "8")
CELLS = [
    *second_pages("tree", ORGANIZATION),
    *(cell for plan, all_ in OF_PLAN.items() for cell in second_pages(plan, all_)),
]
CHOSEN = {("tree", "ListAccounts"), ("bulk", "ListRoles")}


@pytest.fixture(scope="module")
def aws() -> Iterator[Sandbox]:
    with sandbox(14, *SIZE) as running, pytest.MonkeyPatch.context() as patch:
        use(running, patch)
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def provings(aws: Sandbox, postgres_server: Server, template_url: str) -> AsyncIterator[dict[str, Proving]]:
    """A reader by each plan, side by side."""
    with NatsServer() as one, NatsServer() as other:
        async with (
            cloned(postgres_server, template_url) as first,
            cloned(postgres_server, template_url) as second,
            house(first, one.url, impatient=True) as bulk,
            house(second, other.url, impatient=True) as minimum,
        ):
            found = {"bulk": Proving(aws, bulk), "minimum": Proving(aws, minimum, "minimum")}
            for proving in found.values():
                await proving.whole()
            yield {**found, "tree": found["bulk"]}


def _slow_unless_chosen(cell: Cell) -> Any:
    return pytest.param(cell, id=str(cell), marks=[] if (cell.plan, cell.operation) in CHOSEN else [pytest.mark.slow])


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("cell", list(map(_slow_unless_chosen, CELLS)))
async def test_a_page_that_leads_back_is_never_the_end(provings: dict[str, Proving], cell: Cell) -> None:
    proving = provings[cell.plan]
    aws = proving.aws
    account = aws.account if cell.plan == "tree" else aws.members[-1]
    scope = f"organization/{aws.organization}" if cell.plan == "tree" else f"iam/{account}"
    found = await proving.on_second_pages(cell, account, scope)
    check(cell, Seen(found.before, found.after, found.told, found.scopes[scope], found.fired[0]))
    await proving.whole()
