"""Commands that are handed to lanes that wait."""

import asyncio
from typing import Any

import pytest

from grantwire.graph.waking import Waker
from grantwire.provisioner.lanes import Handed, Lanes


def handed(name: str) -> Handed:
    claimed: Any = name
    return Handed(claimed, 0.0)


@pytest.mark.parametrize(("waiting", "promises"), [(0, 0), (1, 0), (2, 1), (8, 7)])
def test_as_many_are_promised_as_surely_wait(waiting: int, promises: int) -> None:
    """The one at the door may be about to take a command by itself."""
    lanes = Lanes(Waker(), waiting=waiting)
    assert [lanes.promise() for _ in range(waiting + 1)].count(True) == promises


async def test_a_promise_that_is_kept_or_taken_up_may_be_given_again() -> None:
    lanes = Lanes(Waker(), waiting=2)
    assert lanes.promise() and not lanes.promise()
    lanes.keep()
    assert lanes.promise()
    await lanes.hand(handed("a"))
    assert not lanes.promise()
    assert lanes.taken() == handed("a")
    assert lanes.taken() is None
    assert lanes.promise()


async def test_what_is_handed_wakes_whoever_waits_and_is_no_notice() -> None:
    lanes = Lanes(Waker(), waiting=2)
    seen = lanes.waker.seen()
    waits = asyncio.create_task(lanes.waker.wait(seen, 30.0))
    await asyncio.sleep(0)
    assert lanes.promise()
    await lanes.hand(handed("a"))
    assert await waits
    assert lanes.waker.seen() == seen


async def test_a_wait_says_when_nothing_came() -> None:
    assert not await Waker().wait(0, 0.001)


async def test_what_may_be_there_later_is_one_notice_for_all_who_say_so() -> None:
    waker = Waker()
    for _ in range(3):
        waker.wake_later()
    assert waker.seen() == 0
    assert await waker.wait(0, 30.0)
    assert waker.seen() == 1
    waker.wake_later()
    assert await waker.wait(1, 30.0)


async def test_whoever_looks_now_sees_what_there_is_later() -> None:
    waker = Waker(later=0.01)
    waker.wake_later()
    waker.wake()
    assert not await waker.wait(1, 0.05)
    waker.wake_later()
    assert await waker.wait(1, 30.0)
