"""How long reading everything takes. For a machine that does nothing else: `make bench`."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from grantwire.graph import Graph, runs
from tests.support import everything, following
from tests.support.keys import KEYS
from tests.support.timing import ready, seconds
from tests.support.world import SERVICES, Sandbox, World, sandbox, world

ACCOUNTS: Final = (
    "--calm",
    "--accounts",
    "10",
    "--users",
    "100",
    "--groups",
    "20",
    "--roles",
    "50",
    "--latency-ms",
    "30",
)
DIRECTORY: Final = ("--directory-users", "500", "--directory-groups", "100", "--permission-sets", "20")
PAIRS: Final = ("--provisioned", "50", "--directory-largest", "90")
UNLIMITED: Final = dict.fromkeys(("GRANTWIRE_IAM_RATE", "GRANTWIRE_ORGANIZATIONS_RATE"), "0")
FIRST, NEXT = 6.0, 4.0  # seconds
RATE, SLACK = 20, 1.15
ROUNDS: Final = 3
CENTER: Final = ("sso:", "identitystore:")


@pytest.fixture
def aws() -> Iterator[Sandbox]:
    with sandbox(12, *ACCOUNTS, *DIRECTORY, *PAIRS, *everything.OPTIONS) as running:
        yield running


@pytest.mark.slow
@pytest.mark.timeout(400)
async def test_everything_takes_less_than_six_seconds(
    aws: Sandbox, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without keys: first, and again. The best of each is judged: a machine is only ever slower than it can be."""
    rounds = [await _round(aws, tmp_path / f"state{number}") for number in range(ROUNDS)]
    with capsys.disabled():
        for first, again in rounds:
            print(f"\nfirst {first:.2f} s, next {again:.2f} s", end="")
    assert min(first for first, _ in rounds) < FIRST
    assert min(again for _, again in rounds) < NEXT


async def _round(aws: Sandbox, state: Path) -> tuple[float, float]:
    with world(state, aws.environment() | UNLIMITED | {"GRANTWIRE_IDENTITY_CENTER_RATE": "0"}, *SERVICES) as running:
        first = await _synced(aws, running)
        return seconds(first), seconds(await _synced(aws, running))


@pytest.mark.slow
@pytest.mark.timeout(400)
async def test_identity_center_is_read_as_fast_as_aws_allows(
    aws: Sandbox, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """AWS's 20 calls a second for both of its services: the sync takes hardly longer than its calls need."""
    with world(tmp_path / "state", aws.environment() | UNLIMITED, *SERVICES) as running:
        view = await _synced(aws, running)
    calls = sum(count for part in view.scopes for name, count in part.calls.items() if name.startswith(CENTER))
    with capsys.disabled():
        print(f"\n{calls} calls of Identity Center in {seconds(view):.2f} s: {seconds(view) * RATE / calls:.2f} x")
    assert seconds(view) < SLACK * calls / RATE


async def _synced(aws: Sandbox, running: World) -> Any:
    """Looking seldom: who waits must not slow down what is measured."""
    await ready(running)
    without_keys: dict[str, Any] = {"sync_secrets": False, "scim": False, "scim_endpoint": None, "scim_token": None}
    settings, center = everything.settings(aws, **without_keys), everything.instance(aws)
    async with Graph.open(running.database_url, application_name="tests", keys=KEYS) as graph:
        await following.add(graph, settings, aws.organization, identity_center=center)
        run = await runs.request(graph, "prod", cause="manual", traceparent=None)
        while (view := await runs.get(graph, run)).state not in following.ENDED:
            await asyncio.sleep(0.3)
    assert view.state == "complete", [(part.scope, part.reason) for part in view.scopes if part.reason]
    return view
