"""Who is no more, by what a run knows and by whom it asks."""

import asyncio
from dataclasses import dataclass, field
from typing import Any

import pytest

from grantwire.aws.identity_center.shapes import Group, PrincipalType, User
from grantwire.collectors.identity_center.answers import Principal
from grantwire.collectors.identity_center.census import RunCensus
from grantwire.collectors.identity_center.memory import MOST_DELETED, Memory
from grantwire.collectors.identity_center.naming import Naming, Patience
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


AT_ONCE = Patience(grace=0, most=60), Patience(grace=0, most=60)  # nobody else begins meanwhile


def named(*ids: str) -> frozenset[Principal]:
    return frozenset(Principal("USER", id) for id in ids)


MANY = {f"u-{number}" for number in range(300)}  # three pages


async def test_who_is_on_the_runs_list_is_not_asked_for() -> None:
    directory = Directory({"u-1", "u-2"})
    census = RunCensus(Memory(), directory, "r1", "d", AT_ONCE)
    await census.users()
    assert await census.deleted(named("u-1", "u-2")) == frozenset()
    assert directory.asked == ["users"]


async def test_who_was_made_since_the_list_is_asked_for_and_there() -> None:
    directory = Directory(set(MANY))
    census = RunCensus(Memory(), directory, "r1", "d", AT_ONCE)
    await census.users()
    directory.there.add("u-new")
    assert await census.deleted(named("u-new", "u-gone")) == named("u-gone")
    assert directory.asked == ["users", "u-gone", "u-new"]
    assert await census.deleted(named("u-new", "u-gone")) == named("u-gone"), "and nobody is asked for twice"
    assert directory.asked == ["users", "u-gone", "u-new"]


async def test_many_are_listed_anew() -> None:
    directory = Directory(set(MANY))
    census = RunCensus(Memory(), directory, "r1", "d", AT_ONCE)
    await census.users()
    assert await census.deleted(named("u-a", "u-b", "u-c", "u-1")) == named("u-a", "u-b", "u-c")
    assert directory.asked == ["users", "users"]


async def test_where_aws_denies_asking_for_one_all_are_listed() -> None:
    directory = Directory(set(MANY), denies=True)
    census = RunCensus(Memory(), directory, "r1", "d", AT_ONCE)
    await census.users()
    assert await census.deleted(named("u-gone")) == named("u-gone")
    assert directory.asked == ["users", "u-gone", "users"]


async def test_a_run_does_not_go_by_another_runs_list() -> None:
    memory, directory = Memory(), Directory({"u-1"})
    await RunCensus(memory, directory, "r1", "d", AT_ONCE).users()
    directory.there.clear()
    assert await RunCensus(memory, directory, "r2", "d", AT_ONCE).deleted(named("u-1")) == named("u-1")


async def test_who_is_deleted_stays_so_and_is_not_asked_for_again() -> None:
    memory, directory = Memory(), Directory(set(MANY))
    await RunCensus(memory, directory, "r1", "d", AT_ONCE).deleted(named("u-gone"))
    again = RunCensus(memory, directory, "r2", "d", AT_ONCE)
    await again.users()
    asked = list(directory.asked)
    assert await again.deleted(named("u-gone")) == named("u-gone")
    assert directory.asked == asked
    directory.there.add("u-gone")  # an answer that was behind said that it is no more
    corrected = RunCensus(memory, directory, "r3", "d", AT_ONCE)
    await corrected.users()
    assert await corrected.deleted(named("u-gone")) == frozenset()


async def test_those_who_wait_for_one_list_share_it() -> None:
    memory, directory = Memory(), Directory({"u-1"})
    censuses = [RunCensus(memory, directory, "r1", "d", AT_ONCE) for _ in range(5)]
    found = await asyncio.gather(*(each.deleted(named("u-1", f"u-x{n}")) for n, each in enumerate(censuses)))
    assert [set(each) for each in found] == [set(named(f"u-x{n}")) for n in range(5)]
    assert directory.asked.count("users") <= 2


async def test_a_failure_is_nobodys_death() -> None:
    directory = Directory(set(MANY))
    census = RunCensus(Memory(), directory, "r1", "d", AT_ONCE)
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


async def test_one_list_waits_for_all_who_still_read() -> None:
    memory, directory, read = Memory(), Directory({"u-1"}), asyncio.Event()
    first, second = (RunCensus(memory, directory, "r1", "d", AT_ONCE) for _ in range(2))

    async def slowly() -> frozenset[Principal]:
        with second.naming():
            await read.wait()
        return await second.deleted(named("u-away"))

    async with asyncio.TaskGroup() as tasks:
        last = tasks.create_task(slowly())
        await asyncio.sleep(0)
        early = tasks.create_task(first.deleted(named("u-gone")))
        for _ in range(5):
            await asyncio.sleep(0)
        assert directory.asked == [], "somebody still reads"
        read.set()
    assert (early.result(), last.result()) == (named("u-gone"), named("u-away"))
    assert directory.asked == ["users"], "one list is newer than both"


