"""In what order an engine asks AWS and the bus about one command: nothing leaves before what it rests on."""

import asyncio
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import boto3
import pytest

from grantwire.aws import last_look
from grantwire.contracts.failures import AwsCause, AwsError, DependencyDown
from grantwire.contracts.outcomes import Evidence
from grantwire.contracts.resources import Kind, RelationKind
from grantwire.graph import Graph, inbox
from grantwire.graph.operation import Operation
from grantwire.graph.parts import Part, PartRead
from grantwire.provisioner.attempt import Attempt
from grantwire.provisioner.decisions import Patience, Seen
from grantwire.provisioner.ports import Look, Place, Polled, Sent
from grantwire.telemetry import Recorder, monotonic, utc_now
from tests.integration.graph.commands import ACCOUNT, arrived, command, told

BESIDE = {"write left", "reading ready"}
DENIED = AwsError("No.", cause=AwsCause.DENIED, operation="iam:AddUserToGroup", code="AccessDenied")
LOST = AwsError("Gone.", cause=AwsCause.TRANSIENT, operation="iam:AddUserToGroup", code="ReadTimeout", ambiguous=True)


def _client() -> Any:
    """Its requests end at the last look."""
    client = boto3.client("iam", region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x")
    last_look.look(client)
    return client


@dataclass
class Story:
    """What happened, in order, and who waits for it."""

    events: list[str] = field(default_factory=list)
    news: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def note(self, event: str) -> None:
        async with self.news:
            self.events.append(event)
            self.news.notify_all()

    async def until(self, event: str) -> None:
        async with self.news:
            await self.news.wait_for(lambda: event in self.events)


@dataclass
class Scripted:
    """A membership that comes with the write. ``fails``: what the write raises; it is answered after ``answered_after``
    has happened."""

    story: Story
    fails: AwsError | None = None
    at_once: bool = True
    answered_after: str = "reading ready"
    client: Any = field(default_factory=_client)
    written: bool = False

    @property
    def place(self) -> Place:
        return Place(f"iam/{ACCOUNT}", "iam", ACCOUNT)

    async def look(self) -> Look:
        return self._seen()

    async def read(self) -> Look:
        await self.story.note("reading ready")
        await self._leave("ListGroupsForUser")
        await self.story.note("reading left")
        return self._seen()

    async def send(self, wants: bool, look: Look) -> Sent:
        await self._leave("AddUserToGroup")
        await self.story.note("write left")
        if self.answered_after:
            await self.story.until(self.answered_after)
        await self.story.note("write answered")
        if self.fails is not None:
            raise self.fails
        self.written = wants
        return Sent("r-1")

    async def poll(self, request_id: str, wants: bool) -> Polled:
        raise AssertionError("nothing waits")

    def expected(self, wants: bool, look: Look) -> PartRead | None:
        return None

    async def adopt(self, wants: bool) -> str | None:
        return None

    async def _leave(self, operation: str) -> None:
        """As a request of botocore's does."""
        await asyncio.to_thread(partial(self.client.meta.events.emit, f"before-send.iam.{operation}"))

    def _seen(self) -> Look:
        evidence = Evidence(held=self.written, at=utc_now(), operation="iam:ListGroupsForUser")
        holder = (Kind.IAM_USER, f"arn:aws:iam::{ACCOUNT}:user/ann")
        return Look(Seen(evidence), PartRead(Part(RelationKind.MEMBER_OF, holder), ()))


@dataclass
class Fences:
    story: Story
    away: bool = False

    async def begin(self, operation: Operation, place: Place) -> int:
        await self.story.note("fence")
        if self.away:
            raise DependencyDown("NATS is away.")
        return 7


async def attempt(graph: Graph, target: Scripted, *, away: bool = False) -> Attempt:
    _, claimed = await inbox.accept_and_claim(graph, arrived(command()), 30.0)
    assert claimed is not None
    given = (claimed.operation, claimed.newest, Patience(), 30.0, monotonic(), Recorder("tests"))
    return Attempt(graph, Fences(target.story, away), target, *given)


async def _alone() -> None:
    """Nothing of the attempt goes on."""
    others = asyncio.all_tasks() - {asyncio.current_task()}
    assert await asyncio.wait_for(asyncio.gather(*others, return_exceptions=True), 60) is not None


async def test_the_reading_is_made_ready_beside_the_write_and_fenced_after_it(graph: Graph) -> None:
    target = Scripted(Story())
    await (await attempt(graph, target)).run()
    assert set(target.story.events[:2]) == BESIDE
    assert target.story.events[2:] == ["write answered", "fence", "reading left"]
    assert await told(graph) == ["accepted", "granted"]


@pytest.mark.parametrize("fails", [DENIED, LOST], ids=["denied", "lost"])
async def test_a_reading_does_not_leave_after_a_write_that_failed(graph: Graph, fails: AwsError) -> None:
    """Whether a lost one was carried out is read anew, with a fence of its own."""
    target = Scripted(Story(), fails=fails)
    going = await attempt(graph, target)
    await going.run()
    assert set(target.story.events[:2]) == BESIDE
    assert target.story.events[2] == "write answered"
    rest = target.story.events[3:]
    assert rest in ([], ["reading ready", "fence", "reading left"], ["fence", "reading ready", "reading left"])
    assert (rest == []) == (fails is DENIED)
    await _alone()


async def test_what_aws_carries_out_later_is_not_read_ahead(graph: Graph) -> None:
    target = Scripted(Story(), at_once=False, answered_after="")
    await (await attempt(graph, target)).run()
    assert target.story.events[:2] == ["write left", "write answered"]
    assert sorted(target.story.events[2:4]) == ["fence", "reading ready"]
    assert target.story.events[4:] == ["reading left"]


async def test_a_bus_that_is_away_does_not_hide_that_it_was_written(graph: Graph) -> None:
    """The step is kept, with AWS's request id, for whoever goes on."""
    target = Scripted(Story())
    with pytest.raises(DependencyDown):
        await (await attempt(graph, target, away=True)).run()
    assert "reading left" not in target.story.events
    async with graph.connection() as connection:
        row = await connection.fetchrow("SELECT step, progress FROM operation")
    assert row is not None
    assert (row["step"], row["progress"]["request_ids"], row["progress"]["sent"]) == ("observing", ["r-1"], 1)
    await _alone()


async def test_who_is_cancelled_while_writing_leaves_nothing_behind(graph: Graph) -> None:
    target = Scripted(Story(), answered_after="never")
    running = asyncio.create_task((await attempt(graph, target)).run())
    await target.story.until("reading ready")
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    await _alone()
    assert set(target.story.events) <= BESIDE
