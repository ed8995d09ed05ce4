"""kill -9 of every process at random points of a sync: the graph equals the truth, no change is missing or doubled.

The schedule is seeded: what is killed and when is drawn once per seed, so a failure can be run again. An organization
is read by two replicas of every service.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import pytest

from grantwire.contracts.failures import DependencyDown
from grantwire.graph import Graph
from tests.support import following
from tests.support.eventually import eventually
from tests.support.keys import KEYS
from tests.support.oracle import check_order, fold, judge, keys
from tests.support.world import SERVICES, Sandbox, World, sandbox, world

T = TypeVar("T")
SERVERS = ("nats", "postgres")
SLOW_ANSWERS = ("--latency-ms", "40", "--short", "0.7", "--empty", "0.2")
ACCOUNT = ("--users", "60", "--groups", "12", "--roles", "40", *SLOW_ANSWERS)
ORGANIZATION = ("--calm", "--accounts", "4", "--users", "20", "--groups", "5", "--roles", "12", *SLOW_ANSWERS)
REPLICAS = tuple(f"{name}{number}" for name in SERVICES for number in ("", ":2"))


@dataclass(frozen=True)
class Schedule:
    """What is read, by whom, and for how many rounds of change. ``each`` kills one of every pair of replicas only."""

    seed: int
    organized: bool
    rounds: int
    each: bool = False

    @property
    def services(self) -> tuple[str, ...]:
        return REPLICAS if self.organized else SERVICES

    def victims(self, rng: random.Random) -> list[str]:
        """Whom one sync loses, in this order."""
        chosen = [rng.choice([name, f"{name}:2"]) for name in SERVICES] if self.each else list(self.services)
        return rng.sample([*chosen, *SERVERS], len(chosen) + len(SERVERS))


SHORT = Schedule(11, organized=True, rounds=1, each=True)
LONG = [Schedule(seed, organized, rounds=4) for organized in (True, False) for seed in (21, 22, 23)]


@pytest.mark.timeout(300)
async def test_kills_during_a_sync_lose_and_double_nothing(tmp_path: Path) -> None:
    await _kill(tmp_path, SHORT)


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("schedule", LONG, ids=str)
async def test_many_kills_during_many_syncs(tmp_path: Path, schedule: Schedule) -> None:
    await _kill(tmp_path, schedule)


async def _kill(tmp_path: Path, schedule: Schedule) -> None:
    rng, size = random.Random(schedule.seed), ORGANIZATION if schedule.organized else ACCOUNT
    with (
        sandbox(schedule.seed, *size) as aws,
        world(tmp_path / "state", aws.environment(), *schedule.services) as running,
    ):
        async with Graph.open(running.database_url, application_name="tests", keys=KEYS) as graph:
            await _carry_out(schedule, graph, running, aws, rng)
    for name in (*SERVICES, *SERVERS):
        assert running.kills.get(name, 0) + running.kills.get(f"{name}:2", 0) > schedule.rounds, running.kills


async def _carry_out(schedule: Schedule, graph: Graph, running: World, aws: Sandbox, rng: random.Random) -> None:
    name = "organization" if schedule.organized else "bulk"
    await following.add(graph, aws.connector(name), aws.organization if schedule.organized else None)
    await _sync_under_kills(graph, running, schedule.victims(rng), rng)
    await following.drained(graph)
    baseline, heard = keys(await following.export(graph)), await following.changes(running.nats_url)
    _each_scope_was_loaded_once(heard)
    for number in range(schedule.rounds):
        for account in aws.members[1:] if schedule.organized else [aws.account]:
            _change(aws.admin("iam", account if schedule.organized else None), number)
        if schedule.organized:
            _reorganize(aws, number)
        await _sync_under_kills(graph, running, schedule.victims(rng), rng)
    await _verdict(graph, running, aws, baseline, len(heard))


async def _sync_under_kills(graph: Graph, running: World, victims: list[str], rng: random.Random) -> None:
    """One run while every victim is killed once, at drawn moments; then runs until one is complete."""
    sync = asyncio.create_task(_until_complete(graph, running))
    for victim in victims:
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


async def _persistently(ask: Callable[[], Awaitable[T]]) -> T:
    """The test's own question meets the same killed Postgres: ask until it is answered."""

    async def asked() -> T | None:
        try:
            return await ask()
        except DependencyDown:
            return None

    return await eventually(asked, timeout=120, what="an answer from Postgres")


def _each_scope_was_loaded_once(heard: list[dict[str, Any]]) -> None:
    loaded = [change["scope"] for change in heard if change["type"] == "scope.loaded"]
    assert len(loaded) == len(set(loaded)), loaded


async def _verdict(graph: Graph, running: World, aws: Sandbox, baseline: set[Any], heard: int) -> None:
    await following.drained(graph)
    told = await following.changes(running.nats_url)
    check_order(told)
    export = await following.export(graph)
    verdict = judge(aws.truth(), export)
    assert verdict.equal, f"{verdict}\n{running.logs()}"
    assert fold(baseline, told[heard:]) == keys(export), "the changes do not add up to the graph"


def _change(iam: Any, number: int) -> None:
    """Users that come, go, move and change groups; each round leaves a trace in every kind of change."""
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


def _reorganize(aws: Sandbox, number: int) -> None:
    """One account moves, another leaves in one round and is back in the next."""
    moving, leaving = aws.members[2], aws.members[3]
    aws.change({"move": [moving, aws.unit("=EMPTY()" if number % 2 == 0 else "Security")]})
    aws.change({"leave": leaving} if number % 2 == 0 else {"join": leaving})
