"""Reading Identity Center with the real sessions, readers and plans, and a graph that keeps what it is given."""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from grantwire.aws import IDENTITY_CENTER, AwsSettings, Sessions
from grantwire.collectors.identity_center.plans import Sizes
from grantwire.collectors.identity_center.source import AwsIdentityCenter
from grantwire.collectors.kit.reading import Reading
from grantwire.contracts.connectors import Connector
from grantwire.contracts.identity_center import IdentityCenter
from grantwire.contracts.ids import (
    AccountId,
    assignments_scope,
    directory_groups_scope,
    directory_memberships_scope,
    directory_users_scope,
    permission_sets_scope,
    scope_account,
)
from grantwire.contracts.jobs import CollectScope
from grantwire.contracts.resources import Facts, Kind, RelationKind
from grantwire.graph.lacking import Ends
from grantwire.sandbox.server import Sandbox
from tests.integration.collectors.reading import QUICK, calls, connector, id_of


@dataclass
class Kept:
    """The facts of scopes as a graph would hold them, by scope."""

    scopes: dict[str, Facts] = field(default_factory=dict)
    known: Sizes = field(default_factory=Sizes)

    async def sizes(self, store: str) -> Sizes:
        return self.known

    async def resources(self, scope: str, kind: Kind, present: Collection[str], most: int) -> list[str]:
        held = (row.native_id for row in self.scopes.get(scope, Facts()).resources if row.kind is kind)
        return [id for id in held if id not in set(present)][:most]

    async def relations(
        self, scope: str, kind: RelationKind, present: Collection[tuple[str, str]], most: int
    ) -> list[Ends]:
        held = [row for row in self.scopes.get(scope, Facts()).relations if row.kind is kind]
        lacking = [row for row in held if (row.source, row.target) not in set(present)]
        return [Ends(row.source_kind, row.source, row.target) for row in lacking[:most]]


@dataclass
class Center:
    """One process's collector of Identity Center, and the instance that its connector reads."""

    sandbox: Sandbox
    source: AwsIdentityCenter
    settings: Connector
    kept: Kept
    instance: IdentityCenter
    runs: int = 1

    async def read(self, scope: str, **but: Any) -> Reading:
        """One scope, in the run that is on."""
        job = CollectScope(
            run=f"r{self.runs}",
            connector="prod",
            settings_version=1,
            source="identity_center",
            scope=scope,
            account=scope_account(scope),  # type: ignore[arg-type]
            organization=id_of(self.sandbox),
            identity_center=self.instance,
        )
        return await self.source.read(self.settings, job.model_copy(update=but))

    async def read_all(self) -> list[Reading]:
        """A whole run, whose facts are kept."""
        readings = []
        for scope in scopes_of(self.sandbox):
            readings.append(await self.read(scope))
            self.kept.scopes[scope] = readings[-1].facts()
        return readings


@contextmanager
def center(sandbox: Sandbox, reader: str = "organization", settings: AwsSettings = QUICK) -> Iterator[Center]:
    """As in a process that has just started and a graph that has nothing."""
    kept = Kept()
    with calls(settings) as threads:
        source = AwsIdentityCenter(Sessions(settings, threads, actions=IDENTITY_CENTER), kept)
        yield Center(sandbox, source, connector(sandbox, reader), kept, instance_of(sandbox))


def scopes_of(sandbox: Sandbox) -> list[str]:
    """In the order in which a run asks for them."""
    center = instance_of(sandbox)
    shared = (
        permission_sets_scope(center.instance_arn),
        directory_users_scope(center.identity_store),
        directory_groups_scope(center.identity_store),
        directory_memberships_scope(center.identity_store),
    )
    accounts = [str(each["id"]) for each in sandbox.organization()["accounts"]]
    return [*shared, *(assignments_scope(AccountId(account)) for account in accounts)]


def instance_of(sandbox: Sandbox) -> IdentityCenter:
    """The organization's instance, as it was found when the connector was saved."""
    row = next(each for each in sandbox.identity_center()["Instance"] if each["organized"])
    return IdentityCenter(
        instance_arn=row["arn"], identity_store=row["store"], region=row["region"], owner_account=row["owner"]
    )
