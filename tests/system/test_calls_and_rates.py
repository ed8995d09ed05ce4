"""What an organization costs: calls, seconds, and the rate that AWS allows, shared by replicas."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from grantwire.graph import Graph, runs
from grantwire.telemetry.clock import monotonic
from tests.support import following
from tests.support.eventually import eventually
from tests.support.keys import KEYS
from tests.support.oracle import judge
from tests.support.timing import ready, seconds
from tests.support.world import SERVICES, Sandbox, World, sandbox, world

ACCOUNTS = 10
SIZE = ("--calm", "--accounts", str(ACCOUNTS), "--users", "100", "--groups", "20", "--roles", "50")
MOST_CALLS = 7 * ACCOUNTS + 10
REPLICAS = ("collector-iam", "collector-iam:2", "collector-iam:3", "collector-iam:4")


@pytest.fixture(scope="module")
def aws() -> Iterator[Sandbox]:
    with sandbox(12, *SIZE, "--latency-ms", "30") as running:
        yield running


@pytest.fixture(scope="module")
def running(aws: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    unlimited = {"GRANTWIRE_IAM_RATE": "0", "GRANTWIRE_ORGANIZATIONS_RATE": "0", "GRANTWIRE_IDENTITY_CENTER_RATE": "0"}
    with world(tmp_path_factory.mktemp("calls") / "state", aws.environment() | unlimited, *SERVICES) as started:
        yield started


@pytest.fixture
async def graph(running: World) -> AsyncIterator[Graph]:
    async with Graph.open(running.database_url, application_name="tests", keys=KEYS) as opened:
        yield opened


async def test_a_first_sync_and_the_next_cost_few_calls(
    graph: Graph, aws: Sandbox, running: World, capsys: pytest.CaptureFixture[str]
) -> None:
    """At most 7 calls an account and 10 more; the next sync costs no more. The seconds are told: `make bench` holds
    them to their bound, on a machine that does nothing else."""
    await ready(running)
    await following.add(graph, aws.connector("organization"), aws.organization)
    for name, full in (("first", False), ("next", False), ("full", True)):
        aws.forget_calls()
        view = await following.sync(graph, "prod", full=full)
        assert view.state == "complete", running.logs()
        counted, asked = sum(sum(part.calls.values()) for part in view.scopes), sum(aws.calls().values())
        assert counted == asked, "what we count is what was asked"
        assert asked <= MOST_CALLS, aws.calls()
        with capsys.disabled():
            print(f"\n{name} sync of {ACCOUNTS} accounts: {asked} calls, {seconds(view):.2f} s at 30 ms a call")
    verdict = judge(aws.truth(), await following.export(graph))
    assert verdict.equal, str(verdict)


@contextmanager
def limited(tmp_path: Path, accounts: int, groups: int) -> Iterator[tuple[Sandbox, World]]:
    """An organization whose accounts allow 20 IAM calls a second, and four collectors of IAM, none of which has lanes
    for all accounts."""
    lanes = {"GRANTWIRE_COLLECT_LANES": str(lanes_for(accounts))}
    size = ("--calm", "--accounts", str(accounts), "--users", "12", "--groups", str(groups), "--roles", "9")
    services = ("scheduler", "collector-organization", "projector", "relay")
    with (
        sandbox(13, *size, "--rate", f"iam={RATE}") as aws,
        world(tmp_path / "state", aws.environment() | lanes, *services, *REPLICAS) as started,
    ):
        yield aws, started


def lanes_for(accounts: int) -> int:
    """Of each collector: as few as are enough, so that all of them have work."""
    return -(-accounts // len(REPLICAS))


RATE = 20
WARM = 2.0  # seconds until the budget knows what AWS allows
STILL = 1.0  # seconds between two samples that nobody takes but a machine that is paused


@pytest.mark.timeout(240)
@pytest.mark.parametrize(
    ("accounts", "groups", "least"),
    # The short one runs beside other tests, which take their share of the machine.
    [pytest.param(4, 150, 0.7, id="short"), pytest.param(10, 400, 0.85, id="long", marks=pytest.mark.slow)],
)
async def test_four_collectors_share_what_aws_allows(
    tmp_path: Path, accounts: int, groups: int, least: float, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing is dropped, hardly a call is throttled, and little of what is allowed goes unused."""
    with limited(tmp_path, accounts, groups) as (aws, running):
        async with Graph.open(running.database_url, application_name="tests", keys=KEYS) as graph:
            await ready(running, lanes=lanes_for(accounts) * len(REPLICAS))
            await following.add(graph, aws.connector("organization_minimum"), aws.organization)
            samples = await _sampled(graph, aws)
            verdict = judge(aws.truth("minimum"), await following.export(graph))
            assert verdict.equal, f"{verdict}\n{running.logs()}"
    assert all("scope read" in (running.state / f"{name}.log").read_text() for name in REPLICAS), "one had no work"
    throttled, used = _throttled(samples), _used(samples)
    with capsys.disabled():
        print(f"\n{accounts} accounts: {throttled:.2%} throttled after {WARM:g} s, {used:.1%} of the rate used")
    assert throttled < 0.01
    assert used >= least


Sample = tuple[float, dict[str, dict[str, int]]]


async def _sampled(graph: Graph, aws: Sandbox) -> list[Sample]:
    """What each account was allowed and denied, as it was told five times a second until the run was complete."""
    run = await runs.request(graph, "prod", cause="manual", traceparent=None)
    samples: list[Sample] = []

    async def over() -> Any:
        (limit,) = await asyncio.to_thread(aws.get, "rates")
        samples.append((monotonic(), limit["accounts"]))
        await asyncio.sleep(0.2)  # between two samples, not for anything
        view = await runs.get(graph, run)
        return view if view.state in following.ENDED else None

    view = await eventually(over, timeout=180, what=f"the end of run {run}")
    assert view.state == "complete", [(part.scope, part.reason) for part in view.scopes if part.reason]
    return samples


def _busy(samples: list[Sample], account: str) -> list[tuple[float, int, int]]:
    """The samples of an account while there was work: since it was warm, until its calls came to an end."""
    found = [(at, of[account]["allowed"], of[account]["throttled"]) for at, of in samples if account in of]
    begun, total = found[0][0], found[-1][1]
    return [(at, allowed, refused) for at, allowed, refused in found if at >= begun + WARM and allowed < total]


def _steps(samples: list[Sample], account: str) -> list[tuple[float, int, int]]:
    """Between each two samples of an account that was busy: the seconds, and what was allowed and denied in them. Not
    where everything stood still, nor in the second after it: who was paused comes late, and asks much at once."""
    found, still_until = [], 0.0
    for (begun, *before), (ended, *after) in pairwise(_busy(samples, account)):
        if ended - begun > STILL:
            still_until = ended + 1.0
        elif begun >= still_until:
            found.append((ended - begun, after[0] - before[0], after[1] - before[1]))
    return found


def _throttled(samples: list[Sample]) -> float:
    steps = [step for account in samples[-1][1] for step in _steps(samples, account)]
    refused = sum(denied for _, _, denied in steps)
    return refused / max(1, refused + sum(allowed for _, allowed, _ in steps))


def _used(samples: list[Sample]) -> float:
    """The share of the allowed rate that all accounts used together while each had work."""
    steps = [step for account in samples[-1][1] for step in _steps(samples, account)]
    assert steps, json.dumps(samples[-1])
    return sum(allowed for _, allowed, _ in steps) / sum(seconds * RATE for seconds, _, _ in steps)
