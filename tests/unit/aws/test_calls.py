"""Calls in threads: how many at once, what they see, what is counted."""

import asyncio
import contextvars
import threading
from collections.abc import Iterator

import pytest

from grantwire.aws.calls import Calls, Tally, tallying

BREADTH = 3
whose = contextvars.ContextVar("whose", default="nobody's")


@pytest.fixture
def calls() -> Iterator[Calls]:
    threads = Calls(BREADTH)
    yield threads
    threads.close()


async def test_no_more_than_the_bound_run_at_once(calls: Calls) -> None:
    together = threading.Barrier(BREADTH, timeout=5)
    running, most, lock = 0, 0, threading.Lock()

    def call() -> None:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        together.wait()
        with lock:
            running -= 1

    await asyncio.gather(*(calls.run(call) for _ in range(BREADTH * 3)))
    assert most == BREADTH


async def test_a_thread_sees_the_context_of_its_task(calls: Calls) -> None:
    whose.set("mine")
    assert await calls.run(whose.get) == "mine"


def test_a_tally_tells_answers_from_silence() -> None:
    tally = Tally()
    for operation in ("iam:ListUsers", "iam:ListUsers", "iam:ListUsers", "sts:AssumeRole"):
        tally.sent(operation)
    tally.ended("iam:ListUsers", "throttled")
    tally.ended("iam:ListUsers", "ok")
    tally.ended("sts:AssumeRole", "refused")
    assert tally.calls == {"iam:ListUsers": 3, "sts:AssumeRole": 1}
    assert tally.throttled == 1
    assert tally.outcomes() == {
        ("iam:ListUsers", "broken"): 1,
        ("iam:ListUsers", "ok"): 1,
        ("iam:ListUsers", "throttled"): 1,
        ("sts:AssumeRole", "refused"): 1,
    }


async def test_tasks_count_apart() -> None:
    async def one() -> Tally:
        with tallying() as tally:
            await asyncio.sleep(0)
        return tally

    first, second = await asyncio.gather(one(), one())
    assert first is not second