async def test_the_list_of_all_users_is_the_one_that_tells_who_is_gone() -> None:
    memory, directory, read = Memory(), Directory({"u-1"}), asyncio.Event()
    account, users = (RunCensus(memory, directory, "r1", "d", AT_ONCE) for _ in range(2))

    async def assignments() -> frozenset[Principal]:
        with account.naming():
            await read.wait()
        return await account.deleted(named("u-gone"))

    async with asyncio.TaskGroup() as tasks:
        gone = tasks.create_task(assignments())
        await asyncio.sleep(0)
        listed = tasks.create_task(users.users())
        await asyncio.sleep(0)
        read.set()
    assert (gone.result(), len(listed.result())) == (named("u-gone"), 1)
    assert directory.asked == ["users"]


async def test_a_reading_that_fails_keeps_nobody_waiting() -> None:
    naming = Naming()
    with pytest.raises(ValueError, match="cut"), naming.under_way():
        raise ValueError("cut")
    await naming.over(Patience(grace=0, most=60))


async def test_waiting_has_an_end() -> None:
    naming = Naming()
    with naming.under_way():
        await naming.over(Patience(grace=0, most=0.01))


async def test_who_begins_within_the_grace_is_waited_for() -> None:
    naming, named_now = Naming(), asyncio.Event()

    async def late() -> None:
        with naming.under_way():
            await named_now.wait()

    async with asyncio.TaskGroup() as tasks:
        over = tasks.create_task(naming.over(Patience(grace=0.5, most=60)))
        await asyncio.sleep(0)
        tasks.create_task(late())
        await asyncio.wait({over}, timeout=1.0)
        assert not over.done()
        named_now.set()


async def test_users_of_one_run_are_not_listed_again_to_know_their_ids() -> None:
    memory, directory = Memory(), Directory({"u-2", "u-1"})
    census = RunCensus(memory, directory, "r1", "d", AT_ONCE)
    begun = monotonic()
    await census.users()
    assert await census.user_ids(begun) == ["u-1", "u-2"]
    assert directory.asked == ["users"]
    assert await census.user_ids(monotonic()) == ["u-1", "u-2"]
    assert directory.asked == ["users", "users"], "that list is older than the reading"


async def test_a_list_of_groups_is_shared_if_it_is_no_older_than_the_reading() -> None:
    memory, directory = Memory(), Directory(set(), groups_there={"g-2", "g-1"})
    census = RunCensus(memory, directory, "r1", "d", AT_ONCE)
    begun = monotonic()
    await census.groups()
    assert await census.group_ids(begun) == ["g-1", "g-2"]
    assert directory.asked == ["groups"]
    directory.groups_there.add("g-3")
    assert await census.group_ids(monotonic()) == ["g-1", "g-2", "g-3"]
    assert directory.asked == ["groups", "groups"]


async def test_the_list_of_all_groups_is_begun_when_memberships_wait_for_it() -> None:
    memory, directory = Memory(), Directory(set(), groups_there={"g-1"})
    slow = Patience(grace=60, most=60)
    groups, memberships = (RunCensus(memory, directory, "r1", "d", (slow, slow)) for _ in range(2))
    async with asyncio.TaskGroup() as tasks:
        listed = tasks.create_task(groups.groups())
        await asyncio.sleep(0)
        ids = tasks.create_task(memberships.group_ids(monotonic()))
    assert ([each.id for each in listed.result()], ids.result()) == (["g-1"], ["g-1"])
    assert directory.asked == ["groups"]


async def test_an_empty_list_is_nobodys_death() -> None:
    memory, directory = Memory(), Directory(set())
    census = RunCensus(memory, directory, "r1", "d", AT_ONCE)
    await census.users()
    directory.there.add("u-1")  # AWS's list was behind, or false
    directory.users = _nobody  # type: ignore[method-assign]
    assert await census.deleted(named("u-1", "u-gone")) == named("u-gone")
    assert directory.asked == ["users", "u-1", "u-gone"] or directory.asked == ["users", "u-gone", "u-1"]


async def test_whom_another_account_asked_for_makes_no_list_of_an_empty_one() -> None:
    memory, directory = Memory(), Directory({"u-1", "u-2"})
    directory.users = _nobody  # type: ignore[method-assign]
    first, second = (RunCensus(memory, directory, "r1", "d", AT_ONCE) for _ in range(2))
    found = await asyncio.gather(first.deleted(named("u-1")), second.deleted(named("u-2", "u-gone")))
    assert list(found) == [frozenset(), named("u-gone")]


async def _nobody() -> tuple[User, ...]:
    return ()


async def test_an_empty_list_that_nothing_else_confirms_is_an_inconsistent_answer() -> None:
    census = RunCensus(Memory(), Directory(set(), denies=True), "r1", "d", AT_ONCE)
    with pytest.raises(AwsError, match="nobody is listed, but u-1 is assigned"):
        await census.deleted(named("u-1"))
