"""Who is no more, by what a run knows and by whom it asks."""

import asyncio
from dataclasses import dataclass, field
from typing import Any

import pytest

from grantwire.aws.identity_center.shapes import Group, PrincipalType, User
from grantwire.collectors.identity_center.answers import Principal
from grantwire.collectors.identity_center.census import GATHER, RunCensus
from grantwire.collectors.identity_center.memory import MOST_DELETED, Memory
from grantwire.contracts.failures import AwsCause, AwsError
from grantwire.telemetry import monotonic
from tests.unit.collectors.test_identity_center_facts import user

DENIED = AwsError("no", cause=AwsCause.DENIED, operation="identitystore:DescribeUser", code="AccessDeniedException")


@dataclass
class Directory:
    """Who is there, and what was asked. Every answer takes a turn of the event loop."""

    there: set[str]
    groups_there: set[str] = field(default_factory=set)
    denies: bool = False
    asked: list[str] = field(default_factory=list)

    async def users(self) -> tuple[User, ...]:
        self.asked.append("users")
        await asyncio.sleep(0)
        return tuple(user(id=id) for id in sorted(self.there))

    async def groups(self) -> tuple[Group, ...]:
        self.asked.append("groups")
        plain: dict[str, Any] = {"display_name": None, "description": None, "external_ids": ()}
        return tuple(Group(id=id, identity_store="d", **plain) for id in sorted(self.groups_there))

    async def exists(self, type_: PrincipalType, principal: str) -> bool:
        self.asked.append(principal)
        await asyncio.sleep(0)
        if self.denies:
            raise DENIED
        return principal in (self.there if type_ == "USER" else self.groups_there)


async def at_once(_seconds: float) -> None:
    """Nobody else names anybody meanwhile."""
    await asyncio.sleep(0)


def named(*ids: str) -> frozenset[Principal]:
    return frozenset(Principal("USER", id) for id in ids)


MANY = {f"u-{number}" for number in range(300)}  # three pages


async def test_who_is_on_the_runs_list_is_not_asked_for() -> None:
    directory = Directory({"u-1", "u-2"})
    census = RunCensus(Memory(), directory, "r1", "d", at_once)
    await census.users()
    assert await census.deleted(named("u-1", "u-2")) == frozenset()
    assert directory.asked == ["users"]


async def test_who_was_made_since_the_list_is_asked_for_and_there() -> None:
    directory = Directory(set(MANY))
    census = RunCensus(Memory(), directory, "r1", "d", at_once)
    await census.users()
    directory.there.add("u-new")
    assert await census.deleted(named("u-new", "u-gone")) == named("u-gone")
    assert directory.asked == ["users", "u-gone", "u-new"]
    assert await census.deleted(named("u-new", "u-gone")) == named("u-gone"), "and nobody is asked for twice"
    assert directory.asked == ["users", "u-gone", "u-new"]


async def test_many_are_listed_anew() -> None:
    directory = Directory(set(MANY))
    census = RunCensus(Memory(), directory, "r1", "d", at_once)
    await census.users()
    assert await census.deleted(named("u-a", "u-b", "u-c", "u-1")) == named("u-a", "u-b", "u-c")
    assert directory.asked == ["users", "users"]


async def test_where_aws_denies_asking_for_one_all_are_listed() -> None:
    directory = Directory(set(MANY), denies=True)
    census = RunCensus(Memory(), directory, "r1", "d", at_once)
    await census.users()
    assert await census.deleted(named("u-gone")) == named("u-gone")
    assert directory.asked == ["users", "u-gone", "users"]


async def test_a_run_does_not_go_by_another_runs_list() -> None:
    memory, directory = Memory(), Directory({"u-1"})
    await RunCensus(memory, directory, "r1", "d", at_once).users()
    directory.there.clear()
    assert await RunCensus(memory, directory, "r2", "d", at_once).deleted(named("u-1")) == named("u-1")


async def test_who_is_deleted_stays_so_and_is_not_asked_for_again() -> None:
    memory, directory = Memory(), Directory(set(MANY))
    await RunCensus(memory, directory, "r1", "d", at_once).deleted(named("u-gone"))
    again = RunCensus(memory, directory, "r2", "d", at_once)
    await again.users()
    asked = list(directory.asked)
    assert await again.deleted(named("u-gone")) == named("u-gone")
    assert directory.asked == asked
    directory.there.add("u-gone")  # an answer that was behind said that it is no more
    corrected = RunCensus(memory, directory, "r3", "d", at_once)
    await corrected.users()
    assert await corrected.deleted(named("u-gone")) == frozenset()


