"""How long an organization takes. For a machine that does nothing else: `make bench`."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from grantwire.graph import Graph, runs
from tests.support import following
from tests.support.keys import KEYS
from tests.support.timing import ready, seconds
from tests.support.world import SERVICES, Sandbox, sandbox, world

SIZE = ("--calm", "--accounts", "10", "--users", "100", "--groups", "20", "--roles", "50", "--latency-ms", "30")
UNLIMITED = {"GRANTWIRE_IAM_RATE": "0", "GRANTWIRE_ORGANIZATIONS_RATE": "0", "GRANTWIRE_IDENTITY_CENTER_RATE": "0"}
MOST = 4.0
ROUNDS = 4


@pytest.fixture
def aws() -> Iterator[Sandbox]:
    with sandbox(12, *SIZE) as running:
        yield running


@pytest.mark.slow
async def test_ten_accounts_take_less_than_four_seconds(
    aws: Sandbox, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """First, again, and again in full: 30 ms a call, no limit of calls a second, processes that wait for work.

    Each time in a world of its own; the best of each is judged, because a machine is only ever slower than it can be.
    """
    rounds = [await _round(aws, tmp_path / f"state{number}") for number in range(ROUNDS)]
    with capsys.disabled():
        for took in rounds:
            print("\n" + ", ".join(f"{name} sync of 10 accounts: {each:.2f} s" for name, each in took.items()), end="")
        print()
    best = {name: min(took[name] for took in rounds) for name in rounds[0]}
    assert max(best.values()) < MOST, best


async def _round(aws: Sandbox, state: Path) -> dict[str, float]:
    with world(state, aws.environment() | UNLIMITED, *SERVICES) as running:
        await ready(running)
        async with Graph.open(running.database_url, application_name="tests", keys=KEYS) as graph:
            await following.add(graph, aws.connector("organization"), aws.organization)
            kinds = (("first", False), ("next", False), ("full", True))
            return {name: seconds(await _sync(graph, full)) for name, full in kinds}


async def _sync(graph: Graph, full: bool) -> Any:
    """Looking seldom: who waits must not slow down what is measured."""
    run = await runs.request(graph, "prod", cause="manual", traceparent=None, full=full)
    while (view := await runs.get(graph, run)).state not in following.ENDED:
        await asyncio.sleep(0.3)
    assert view.state == "complete", [(part.scope, part.reason) for part in view.scopes if part.reason]
    return view
