"""What a test asks of a running world: sync, export, changes; straight from Postgres and the stream."""

import json
from typing import Any

import nats
from nats.js.api import ConsumerConfig, DeliverPolicy

from grantwire.contracts.connectors import Connector, ConnectorState
from grantwire.contracts.failures import DependencyDown
from grantwire.contracts.identity_center import IdentityCenter
from grantwire.graph import Graph, connectors, queries, runs
from grantwire.telemetry import utc_now
from tests.support.eventually import HANGS, eventually

ENDED = {"complete", "partial", "failed"}


async def add(
    graph: Graph,
    settings: dict[str, Any],
    organization: str | None = None,
    *,
    account: str | None = None,
    identity_center: IdentityCenter | None = None,
) -> Connector:
    """Put a connector, validated as it were: ``organization`` is the id of the one it reads, ``account`` its own where
    it has no role that says so, ``identity_center`` the instance that was found."""
    connector = Connector(**settings)
    known = organization if connector.organizations else None
    told: dict[str, Any] = {"account": connector.account or account, "state": ConnectorState.SYNCING, "reason": None}
    await connectors.put(graph, connector, organization=known, identity_center=identity_center, **told)
    return connector


async def sync(graph: Graph, connector: str, *, full: bool = False, timeout: float = 120) -> Any:
    """Ask for a run and wait until it ended, whatever is killed meanwhile."""
    run = await runs.request(graph, connector, cause="manual", traceparent=None, full=full)
    return await ended(graph, run, timeout)


async def ended(graph: Graph, run: str, timeout: float = 120) -> Any:
    """The run as it ended."""

    async def over() -> Any:
        try:
            view = await runs.get(graph, run)
        except DependencyDown:
            return None
        return view if view.state in ENDED else None

    return await eventually(over, timeout=timeout, what=f"the end of run {run}")


async def export(graph: Graph) -> list[str]:
    return [line.rstrip("\n") async for line in queries.export(graph)]


async def drained(graph: Graph, timeout: float = HANGS) -> None:
    """Wait until the relay has published everything."""

    async def empty() -> bool:
        try:
            async with graph.connection() as connection:
                return not await connection.fetchval("SELECT EXISTS (SELECT FROM outbox)")
        except DependencyDown:
            return False

    await eventually(empty, timeout=timeout, what="an empty outbox")


async def changes(url: str, after: int = 0) -> list[dict[str, Any]]:
    """What is on the CHANGES stream in stream order, but for the first ``after`` messages: ``type`` without prefix and
    version, and the body's fields."""
    client = await nats.connect(url)
    try:
        stream = client.jetstream()
        state = (await stream.stream_info("CHANGES")).state
        rest = ConsumerConfig(deliver_policy=DeliverPolicy.BY_START_SEQUENCE, opt_start_seq=state.first_seq + after)
        reader = await stream.pull_subscribe("gw.change.>", stream="CHANGES", config=rest)
        found: list[dict[str, Any]] = []
        while after + len(found) < state.messages:
            for message in await reader.fetch(500, timeout=30):
                kind = (message.headers or {})["ce-type"].removeprefix("dev.grantwire.").removesuffix(".v1")
                found.append({"type": kind, "id": (message.headers or {})["ce-id"], **json.loads(message.data)})
        return found
    finally:
        await client.close()


async def scopes(graph: Graph) -> dict[str, Any]:
    """Every scope that counts, by key, as a reader sees it now."""
    return {view.key: view for view in await queries.scopes(graph, utc_now())}
