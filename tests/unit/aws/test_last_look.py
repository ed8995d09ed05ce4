"""A request whose thread waits right before it would leave."""

import asyncio
from dataclasses import dataclass, field
from threading import Event

import pytest

from grantwire.aws.last_look import _look, behind
from grantwire.contracts.failures import Conflict, GrantwireError


@dataclass
class Request:
    """As botocore sends one: in a thread, looked at before it leaves."""

    ready: asyncio.Event = field(default_factory=asyncio.Event)
    over: Event = field(default_factory=Event)
    sent: int = 0

    async def call(self) -> str:
        loop = asyncio.get_running_loop()
        return await asyncio.to_thread(self._send, loop)

    def _send(self, loop: asyncio.AbstractEventLoop) -> str:
        loop.call_soon_threadsafe(self.ready.set)
        try:
            _look()
            self.sent += 1
        finally:
            self.over.set()
        return "answer"


@pytest.fixture
def request_() -> Request:
    return Request()


async def test_it_leaves_when_what_comes_first_is_done(request_: Request) -> None:
    async def first() -> None:
        await request_.ready.wait()
        assert request_.sent == 0

    assert await behind(first(), request_.call) == "answer"
    assert request_.sent == 1


async def test_it_does_not_leave_where_that_fails(request_: Request) -> None:
    async def first() -> None:
        await request_.ready.wait()
        raise OSError("the database is away")

    with pytest.raises(OSError, match="away"):
        await behind(first(), request_.call)
    assert await asyncio.to_thread(request_.over.wait, 60.0), "its thread does not wait for ever"
    assert request_.sent == 0


async def test_it_does_not_leave_where_it_is_given_up(request_: Request) -> None:
    asking = asyncio.create_task(behind(asyncio.Event().wait(), request_.call))
    await request_.ready.wait()
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    assert await asyncio.to_thread(request_.over.wait, 60.0)
    assert request_.sent == 0


async def test_the_last_look_is_after_what_comes_first(request_: Request) -> None:
    seen: list[str] = []

    async def first() -> None:
        await request_.ready.wait()
        seen.append("first")

    def check() -> None:
        seen.append("check")
        raise Conflict("The claim has ended.")

    with pytest.raises(GrantwireError, match="ended"):
        await behind(first(), request_.call, check)
    assert (seen, request_.sent) == (["first", "check"], 0)
