"""Calls in threads: how many at once, what they see, what is counted."""

import asyncio
import contextvars
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from grantwire.aws import calls as calls_module
from grantwire.aws.calls import Calls, Tally, tallying

BREADTH = 3
whose = contextvars.ContextVar("whose", default="nobody's")


@pytest.fixture
def calls() -> Iterator[Calls]:
    threads = Calls(BREADTH)
    yield threads
    threads.close()


async def test_no_more_than_the_bound_run_at_once(calls: Calls) -> None:
    together = threading.Barrier(BREADTH, timeout=60)
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


def test_time_in_which_several_are_under_way_counts_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """One from 0 to 4 and one from 1 to 6, each in its own thread; then one from 9 to 10."""
    times = iter([0.0, 1.0, 4.0, 6.0, 9.0, 10.0])
    monkeypatch.setattr(calls_module, "monotonic", lambda: next(times))
    tally = Tally()
    with ThreadPoolExecutor(1) as first, ThreadPoolExecutor(1) as second:
        for thread in (first, second):
            thread.submit(tally.sent, "iam:GetUser").result()
        for thread in (first, second):
            thread.submit(tally.ended, "iam:GetUser", "ok").result()
        first.submit(tally.sent, "iam:GetUser").result()
        first.submit(tally.ended, "iam:GetUser", "ok").result()
    assert tally.busy() == 7.0
    assert [seconds for _, seconds in tally.took()] == [4.0, 5.0, 1.0]


async def test_tasks_count_apart() -> None:
    async def one() -> Tally:
        with tallying() as tally:
            await asyncio.sleep(0)
        return tally

    first, second = await asyncio.gather(one(), one())
    assert first is not second
