"""Somebody who follows the changes from the first load on: after every sync they must add up to the export."""

from dataclasses import dataclass, field
from typing import Any

from grantwire.graph import runs
from tests.support import following
from tests.support.house import House
from tests.support.oracle import Told, check_order, judge, keys
from tests.support.world import Sandbox


@dataclass
class Subscriber:
    """One connector of an organization, ``prod``, and what was heard of it so far."""

    aws: Sandbox
    home: House
    plan: str = "bulk"
    heard: list[dict[str, Any]] = field(default_factory=list)
    told: Told = field(default_factory=lambda: Told(set()))

    async def connect(self, **but: Any) -> None:
        """Put the connector, with some settings different from before."""
        name = "organization" if self.plan == "bulk" else "organization_minimum"
        await following.add(self.home.graph, {**self.aws.connector(name), **but}, self.aws.organization)

    async def sync(self, state: str = "complete", **options: Any) -> list[dict[str, Any]]:
        """The changes that one run brings about. They add up to the export, in order."""
        run = await runs.request(self.home.graph, "prod", cause="manual", traceparent=None, **options)
        return await self.ended(run, state)

    async def ended(self, run: str, state: str = "complete") -> list[dict[str, Any]]:
        """The same of a run that somebody else asked for."""
        view = await following.ended(self.home.graph, run)
        assert view.state == state, [(part.scope, part.state, part.reason) for part in view.scopes]
        return await self.hear()

    async def hear(self) -> list[dict[str, Any]]:
        """What was told since the last time."""
        await following.drained(self.home.graph)
        news = await following.changes(self.home.nats_url, after=len(self.heard))
        self.heard += news
        check_order(self.heard)
        export = await self.export()
        for change in news:
            if change["type"] == "scope.loaded":
                self.told.load(change, export)
            else:
                self.told.hear(change)
        assert self.told.now == keys(export), "the changes do not add up to the graph"
        return news

    async def export(self) -> list[str]:
        return await following.export(self.home.graph)

    async def equals_the_truth(self, accounts: set[str] | None = None) -> None:
        """``accounts``: whose IAM is known, where these are not the ones that can be entered now."""
        verdict = judge(self.aws.truth(self.plan, accounts=accounts), await self.export())
        assert verdict.equal, str(verdict)

    async def scopes(self) -> dict[str, Any]:
        return await following.scopes(self.home.graph)


def of(changes: list[dict[str, Any]], type_: str, **fields: Any) -> list[dict[str, Any]]:
    """The changes of a type that have these fields."""
    return [
        change
        for change in changes
        if change["type"] == type_ and all(change.get(name) == value for name, value in fields.items())
    ]
