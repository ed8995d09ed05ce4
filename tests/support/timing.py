"""Measuring a sync: when everything is warm, and how long it took by the database's clock."""

from typing import Any

import nats

from grantwire.contracts.streams import (
    COLLECT_CREDENTIALS,
    COLLECT_IAM,
    COLLECT_IDENTITY_CENTER,
    COLLECT_ORGANIZATION,
    EXHAUSTED,
    SEALED,
    Consumer,
)
from tests.support.eventually import eventually
from tests.support.world import World

_WAITING = {
    "collector-organization": COLLECT_ORGANIZATION,
    "collector-identity-center": COLLECT_IDENTITY_CENTER,
    "collector-credentials": COLLECT_CREDENTIALS,
    "projector": SEALED,
    "relay": EXHAUSTED,
}


def seconds(view: Any) -> float:
    """From a run's request to the end of its last part."""
    return float((max(part.finished_at for part in view.scopes) - view.requested_at).total_seconds())


async def ready(running: World, lanes: int = 8) -> None:
    """All wait for their first message: what follows measures a sync, not the start of Python. ``lanes`` are those of
    all collectors of IAM together."""
    client = await nats.connect(running.nats_url)

    async def waiting(consumer: Consumer) -> int:
        info = await client.jetstream().consumer_info(consumer.stream, consumer.name)
        return int(info.num_waiting or 0)

    async def all_wait() -> bool:
        others = [await waiting(each) for name, each in _WAITING.items() if name in running.services]
        return all(others) and await waiting(COLLECT_IAM) >= lanes

    try:
        await eventually(all_wait, timeout=60, what="services that wait for work")
    finally:
        await client.close()
