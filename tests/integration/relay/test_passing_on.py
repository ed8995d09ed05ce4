"""What the relay takes out of the outboxes, and what stays there when the bus does not take it."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest

from grantwire.bus import Outgoing
from grantwire.contracts.failures import DependencyDown
from grantwire.contracts.streams import CHANGES, OUTCOMES, Stream
from grantwire.graph import Graph, inbox, outbox
from grantwire.relay.handlers import Relay
from grantwire.telemetry import Recorder
from tests.integration.graph.commands import arrived, command
from tests.integration.graph.scenes import Bus, facts, user


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
    relay = Relay(graph, streams, Recorder("tests"))
    async with outbox.leader(graph) as leader:
        assert await relay.pass_on(leader) == 2
        assert await relay.pass_on(leader) == 0
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
            await relay.pass_on(leader)
        assert await left(graph) == kept
        streams.full.clear()
        await relay.pass_on(leader)
    assert await left(graph) == (0, 0)
    assert len(streams.taken) == 3, "each once"


async def test_who_does_not_lead_passes_nothing_on(graph: Graph) -> None:
    await filled(graph)
    streams = Streams()
    async with outbox.leader(graph), graph.connection() as connection:
        assert await Relay(graph, streams, Recorder("tests")).pass_on(outbox.Leader(connection)) is None
    assert streams.taken == []
