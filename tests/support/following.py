"""What a test asks of a running world: sync, export, changes; straight from Postgres and the stream."""

import json
from typing import Any

import nats
from nats.js.api import ConsumerConfig, DeliverPolicy

from grantwire.contracts.connectors import Connector, ConnectorState
from grantwire.contracts.failures import DependencyDown
from grantwire.graph import Graph, connectors, queries, runs
from tests.support.eventually import eventually

ENDED = {"complete", "partial", "failed"}


async def add(graph: Graph, settings: dict[str, Any]) -> Connector:
    connector = Connector(**settings)
    await connectors.put(graph, connector, account=connector.account, state=ConnectorState.SYNCING, reason=None)
    return connector


async def sync(graph: Graph, connector: str, *, full: bool = False, timeout: float = 60) -> Any:
    """Ask for a run and wait until it ended, whatever is killed meanwhile."""
    run = await runs.request(graph, connector, cause="manual", traceparent=None, full=full)

    async def ended() -> Any:
        try:
            view = await runs.get(graph, run)
        except DependencyDown:
            return None
        return view if view.state in ENDED else None

    return await eventually(ended, timeout=timeout, what=f"the end of run {run}")


async def export(graph: Graph) -> list[str]:
    return [line.rstrip("\n") async for line in queries.export(graph)]


async def drained(graph: Graph, timeout: float = 30) -> None:
    """Wait until the relay has published everything."""

    async def empty() -> bool:
        try:
            async with graph.connection() as connection:
                return not await connection.fetchval("SELECT EXISTS (SELECT FROM outbox)")
        except DependencyDown:
            return False

    await eventually(empty, timeout=timeout, what="an empty outbox")


async def changes(url: str) -> list[dict[str, Any]]:
    """Everything on the CHANGES stream in stream order: ``type`` without prefix and version, and the body's fields."""
    client = await nats.connect(url)
    try:
        stream = client.jetstream()
        last = (await stream.stream_info("CHANGES")).state.messages
        everything = ConsumerConfig(deliver_policy=DeliverPolicy.ALL)
        reader = await stream.pull_subscribe("gw.change.>", stream="CHANGES", config=everything)
        found: list[dict[str, Any]] = []
        while len(found) < last:
            for message in await reader.fetch(500, timeout=5):
                kind = (message.headers or {})["ce-type"].removeprefix("dev.grantwire.").removesuffix(".v1")
                found.append({"type": kind, "id": (message.headers or {})["ce-id"], **json.loads(message.data)})
        return found
    finally:
        await client.close()
