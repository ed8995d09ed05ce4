"""One organization, read again and again: under faults, and healed."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from tests.support import everything, following
from tests.support.house import House
from tests.support.matrix import Cell
from tests.support.oracle import judge
from tests.support.world import Sandbox

_MESS: Final = {"short": 0.0, "empty": 0.8}  # the share of empty pages that lead on
_TRIES: Final = 8


@dataclass(frozen=True)
class Aftermath:
    """What runs under faults left behind: the export before and after, what was told, how the scopes stand now, and how
    often each fault was met."""

    before: list[str]
    after: list[str]
    told: list[dict[str, Any]]
    scopes: dict[str, Any]
    fired: list[int]


@dataclass
class Proving:
    """The connector ``prod`` of one plan."""

    aws: Sandbox
    home: House
    plan: str = "bulk"
    runs: int = 0
    ambient: bool = False  # whether the credentials of the environment are the connector's own: it has no role

    async def sync(self) -> Any:
        """By new settings, so that no session of before is known and every role is assumed anew."""
        self.runs += 1
        name = "organization" if self.plan == "bulk" else "organization_minimum"
        settings = {**self.aws.connector(name), "name": f"run {self.runs}"}
        if self.ambient:
            del settings["role_arn"], settings["external_id"]
        await following.add(self.home.graph, settings, self.aws.organization, account=self.aws.account)
        return await following.sync(self.home.graph, "prod")

    async def whole(self) -> None:
        """Nothing is in the way: the next run is complete, and what is known is the truth."""
        view = await self.sync()
        assert view.state == "complete", [(part.scope, part.reason) for part in view.scopes if part.reason]
        verdict = judge(self.aws.truth(self.plan), await following.export(self.home.graph))
        assert verdict.equal, str(verdict)

    async def under(self, cells: Sequence[Cell], accounts: Sequence[str]) -> Aftermath:
        """One run, each cell's fault in its account."""
        return await self.under_rules([cell.rule(account) for cell, account in zip(cells, accounts, strict=True)])

    async def under_rules(self, rules: Sequence[dict[str, Any]]) -> Aftermath:
        """The same with the sandbox's own rules."""
        return await self._aftermath(rules, self.sync)

    async def on_second_pages(self, cell: Cell, account: str, scope: str) -> Aftermath:
        """The same while nearly every page is empty and leads on: so many runs as it takes until no delivery of the
        scope's job gets by without a second page."""

        async def until_met() -> None:
            for _ in range(_TRIES):
                await self.sync()
                if (await following.scopes(self.home.graph))[scope].state != "complete":
                    break

        self.aws.text("mess", "POST", _MESS)
        try:
            return await self._aftermath([cell.rule(account)], until_met)
        finally:
            self.aws.text("mess", "POST", {})

    async def _aftermath(self, rules: Sequence[dict[str, Any]], act: Callable[[], Awaitable[Any]]) -> Aftermath:
        before, heard = await following.export(self.home.graph), await self._heard()
        self.aws.fault(*rules)
        try:
            await act()
            fired = [rule["fired"] for rule in self.aws.get("faults")]
        finally:
            self.aws.heal()
        await following.drained(self.home.graph)
        told = await following.changes(self.home.nats_url, after=heard)
        after, scopes = await following.export(self.home.graph), await following.scopes(self.home.graph)
        return Aftermath(before, after, told, scopes, fired)

    async def _heard(self) -> int:
        await following.drained(self.home.graph)
        return len(await following.changes(self.home.nats_url))


@dataclass
class Everything(Proving):
    """The connector ``prod`` that reads these sources of an organization."""

    sources: tuple[str, ...] = everything.SOURCES

    async def sync(self) -> Any:
        self.runs += 1
        wanted: dict[str, Any] = {
            "name": f"run {self.runs}",
            "sync_secrets": "credentials" in self.sources,
            "identity_center": "identity_center" in self.sources,
            "scim": "scim" in self.sources,
        }
        settings = everything.settings(self.aws, **wanted)
        center = everything.instance(self.aws)
        await following.add(self.home.graph, settings, self.aws.organization, identity_center=center)
        return await following.sync(self.home.graph, "prod")

    async def whole(self) -> None:
        view = await self.sync()
        assert view.state == "complete", [(part.scope, part.reason) for part in view.scopes if part.reason]
        truth = everything.truth(self.aws, sources=self.sources)
        verdict = judge(truth, await following.export(self.home.graph), everything.UNKNOWABLE)
        assert verdict.equal, str(verdict)