async def test_those_who_wait_for_one_list_share_it() -> None:
    memory, directory = Memory(), Directory({"u-1"})
    censuses = [RunCensus(memory, directory, "r1", "d", at_once) for _ in range(5)]
    found = await asyncio.gather(*(each.deleted(named("u-1", f"u-x{n}")) for n, each in enumerate(censuses)))
    assert [set(each) for each in found] == [set(named(f"u-x{n}")) for n in range(5)]
    assert directory.asked.count("users") <= 2


async def test_a_failure_is_nobodys_death() -> None:
    directory = Directory(set(MANY))
    census = RunCensus(Memory(), directory, "r1", "d", at_once)
    await census.users()
    directory.exists = _throttled  # type: ignore[method-assign]
    with pytest.raises(AwsError, match="slow"):
        await census.deleted(named("u-new"))
    directory.exists = Directory.exists.__get__(directory)  # type: ignore[method-assign]
    directory.there.add("u-new")
    assert await census.deleted(named("u-new")) == frozenset()


async def _throttled(type_: PrincipalType, principal: str) -> bool:
    raise AwsError("slow down", cause=AwsCause.TRANSIENT, operation="x:Y", code="ThrottlingException")


def test_what_is_remembered_has_an_end() -> None:
    memory = Memory()
    memory.deleted("d", (Principal("USER", str(number)) for number in range(MOST_DELETED + 1)))
    assert not memory.is_deleted("d", Principal("USER", "0"))
    assert memory.is_deleted("d", Principal("USER", str(MOST_DELETED)))


async def test_a_moment_is_left_for_other_accounts_to_name_theirs() -> None:
    memory, directory, gathering, over = Memory(), Directory({"u-1"}), asyncio.Event(), asyncio.Event()

    async def pause(seconds: float) -> None:
        assert seconds == GATHER
        gathering.set()
        await over.wait()

    async with asyncio.TaskGroup() as tasks:
        first = tasks.create_task(RunCensus(memory, directory, "r1", "d", pause).deleted(named("u-gone")))
        await gathering.wait()
        second = tasks.create_task(RunCensus(memory, directory, "r1", "d", pause).deleted(named("u-away")))
        await asyncio.sleep(0)
        over.set()
    assert (first.result(), second.result()) == (named("u-gone"), named("u-away"))
    assert directory.asked == ["users"], "one list is newer than both"


async def test_a_list_of_groups_is_shared_if_it_is_no_older_than_the_reading() -> None:
    memory, directory = Memory(), Directory(set(), groups_there={"g-2", "g-1"})
    census = RunCensus(memory, directory, "r1", "d", at_once)
    begun = monotonic()
    await census.groups()
    assert await census.group_ids(begun) == ["g-1", "g-2"]
    assert directory.asked == ["groups"]
    directory.groups_there.add("g-3")
    assert await census.group_ids(monotonic()) == ["g-1", "g-2", "g-3"]
    assert directory.asked == ["groups", "groups"]


async def test_an_empty_list_is_nobodys_death() -> None:
    memory, directory = Memory(), Directory(set())
    census = RunCensus(memory, directory, "r1", "d", at_once)
    await census.users()
    directory.there.add("u-1")  # AWS's list was behind, or false
    directory.users = _nobody  # type: ignore[method-assign]
    assert await census.deleted(named("u-1", "u-gone")) == named("u-gone")
    assert directory.asked == ["users", "u-1", "u-gone"] or directory.asked == ["users", "u-gone", "u-1"]


async def test_whom_another_account_asked_for_makes_no_list_of_an_empty_one() -> None:
    memory, directory = Memory(), Directory({"u-1", "u-2"})
    directory.users = _nobody  # type: ignore[method-assign]
    first, second = (RunCensus(memory, directory, "r1", "d", at_once) for _ in range(2))
    found = await asyncio.gather(first.deleted(named("u-1")), second.deleted(named("u-2", "u-gone")))
    assert list(found) == [frozenset(), named("u-gone")]


async def _nobody() -> tuple[User, ...]:
    return ()


async def test_an_empty_list_that_nothing_else_confirms_is_an_inconsistent_answer() -> None:
    census = RunCensus(Memory(), Directory(set(), denies=True), "r1", "d", at_once)
    with pytest.raises(AwsError, match="nobody is listed, but u-1 is assigned"):
        await census.deleted(named("u-1"))
