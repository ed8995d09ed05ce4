"""The play of `demo chaos`: syncs one after another, kills among them, and what was seen of the graph meanwhile."""

import asyncio
import itertools
import random
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from grantwire.cli import following
from grantwire.cli.catalog import SERVICES
from grantwire.cli.children import Children
from grantwire.cli.client import Api
from grantwire.cli.comparing import Comparison, compare
from grantwire.cli.exits import Exit, Stop
from grantwire.cli.planted import Oracle, differences
from grantwire.cli.summary import by_outcome
from grantwire.cli.words import counted
from grantwire.contracts.connectors import Connector
from grantwire.telemetry import monotonic

_FIRST: Final = ("collector-iam", "projector", "relay", "scheduler")
VICTIMS: Final = (*_FIRST, *(name for name in SERVICES if name not in (*_FIRST, "api")))
_LAST_SYNCS: Final = 4  # a job that was killed at every delivery is given up on; the next sync reads its account
_LOOK_EVERY: Final = 0.5


@dataclass(frozen=True)
class Stage:
    """Everything that plays."""

    children: Children
    api: Api
    oracle: Oracle
    connector: Connector


class View(Protocol):
    """Where the news go."""

    def show(self, connector: str, run: dict[str, Any]) -> None: ...

    def killed(self, service: str, pid: int, new: int) -> None: ...

    def synced(self, number: int, state: str, comparison: Comparison) -> None: ...

    def looked(self, counts: dict[str, int], revision: int) -> None: ...


@dataclass
class Verdict:
    """How it ended. ``looks`` counts how often the graph was looked at meanwhile, ``off`` what was wrong then."""

    comparison: Comparison
    planted: list[str]
    kills: list[dict[str, Any]]
    syncs: list[dict[str, Any]]
    looks: int
    off: list[str]

    @property
    def equal(self) -> bool:
        return not self.differences

    @property
    def differences(self) -> list[str]:
        return [*self.comparison.differences, *self.planted, *self.off]

    def sentence(self) -> str:
        sizes = f"{self.comparison.resources:,} resources, {self.comparison.relations:,} relations"
        after = f"after {counted(len(self.kills), 'kill')} and {counted(len(self.syncs), 'sync')}"
        if self.equal:
            return (
                f"equal: {sizes}, line by line as the truth has them, {after}; looked at {self.looks} times meanwhile"
            )
        return f"NOT equal: {counted(len(self.differences), 'difference')} {after} ({sizes})"

    def document(self) -> dict[str, Any]:
        return {
            "equal": self.equal,
            "resources": self.comparison.resources,
            "relations": self.comparison.relations,
            "kills": self.kills,
            "syncs": self.syncs,
            "looks": self.looks,
            "differences": self.differences,
        }


@dataclass
class Play:
    """One performance. What is killed is fixed; when, is drawn from the seed."""

    stage: Stage
    view: View
    kills: int
    every: float
    seed: int
    _begun: float = field(default_factory=monotonic)
    _over: asyncio.Event = field(default_factory=asyncio.Event)
    _busy: asyncio.Event = field(default_factory=asyncio.Event)
    _killed: list[dict[str, Any]] = field(default_factory=list)
    _syncs: list[dict[str, Any]] = field(default_factory=list)
    _sizes: dict[str, int] = field(default_factory=dict)
    _looks: int = 0
    _off: list[str] = field(default_factory=list)

    async def performed(self) -> Verdict:
        """All kills done, and a sync after the last of them compared with the truth."""
        async with asyncio.TaskGroup() as group:
            looking = group.create_task(self._look())
            group.create_task(self._kill())
            verdict = await group.create_task(self._sync())
            looking.cancel()
        return verdict

    def show(self, connector: str, run: dict[str, Any]) -> None:
        """News of a run: only while one is under way is there something to kill."""
        if run["state"] == "running":
            self._busy.set()
        elif run["state"] != "requested":
            self._busy.clear()
        self.view.show(connector, run)

    async def _kill(self) -> None:
        rng = random.Random(self.seed)  # noqa: S311  a schedule, not a secret
        for name in itertools.islice(itertools.cycle(VICTIMS), self.kills):
            await asyncio.sleep(self.every * rng.uniform(0.6, 1.4))
            await self._busy.wait()
            pid, new = await self.stage.children.kill(name)
            at = round(monotonic() - self._begun, 3)
            self._killed.append({"service": name, "pid": pid, "restarted_as": new, "at": at})
            self.view.killed(name, pid, new)
        self._over.set()

    async def _sync(self) -> Verdict:
        last = 0
        while True:
            after_all_kills = self._over.is_set()
            run = await following.sync(self.stage.api, self.stage.connector, self, fresh=not self._syncs)
            comparison, planted = await self._compared(run)
            last += after_all_kills
            if after_all_kills and (last == _LAST_SYNCS or not (comparison.differences or planted)):
                return Verdict(comparison, planted, self._killed, self._syncs, self._looks, self._off)
            if not after_all_kills:
                await self._change()

    async def _compared(self, run: dict[str, Any]) -> tuple[Comparison, list[str]]:
        oracle, exported = self.stage.oracle, b""
        async for block in self.stage.api.blocks("/v1/export"):
            exported += block
        found = compare(await oracle.lines(), exported.decode().splitlines(), await oracle.unread())
        planted = differences(await oracle.troubles(), by_outcome(run["scopes"], {}))
        if found.equal:
            self._sizes = {"resources": found.resources, "relations": found.relations}
        self._syncs.append({"run": run["run"], "state": run["state"], "equal": found.equal})
        self.view.synced(len(self._syncs), run["state"], found)
        return found, planted

    async def _change(self) -> None:
        """An account moves to another unit, so that there is something new to see. The sizes stay."""
        shown = await self.stage.oracle.organization()
        management = next(iter(shown["admin_of"]))
        movable = [each for each in shown["accounts"] if each["id"] != management]
        mover = movable[len(self._syncs) % len(movable)]
        units = [unit["id"] for unit in shown["units"] if unit["id"] != mover["parent"]]
        await self.stage.oracle.move(mover["id"], units[len(self._syncs) % len(units)])

    async def _look(self) -> None:
        """Whatever is killed: once the graph was right, it never shows less or more."""
        while True:
            expected = dict(self._sizes)
            status = await self.stage.api.get("/v1/status")
            counts = {name: sum(status["counts"][name].values()) for name in ("resources", "relations")}
            self.view.looked(counts, status["revision"])
            self._looks += 1
            if expected and counts != expected:
                at = monotonic() - self._begun
                self._off.append(f"{at:.1f} s after the start the graph showed {counts}, and the truth is {expected}")
            if name := self.stage.children.fallen():
                raise Stop(Exit.FAILED, f"The service {name} ended although nobody killed it.")
            await asyncio.sleep(_LOOK_EVERY)
