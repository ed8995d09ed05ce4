"""kill -9 of every process at random points of a sync: the graph equals the truth, no change is missing or doubled.

The schedule is seeded: what is killed and when is drawn once per seed, so a failure can be run again.
"""

import asyncio
import random
from pathlib import Path
from typing import Any

import pytest

from grantwire.graph import Graph
from tests.support import following
from tests.support.eventually import eventually
from tests.support.oracle import check_order, fold, judge, keys
from tests.support.world import SERVICES, Sandbox, World, sandbox, world

VICTIMS = ("collector-iam", "projector", "relay", "nats", "postgres")
SIZE = ("--users", "60", "--groups", "12", "--roles", "40", "--latency-ms", "40", "--short", "0.7", "--empty", "0.2")


@pytest.mark.timeout(240)
@pytest.mark.parametrize("seed", [11])
async def test_kills_during_a_sync_lose_and_double_nothing(tmp_path: Path, seed: int) -> None:
    await _kill_schedule(tmp_path, seed, rounds=1)


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("seed", [21, 22, 23, 24])
async def test_many_kills_during_many_syncs(tmp_path: Path, seed: int) -> None:
    await _kill_schedule(tmp_path, seed, rounds=5)


async def _kill_schedule(tmp_path: Path, seed: int, rounds: int) -> None:
    rng = random.Random(seed)
    with sandbox(seed, *SIZE) as aws, world(tmp_path / "state", aws.environment(), *SERVICES) as running:
        async with Graph.open(running.database_url, application_name="tests") as graph:
            await following.add(graph, aws.connector())
            await _sync_under_kills(graph, running, rng)
            baseline = keys(await following.export(graph))
            for number in range(rounds):
                _change(aws, number)
                await _sync_under_kills(graph, running, rng)
            await _verdict(graph, running, aws, baseline)
    assert all(running.kills[victim] >= 1 + rounds for victim in VICTIMS), running.kills


async def _sync_under_kills(graph: Graph, running: World, rng: random.Random) -> None:
    """One run while every victim is killed once, in a drawn order at drawn moments; then runs until one is complete."""
    sync = asyncio.create_task(_until_complete(graph, running))
    for victim in rng.sample(VICTIMS, len(VICTIMS)):
        await asyncio.sleep(rng.uniform(0.0, 0.8))  # the schedule itself, not a wait for anything
        running.kill(victim)
    await sync


async def _until_complete(graph: Graph, running: World) -> None:
    """A job that was killed at every delivery lands in DEAD, and the next run completes."""
    for _ in range(4):
        view = await _persistently(lambda: following.sync(graph, "prod", timeout=90))
        if view.state == "complete":
            return
    raise AssertionError(f"no run completed\n{running.logs()}")


async def _persistently(ask: Any) -> Any:
    """The test's own question meets the same killed Postgres: ask until it is answered."""
    from grantwire.contracts.failures import DependencyDown

    async def asked() -> Any:
        try:
            return await ask()
        except DependencyDown:
            return None

    return await eventually(asked, timeout=120, what="an answer from Postgres")


async def _verdict(graph: Graph, running: World, aws: Sandbox, baseline: set[Any]) -> None:
    await following.drained(graph)
    told = await following.changes(running.nats_url)
    check_order(told)
    export = await following.export(graph)
    verdict = judge(aws.truth(), export)
    assert verdict.equal, f"{verdict}\n{running.logs()}"
    loaded, later = told[0], told[1:]
    assert loaded["type"] == "scope.loaded"
    assert fold(baseline, later) == keys(export), "the changes do not add up to the graph"


def _change(aws: Sandbox, number: int) -> None:
    """Users that come, go, move and change groups; each round leaves a trace in every kind of change."""
    iam = aws.admin()
    pages = iam.get_paginator("list_groups").paginate()
    groups = [group["GroupName"] for page in pages for group in page["Groups"]]
    for index in range(3):
        iam.create_user(UserName=f"new-{number}-{index}", Path=f"/round/{number}/")
        iam.add_user_to_group(UserName=f"new-{number}-{index}", GroupName=groups[index])
    if number:
        iam.remove_user_from_group(UserName=f"new-{number - 1}-0", GroupName=groups[0])
        iam.delete_user(UserName=f"new-{number - 1}-0")
        iam.update_user(UserName=f"new-{number - 1}-1", NewUserName=f"moved-{number}")
    iam.create_group(GroupName=f"group-{number}")
    iam.tag_user(UserName=f"new-{number}-2", Tags=[{"Key": "round", "Value": str(number)}])
