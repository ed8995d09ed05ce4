"""What the relay takes out of the outboxes, and what stays there when the bus does not take it."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest

from grantwire.bus import Outgoing
from grantwire.contracts.failures import DependencyDown
from grantwire.contracts.snapshots import Reason
from grantwire.contracts.streams import CHANGES, OUTCOMES, Stream
from grantwire.graph import Graph, inbox, outbox
from grantwire.graph.outbox import Notices, Waiting
from grantwire.graph.waking import Waker, listening
from grantwire.relay.handlers import BATCH, Relay
from grantwire.telemetry import Recorder
from tests.integration.graph.commands import arrived, command
from tests.integration.graph.scenes import TRACE, Bus, facts, user
from tests.support.eventually import HANGS


@dataclass
class Streams:
    """Takes what it is not ``full`` for."""

    full: set[str] = field(default_factory=set)
    taken: list[tuple[str, str]] = field(default_factory=list)

    async def send_batch(self, stream: Stream, items: Sequence[Outgoing]) -> None:
        if stream.name in self.full:
            raise DependencyDown(f"{stream.name} is full.")
        self.taken += [(stream.name, item.subject.split(".")[1]) for item in items]


async def filled(graph: Graph) -> None:
    """A message about a command, and two about changes of two revisions."""
    bus = Bus(graph)
    await bus.send(facts([user("a")]))
    await bus.send(facts([user("a"), user("b")]))
    await inbox.accept(graph, arrived(command()))


async def left(graph: Graph) -> tuple[int, int]:
    async with graph.connection() as connection:
        row = await connection.fetchrow("SELECT (SELECT count(*) FROM told) AS t, (SELECT count(*) FROM outbox) AS o")
    assert row is not None
    return row["t"], row["o"]


async def test_outcomes_go_first_and_nothing_is_left(graph: Graph) -> None:
    await filled(graph)
    streams = Streams()
    relay, notices = Relay(graph, streams, Recorder("tests")), Notices(BATCH, 60.0)
    async with outbox.leader(graph) as leader:
        assert await relay.pass_on(leader, notices) == 2
        assert await relay.pass_on(leader, notices) == 0
    assert streams.taken == [("OUTCOMES", "outcome"), ("CHANGES", "change"), ("CHANGES", "change")]
    assert await left(graph) == (0, 0)


@pytest.mark.parametrize(("full", "kept"), [(CHANGES, (0, 2)), (OUTCOMES, (1, 2))], ids=["changes", "outcomes"])
async def test_a_full_stream_keeps_its_own_messages_and_those_after_them(
    graph: Graph, full: Stream, kept: tuple[int, int]
) -> None:
    await filled(graph)
    streams = Streams({full.name})
    relay = Relay(graph, streams, Recorder("tests"))
    async with outbox.leader(graph) as leader:
        with pytest.raises(DependencyDown):
            await relay.pass_on(leader, Notices(BATCH, 60.0))
        assert await left(graph) == kept
        streams.full.clear()
        await relay.pass_on(leader, Notices(BATCH, 60.0))
    assert await left(graph) == (0, 0)
    assert len(streams.taken) == 3, "each once"


async def test_who_does_not_lead_passes_nothing_on(graph: Graph) -> None:
    await filled(graph)
    streams = Streams()
    async with outbox.leader(graph), graph.connection() as connection:
        relay = Relay(graph, streams, Recorder("tests"))
        assert await relay.pass_on(outbox.Leader(connection), Notices(BATCH, 60.0)) is None
    assert streams.taken == []


class Looking(outbox.Leader):
    """Counts the looks at the outboxes."""

    def __init__(self, leader: outbox.Leader) -> None:
        self.leader, self.looks = leader, 0

    async def waiting(self, limit: int) -> Waiting | None:
        self.looks += 1
        return await self.leader.waiting(limit)

    async def delete(self, sent: Waiting) -> None:
        await self.leader.delete(sent)


@dataclass
class Listening:
    """A relay that hears of what is told."""

    relay: Relay
    leader: Looking
    notices: Notices
    waker: Waker
    seen: int = 0

    async def heard(self) -> None:
        assert await self.waker.wait(self.seen, HANGS)
        self.seen = self.waker.seen()

    async def pass_on(self) -> int:
        """Pass on what the next notices are of; how many looks at the outboxes that took."""
        before = self.leader.looks
        await self.heard()
        await self.relay.pass_on(self.leader, self.notices)
        return self.leader.looks - before


@asynccontextmanager
async def listens(graph: Graph, streams: Streams) -> AsyncIterator[Listening]:
    """Who has passed on all that there was."""
    notices = Notices(BATCH, 60.0)
    hearing = listening(graph, "grantwire_told", "grantwire_outbox", hear=notices.hear)
    async with outbox.leader(graph) as leader, hearing as waker:
        begun = Listening(Relay(graph, streams, Recorder("tests")), Looking(leader), notices, waker)
        assert await begun.pass_on() == 1
        yield begun


async def test_what_is_told_goes_without_a_look(graph: Graph) -> None:
    streams = Streams()
    async with listens(graph, streams) as relay:
        await inbox.accept(graph, arrived(command()))
        assert await relay.pass_on() == 0
        assert streams.taken == [("OUTCOMES", "outcome")]
        await relay.relay.pass_on(relay.leader, relay.notices)
    assert await left(graph) == (0, 0)
    assert len(streams.taken) == 1, "the look that deletes it does not send it again"


async def test_what_was_sent_goes_where_the_next_cannot_be(graph: Graph) -> None:
    streams = Streams()
    async with listens(graph, streams) as relay:
        await inbox.accept(graph, arrived(command(user="ann")))
        assert await relay.pass_on() == 0
        streams.full.add("OUTCOMES")
        await inbox.accept(graph, arrived(command(user="eve")))
        with pytest.raises(DependencyDown):
            await relay.pass_on()
    assert await left(graph) == (1, 0)


async def test_a_notice_holds_what_the_row_does(graph: Graph) -> None:
    async with listens(graph, Streams()) as relay:
        await inbox.accept(graph, arrived(command(requester='"é" \\ \u2028'), traceparent=TRACE))
        await relay.heard()
        stored = await relay.leader.waiting(BATCH)
        assert stored is not None
        assert relay.notices.take() == (stored.told, False)
    assert [row.traceparent for row in stored.told] == [TRACE]


async def test_what_does_not_fit_into_a_notice_is_looked_for(graph: Graph) -> None:
    streams = Streams()
    async with listens(graph, streams) as relay:
        await inbox.accept(graph, arrived(command(), refusal=Reason(code="x", text="é" * 5_000)))
        assert await relay.pass_on() == 1
    assert streams.taken == [("OUTCOMES", "outcome")]
    assert await left(graph) == (0, 0)
