"""Reading a sandbox with the real sessions, readers and plans, and its facts in the public export's form."""

import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from grantwire.aws import ORGANIZATION, AwsSettings, Calls, Sessions
from grantwire.collectors.iam.source import AwsIam
from grantwire.collectors.kit.reading import Reading
from grantwire.collectors.organization.source import AwsOrganization
from grantwire.contracts.chunks import relation_row, resource_row
from grantwire.contracts.connectors import Connector
from grantwire.contracts.ids import AccountId, iam_scope, organization_scope
from grantwire.contracts.jobs import CollectScope
from grantwire.contracts.resources import Facts, Kind, Resource, facet_of
from grantwire.contracts.text import storable
from grantwire.sandbox.server import Sandbox
from tests.integration.aws.entering import QUICK, patience

__all__ = ["QUICK", "patience"]


@dataclass
class Fleet:
    """The accounts inside, as the test says they are."""

    accounts: frozenset[str] = frozenset()

    async def accounts_inside(self) -> frozenset[str]:
        return self.accounts


@dataclass
class Collectors:
    """Both sources of one process, which share no more than the threads of a process."""

    iam: AwsIam
    organization: AwsOrganization
    fleet: Fleet


@contextmanager
def calls(settings: AwsSettings = QUICK) -> Iterator[Calls]:
    threads = Calls(settings.concurrency)
    try:
        yield threads
    finally:
        threads.close()


@contextmanager
def collectors(settings: AwsSettings = QUICK) -> Iterator[Collectors]:
    """As in processes that have just started: nothing is known of any account."""
    fleet = Fleet()
    with calls(settings) as threads:
        organization = AwsOrganization(Sessions(settings, threads, actions=ORGANIZATION))
        yield Collectors(AwsIam(Sessions(settings, threads), fleet), organization, fleet)


def connector(sandbox: Sandbox, plan: str = "bulk", **but: Any) -> Connector:
    """``plan`` names one of the sandbox's connectors. Those of an organization know its one odd external id."""
    given = sandbox.facts["connectors"][plan]
    if "child_role_name" in given:
        odd = sandbox.facts["organization"]["child_external_id"]
        overrides = {account: {"external_id": asked} for account, asked in odd.items()}
        known = {name: given[name] for name in ("role_arn", "external_id", "child_role_name")}
        given = {"organizations": True, "account_overrides": overrides, **known}
    return Connector(**{"id": "prod", **given, **but})


def iam_job(account: str | None, organization: str | None = None) -> CollectScope:
    scope = iam_scope(AccountId(account or "000000000000"))
    return CollectScope(
        run="r",
        connector="prod",
        settings_version=1,
        source="iam",
        scope=scope,
        account=account,
        organization=organization,
    )


def organization_job(settings: Connector, organization: str) -> CollectScope:
    scope = organization_scope(organization)
    return CollectScope(
        run="r",
        connector="prod",
        settings_version=1,
        source="organization",
        scope=scope,
        account=settings.account,
        organization=organization,
    )


async def read(sandbox: Sandbox, plan: str = "bulk", aws: AwsSettings = QUICK) -> Reading:
    """One reading of a single account in a fresh process's state: nothing cached."""
    with collectors(aws) as fresh:
        reading = await fresh.iam.read(connector(sandbox, plan), iam_job(sandbox.account))
    assert reading.account == sandbox.account
    return reading


async def read_organization(
    sandbox: Sandbox, name: str = "organization", aws: AwsSettings = QUICK, **but: Any
) -> Reading:
    """One reading of the organization in a fresh process's state."""
    settings = connector(sandbox, name, **but)
    with collectors(aws) as fresh:
        return await fresh.organization.read(settings, organization_job(settings, id_of(sandbox)))


async def read_member(
    fresh: Collectors, sandbox: Sandbox, account: str, name: str = "organization", **but: Any
) -> Reading:
    """One reading of the IAM of an account of the organization."""
    return await fresh.iam.read(connector(sandbox, name, **but), iam_job(account, id_of(sandbox)))


def id_of(sandbox: Sandbox) -> str:
    return str(sandbox.facts["organization"]["id"])


def members(facts: Facts) -> frozenset[str]:
    """The accounts that an organization's facts hold."""
    return frozenset(row.native_id for row in facts.resources if row.kind is Kind.ACCOUNT)


def exported(*scopes: Facts) -> set[str]:
    """The facts as the lines of an export, without what is decided when the graph is read."""
    owned = {row.key: row for facts in scopes for row in facts.resources if row.kind is not Kind.FACET}
    mentions = [row for facts in scopes for row in facts.mentions if row.key not in owned]
    for row in (row for facts in scopes for row in facts.resources if row.kind is Kind.FACET):
        _merge(owned, row)
    rows = [resource_row(row) for row in (*owned.values(), *mentions)]
    return {
        _line(storable(row)) for row in (*rows, *(relation_row(row) for facts in scopes for row in facts.relations))
    }


def _merge(owned: dict[tuple[str, str], Resource], row: Resource) -> None:
    """As the graph does when it is read: nothing, where the resource is not there."""
    kind, native_id = facet_of(row.name)
    if found := owned.get((kind.value, native_id)):
        attributes = {**found.attributes, **row.attributes}
        owned[found.key] = Resource(found.kind, found.native_id, found.account, found.name, attributes)


def truth(sandbox: Sandbox, plan: str = "bulk", **asked: Any) -> set[str]:
    return lines(sandbox.truth(plan, **asked))


def lines(rows: Iterable[dict[str, Any]]) -> set[str]:
    return {_line(row) for row in rows}


def _line(row: dict[str, Any]) -> str:
    kept = {name: value for name, value in row["attributes"].items() if name != "in_organization"}
    return json.dumps({**row, "attributes": kept}, sort_keys=True)
