"""Seals whose chunks the stream no longer keeps: noted, asked for again once, nothing lost and no delivery burned."""

import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from grantwire.bus import Outgoing, broker
from grantwire.contracts import chunks, subjects
from grantwire.contracts.connectors import Connector, ConnectorState
from grantwire.contracts.envelope import CHUNK, SNAPSHOT
from grantwire.contracts.resources import Facts
from grantwire.contracts.snapshots import Body, Outcome, SnapshotBegun, SnapshotSealed
from grantwire.contracts.streams import SNAPSHOTS
from grantwire.graph import Graph, connectors, queries, runs
from grantwire.projector.handlers import PATIENCE
from grantwire.projector.service import assemble
from tests.integration.bus.stage import Stage
from tests.integration.graph.scenes import ACCOUNT, BEGAN, COVERS, facts, fetch, user, value
from tests.support.eventually import eventually

SCOPE = f"iam/{ACCOUNT}"
SEALS = subjects.snapshot("prod", "iam", SCOPE)
CHUNKS = subjects.resources("prod", "iam", SCOPE)
ROLE = f"arn:aws:iam::{ACCOUNT}:role/grantwire"
COMMON: dict[str, Any] = {"connector": "prod", "source": "iam", "scope": SCOPE}


@pytest.fixture(autouse=True)
async def connector(graph: Graph) -> None:
    prod = Connector(id="prod", name="prod", role_arn=ROLE, external_id="external-id-0001")
    await connectors.put(graph, prod, account=ACCOUNT, state=ConnectorState.CONNECTED, reason=None)


@asynccontextmanager
async def projector(stage: Stage, graph: Graph) -> AsyncIterator[None]:
    bus = broker(stage.url, service="projector")
    assemble(bus, graph)
    try:
        await bus.start()
        yield
    finally:
        await bus.stop()


async def read(stage: Stage, run: str, content: Facts, *, lose: bool) -> SnapshotSealed:
    """What a collector publishes; ``lose``: the stream forgets the chunks before the seal is there."""
    snapshot, body = str(uuid.uuid4()), chunks.encode(content)
    async with stage.publisher() as publisher:
        begun = SnapshotBegun(snapshot=snapshot, run=run, **COMMON)
        fence = (await publisher.send(SNAPSHOTS, SEALS, begun, id=f"{snapshot}:begin")).sequence
        await publisher.send_batch(SNAPSHOTS, [_chunk(snapshot, n, part) for n, part in enumerate(body)])
        if lose:
            await stage.client.jetstream().purge_stream(SNAPSHOTS.name, subject=CHUNKS)
        seal = SnapshotSealed(
            snapshot=snapshot,
            run=run,
            **COMMON,
            account=ACCOUNT,
            fence=fence,
            last_read=fence,
            read_began_at=BEGAN,
            plan="bulk",
            outcome=Outcome.COMPLETE,
            covers=COVERS,
            body=Body.CHUNKS,
            chunks=len(body),
            digest=chunks.digest(body, "bulk"),
        )
        await publisher.send(SNAPSHOTS, SEALS, seal, id=f"{snapshot}:seal")
    return seal


def _chunk(snapshot: str, number: int, body: bytes) -> Outgoing:
    return Outgoing(CHUNKS, body, {SNAPSHOT: snapshot, CHUNK: str(number)}, f"{snapshot}:{number}")


async def requested(graph: Graph) -> str:
    run = await runs.request(graph, "prod", cause="manual", traceparent=None)
    await runs.published(graph, run, SCOPE)
    return run


async def ended(graph: Graph, run: str) -> runs.RunScopeView:
    await eventually(lambda: finished(graph, run), what="the end of the run")
    (part,) = (await runs.get(graph, run)).scopes
    return part


async def finished(graph: Graph, run: str) -> bool:
    return (await runs.get(graph, run)).scopes[0].finished_at is not None


async def lines(graph: Graph) -> list[str]:
    return [line async for line in queries.export(graph)]


async def test_what_is_lost_is_noted_and_read_again(stage: Stage, graph: Graph) -> None:
    async with projector(stage, graph):
        first = await requested(graph)
        await read(stage, first, facts([user("alice")]), lose=False)
        assert (await ended(graph, first)).state == "complete"
        before = await lines(graph)

        lost = await requested(graph)
        await read(stage, lost, facts([user("alice"), user("bob")]), lose=True)
        part = await ended(graph, lost)
        assert part.reason is not None and (part.state, part.reason.code) == ("stale", "chunks_gone")
        assert await lines(graph) == before
        row = (await fetch(graph, "SELECT state, reason, digest, resync FROM scope"))[0]
        assert (row["state"], row["reason"]["code"], row["digest"], row["resync"]) == (
            "stale", "chunks_gone", None, True
        )  # fmt: skip

        (again,) = await runs.pending(graph)
        assert again.full and again.run in part.reason.text
        await runs.published(graph, again.run, SCOPE)
        await read(stage, again.run, facts([user("alice"), user("bob")]), lose=False)
        assert (await ended(graph, again.run)).state == "complete"
    assert len(await lines(graph)) == 2
    assert await value(graph, "SELECT state FROM scope") == "complete"


async def test_what_is_lost_twice_waits_for_the_timetable(stage: Stage, graph: Graph) -> None:
    async with projector(stage, graph):
        first = await requested(graph)
        await read(stage, first, facts([user("alice")]), lose=True)
        await ended(graph, first)
        (again,) = await runs.pending(graph)
        await runs.published(graph, again.run, SCOPE)
        await read(stage, again.run, facts([user("alice")]), lose=True)
        part = await ended(graph, again.run)
    assert part.reason is not None and (part.state, part.reason.code) == ("stale", "chunks_gone")
    assert await runs.pending(graph) == []


async def test_it_takes_few_deliveries_and_leaves_no_dead_letter(stage: Stage, graph: Graph) -> None:
    run = await requested(graph)
    await read(stage, run, facts([user("alice")]), lose=True)
    async with projector(stage, graph):
        await ended(graph, run)
        info = await eventually(lambda: settled(stage))
    assert info.delivered.consumer_seq <= PATIENCE + 1, "the begin, and the seal three times"
    async with stage.dead_letters() as dead:
        assert await dead.list() == []


async def settled(stage: Stage) -> Any:
    info = await stage.client.jetstream().consumer_info(SNAPSHOTS.name, "projector-snapshot-sealed")
    return info if not info.num_ack_pending and not info.num_pending else None


async def test_a_stream_that_was_made_anew_is_known_at_once(stage: Stage, graph: Graph) -> None:
    """Its first sequence is beyond the fence: no delivery is waited for."""
    run = await requested(graph)
    await read(stage, run, facts([user("alice")]), lose=True)
    await stage.client.jetstream().purge_stream(SNAPSHOTS.name, keep=1)
    async with projector(stage, graph):
        part = await ended(graph, run)
        info = await eventually(lambda: settled(stage))
    assert part.reason is not None and part.reason.code == "chunks_gone"
    assert info.delivered.consumer_seq == 1
