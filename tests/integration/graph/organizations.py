"""Small organizations for the tests: a connector that reads one, and the seals of its scopes."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from grantwire.contracts.connectors import Connector, ConnectorState
from grantwire.contracts.identity_center import IdentityCenter
from grantwire.contracts.resources import Facts, Kind, RelationKind, Resource
from grantwire.contracts.snapshots import Outcome, Reason
from grantwire.graph import Applied, Graph, apply_seal, connectors, expanding, queries, runs
from grantwire.graph.wanted import Decision
from grantwire.scheduler.fleet import decide
from grantwire.telemetry.clock import utc_now
from tests.integration.graph.scenes import Bus, facts, fetch, link, user

ID, SCOPE = "o-abc123", "organization/o-abc123"
OWN, DEV, PROD, LONE = "111111111111", "222222222222", "333333333333", "444444444444"
ROOT, TEAMS, TEAM_A = "r-abcd", "ou-abcd-11111111", "ou-abcd-22222222"
PLACES = {OWN: ROOT, DEV: TEAM_A, PROD: TEAMS, LONE: ROOT}
ALL = {OWN, DEV, PROD, LONE}
COVERS = ["organization", "organizational_unit", "account", "contains"]


def unit(id: str) -> Resource:
    return Resource(Kind.ORGANIZATIONAL_UNIT, id, None, id, {})


def account(id: str, state: str = "ACTIVE", name: str | None = None) -> Resource:
    return Resource(Kind.ACCOUNT, id, id, name or f"account-{id[0]}", {"state": state})


def organization(places: Mapping[str, str] = PLACES, states: Mapping[str, str] | None = None) -> Facts:
    """The root, TEAMS below it, TEAM_A below that, and each account in its place."""
    top = Resource(Kind.ORGANIZATION, ID, None, ID, {"management_account": OWN})
    units = {id: unit(id) for id in (ROOT, TEAMS, TEAM_A)}
    accounts = {id: account(id, (states or {}).get(id, "ACTIVE")) for id in places}
    tree = [(top, units[ROOT]), (units[ROOT], units[TEAMS]), (units[TEAMS], units[TEAM_A])]
    tree += [(units[place], accounts[id]) for id, place in places.items()]
    return facts([top, *units.values(), *accounts.values()], [link(RelationKind.CONTAINS, *pair) for pair in tree])


def settings(**changes: Any) -> Connector:
    fields: dict[str, Any] = {
        "id": "org",
        "role_arn": f"arn:aws:iam::{OWN}:role/Grantwire",
        "organizations": True,
        "interval": timedelta(minutes=15),
    }
    return Connector(**fields | changes)


@dataclass
class Fleet:
    """An organization's connector, and a collector that answers its jobs with what the test says."""

    graph: Graph
    connector: Connector = field(default_factory=settings)
    bus: Bus = field(init=False)

    def __post_init__(self) -> None:
        self.bus = Bus(self.graph, self.connector.id, OWN)

    async def put(self, **changes: Any) -> int:
        self.connector = self.connector.model_copy(update=changes)
        return await connectors.put(
            self.graph, self.connector, account=OWN, organization=ID, state=ConnectorState.SYNCING, reason=None
        )

    async def put_with(self, center: IdentityCenter) -> int:
        """The connector and the Identity Center that was found for it."""
        return await connectors.put(
            self.graph,
            self.connector,
            account=OWN,
            organization=ID,
            identity_center=center,
            state=ConnectorState.SYNCING,
            reason=None,
        )

    async def request(self, cause: runs.Cause = "manual") -> str:
        return await runs.request(self.graph, self.connector.id, cause=cause, traceparent=None)

    async def read_organization(self, run: str, content: Facts | None = None) -> Applied:
        return await self._send(run, content or organization(), source="organization", scope=SCOPE, covers=COVERS)

    async def fail(self, run: str, scope: str) -> None:
        reason = Reason(code="denied", text=f"{scope} was denied.")
        seal, _ = self.bus.seal(None, run=run, outcome=Outcome.STALE, reason=reason, **_names(scope))
        await apply_seal(self.graph, seal, None, traceparent=None)

    async def read(self, run: str, *accounts: str) -> None:
        for id in accounts:
            content = facts([user("a", f"AIDA{id}", id)])
            await self._send(run, content, scope=f"iam/{id}", account=id)

    async def expand(self, run: str) -> Decision | None:
        return await expanding.expand(self.graph, run, decide)

    async def sync(self, content: Facts | None = None, *, cause: runs.Cause = "manual") -> str:
        """A whole run in which everything that is asked for is read."""
        run = await self.request(cause)
        await self.read_organization(run, content)
        decision = await self.expand(run)
        await self.read(run, *(part.account or "" for part in (decision.jobs if decision else ())))
        return run

    async def _send(self, run: str, content: Facts, **changes: Any) -> Applied:
        seal, body = self.bus.seal(content, run=run, **changes)
        return await apply_seal(self.graph, seal, body, traceparent=None)


def _names(scope: str) -> dict[str, Any]:
    source, _, id = scope.partition("/")
    return {"source": source, "scope": scope, "account": OWN if source == "organization" else id}


def keys(accounts: Iterable[str]) -> set[str]:
    return {f"iam/{id}" for id in accounts}


async def states(graph: Graph) -> dict[str, str]:
    return {view.key: view.state for view in await queries.scopes(graph, utc_now())}


async def retired(graph: Graph) -> dict[str, str]:
    rows = await fetch(graph, "SELECT key, retired_why FROM scope WHERE retired_at IS NOT NULL")
    return {row["key"]: row["retired_why"] for row in rows}


def alone(id: str, account: str) -> Connector:
    return Connector(id=id, role_arn=f"arn:aws:iam::{account}:role/Grantwire")
