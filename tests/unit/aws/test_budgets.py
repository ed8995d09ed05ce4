"""Slots of a call, without a client: who waits where."""

import asyncio
import threading

import pytest

from grantwire.aws.budgets import Spending, first_slot, pay, spend
from grantwire.contracts.failures import Transient


class Slots:
    """As many as are given."""

    def __init__(self, given: int) -> None:
        self.left = given
        self.asked_in: list[threading.Thread] = []

    async def ready(self, key: str) -> None:
        self.asked_in.append(threading.current_thread())
        if not self.left:
            raise Transient(f"no slot for {key}")
        self.left -= 1

    def slowed(self, key: str) -> None:
        raise AssertionError(f"nothing was throttled on {key}")


def requests(count: int) -> int:
    """So many requests leave."""
    for _ in range(count):
        pay()
    return count


async def in_a_thread(spending: Spending | None, count: int) -> int:
    return await asyncio.to_thread(spend, spending, lambda: requests(count))


async def test_each_request_has_a_slot_and_all_are_asked_for_in_the_loop() -> None:
    slots = Slots(3)
    assert await in_a_thread(await first_slot(slots, "iam/1"), 3) == 3
    assert slots.left == 0
    assert set(slots.asked_in) == {threading.main_thread()}


async def test_a_slot_that_is_refused_stops_the_request() -> None:
    spending = await first_slot(Slots(2), "iam/1")
    with pytest.raises(Transient, match="no slot for iam/1"):
        await in_a_thread(spending, 3)


async def test_without_budgets_nothing_is_asked() -> None:
    assert await first_slot(None, "iam/1") is None
    assert await in_a_thread(None, 5) == 5


def test_a_request_of_nobody_needs_no_slot() -> None:
    assert requests(2) == 2


class Never(Slots):
    """No slot ever; tells when somebody waits."""

    def __init__(self) -> None:
        super().__init__(1)
        self.reached = threading.Event()

    async def ready(self, key: str) -> None:
        if self.left:
            await super().ready(key)
            return
        self.reached.set()
        await asyncio.Event().wait()


def test_a_thread_does_not_outwait_the_loop_that_ends() -> None:
    slots, ended = Never(), []

    def wait(spending: Spending | None) -> None:
        try:
            spend(spending, lambda: requests(2))
        except BaseException as error:
            ended.append(error)

    async def life() -> threading.Thread:
        thread = threading.Thread(target=wait, args=(await first_slot(slots, "iam/1"),), daemon=True)
        thread.start()
        await asyncio.to_thread(slots.reached.wait, 5)
        return thread

    thread = asyncio.run(life())
    thread.join(5)
    assert not thread.is_alive()
    assert len(ended) == 1
