"""What reading everything costs: calls of a first sync and of the next, with keys and without."""

from collections import Counter
from collections.abc import AsyncIterator, Iterator
from typing import Any, Final

import pytest
import pytest_asyncio

from grantwire.graph import runs
from tests.support import everything, following
from tests.support.house import House, house, use
from tests.support.nats import NatsServer
from tests.support.oracle import judge
from tests.support.postgres import database_url, postgres_server, template_url
from tests.support.world import Sandbox, sandbox

__all__ = ["database_url", "postgres_server", "template_url"]

ACCOUNTS: Final = ("--calm", "--accounts", "10", "--users", "100", "--groups", "20", "--roles", "50")
DIRECTORY: Final = ("--directory-users", "500", "--directory-groups", "100", "--permission-sets", "20")
PAIRS: Final = ("--provisioned", "50", "--directory-largest", "90")  # a page for each group and each pair
FIRST, FIRST_WITH_KEYS, NEXT, BETWEEN = 380, 1_450, 400, 300  # calls at most; BETWEEN two refreshes of permission sets
NO_SCIM: Final[dict[str, Any]] = {"scim": False, "scim_endpoint": None, "scim_token": None}


@pytest.fixture(scope="module")
def aws() -> Iterator[Sandbox]:
    with sandbox(12, *ACCOUNTS, *DIRECTORY, *PAIRS, *everything.OPTIONS) as running:
        yield running


@pytest_asyncio.fixture
async def home(aws: Sandbox, database_url: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[House]:
    use(aws, monkeypatch)
    with NatsServer() as nats:
        async with house(database_url, nats.url) as running:
            yield running


@pytest.mark.parametrize(
    ("secrets", "first"),
    [
        pytest.param(False, FIRST, id="without keys"),
        pytest.param(True, FIRST_WITH_KEYS, id="with keys", marks=pytest.mark.slow),
    ],
)
async def test_everything_costs_few_calls(
    aws: Sandbox, home: House, secrets: bool, first: int, capsys: pytest.CaptureFixture[str]
) -> None:
    """AWS's calls; the endpoint of SCIM has a rate of its own, and is not one of them."""
    await following.add(
        home.graph,
        everything.settings(aws, sync_secrets=secrets, **NO_SCIM),
        aws.organization,
        identity_center=everything.instance(aws),
    )
    asked = {"first": await _asked(aws, home, "manual"), "next": await _asked(aws, home, "manual")}
    asked["between refreshes"] = await _asked(aws, home, "interval")
    with capsys.disabled():
        print("\n" + ", ".join(f"{name}: {calls} calls" for name, calls in asked.items()))
    assert asked["first"] <= first
    assert asked["next"] <= NEXT
    assert asked["between refreshes"] <= BETWEEN
    sources = [source for source in everything.SOURCES if source != "scim" and (secrets or source != "credentials")]
    verdict = judge(everything.truth(aws, sources=tuple(sources)), await following.export(home.graph))
    assert verdict.equal, str(verdict)


async def _asked(aws: Sandbox, home: House, cause: runs.Cause) -> int:
    """The calls of one run, as AWS counts them. None is missing from what we count; a request that was lost on its way
    is in ours alone."""
    aws.forget_calls()
    run = await runs.request(home.graph, "prod", cause=cause, traceparent=None)
    view: Any = await following.ended(home.graph, run)
    assert view.state == "complete", [(part.scope, part.reason) for part in view.scopes if part.reason]
    asked = Counter[str]()
    for name, count in aws.calls().items():  # IAM and the directory both list users
        asked[name.rpartition(".")[2]] += count
    counted = Counter[str]()
    for part in view.scopes:
        for name, count in part.calls.items():
            counted[name.partition(":")[2]] += count
    assert not asked - counted
    return asked.total()
