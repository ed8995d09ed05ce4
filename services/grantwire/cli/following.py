"""Connectors added, syncs asked for and followed to their end."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from grantwire.cli.client import Api
from grantwire.cli.exits import Exit, Stop
from grantwire.contracts.connectors import Connector


class Progress(Protocol):
    """Where the news of a run go."""

    def show(self, connector: str, run: dict[str, Any]) -> None: ...


@dataclass(frozen=True)
class Synced:
    """How it went: the runs by connector, and the connectors that could not even be added."""

    runs: dict[str, dict[str, Any]] = field(default_factory=dict)
    refused: dict[str, Stop] = field(default_factory=dict)


async def sync_all(
    asking: Api, waiting: Api, connectors: Sequence[Connector], others: Sequence[str], progress: Progress
) -> Synced:
    """Add the connectors and sync each once, and the others that are there already. One refusal stops no other."""
    refused: dict[str, Stop] = {}
    runs: dict[str, str] = {}
    for name, connector in [*((each.id, each) for each in connectors), *((name, None) for name in others)]:
        try:
            runs[name] = (await add(asking, connector) if connector else None) or await request(asking, name)
        except Stop as stop:
            refused[name] = stop
    ended = await asyncio.gather(*(follow(waiting, name, run, progress) for name, run in runs.items()))
    return Synced(dict(zip(runs, ended, strict=True)), refused)


async def add(api: Api, connector: Connector) -> str | None:
    """The run that adding it began, or None when it was there already."""
    answer = await api.post("/v1/connectors", connector.model_dump(mode="json", exclude_unset=True))
    run: str | None = answer["run"]
    return run


async def request(api: Api, connector: str, *, full: bool = False) -> str:
    """Ask for a sync; the run's id."""
    run: str = (await api.post(f"/v1/connectors/{connector}/sync", {"full": full}))["run"]
    return run


async def sync(api: Api, connector: Connector, progress: Progress, *, fresh: bool) -> dict[str, Any]:
    """One whole sync of a connector, which is added first where it is ``fresh``; its run when it has ended."""
    run = (await add(api, connector) if fresh else None) or await request(api, connector.id, full=True)
    return await follow(api, connector.id, run, progress)


async def follow(api: Api, connector: str, run: str, progress: Progress) -> dict[str, Any]:
    """The run when it has ended and its changes are on the bus; its news shown as they come."""
    after = ""
    while True:
        news = await api.get(f"/v1/runs/{run}/events", after=after, wait=20)
        after = news["cursor"]
        progress.show(connector, news["run"])
        if news["run"]["published"]:
            found: dict[str, Any] = news["run"]
            return found


async def within(seconds: float, work: Any) -> Any:
    """The result of the work, or ``Stop`` when it takes longer."""
    try:
        return await asyncio.wait_for(work, seconds)
    except TimeoutError:
        raise Stop(
            Exit.FAILED,
            f"The sync, up to its last change on the bus, did not end within {seconds:g} s.",
            "It goes on where Grantwire keeps running: `grantwire status` shows it. --timeout waits longer.",
        ) from None
