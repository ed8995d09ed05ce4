"""A naive reader of an organization: one boto3 call per thing, and the naive crawl of every account it can enter."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC
from typing import Any

from botocore.exceptions import ClientError

from grantwire.sandbox.plan import Key
from grantwire.sandbox.server import Sandbox
from tests.integration.sandbox.clients import client, operator
from tests.integration.sandbox.crawl import Crawl, Line

Organization = dict[str, Any]


def reader(sandbox: Sandbox, name: str = "organization") -> dict[str, Any]:
    """Credentials of a connector that reads the organization."""
    connector = sandbox.facts["connectors"][name]
    given = {"RoleArn": connector["role_arn"], "ExternalId": connector["external_id"], "RoleSessionName": "test"}
    credentials: dict[str, Any] = operator(sandbox).assume_role(**given)["Credentials"]
    return credentials


def child(sandbox: Sandbox, account: str, name: str = "organization", **more: Any) -> dict[str, Any]:
    """Credentials in another account, through the connector's own session. Raises `ClientError`."""
    connector, organization = sandbox.facts["connectors"][name], sandbox.facts["organization"]
    arn = f"arn:{sandbox.plan.partition}:iam::{account}:role/{connector['child_role_name']}"
    asked = organization["child_external_id"].get(account)
    given = {"RoleArn": arn, "RoleSessionName": "child"} | ({"ExternalId": asked} if asked else {}) | more
    credentials: dict[str, Any] = client(sandbox, "sts", reader(sandbox, name)).assume_role(**given)["Credentials"]
    return credentials


def admin_of(sandbox: Sandbox, account: str, service: str = "iam") -> Any:
    """A client of an account's administrator."""
    return client(sandbox, service, Key(**sandbox.facts["admin_of"][account]))


class OrganizationCrawl:
    """Walks the tree from the root, and every account that lets the connector in; its IAM only when `deep`."""

    def __init__(self, sandbox: Sandbox, name: str = "organization", deep: bool = True) -> None:
        self.sandbox, self.name, self.deep = sandbox, name, deep
        self.api = client(sandbox, "organizations", reader(sandbox, name))
        self.lines: list[Line] = []
        self.closed: set[str] = set()

    def all(self, operation: str, key: str, **params: Any) -> list[Any]:
        return [row for page in self.api.get_paginator(operation).paginate(**params) for row in page[key]]

    def run(self) -> list[Line]:
        found = self.api.describe_organization()["Organization"]
        more = {"management_account": found["MasterAccountId"], "feature_set": found["FeatureSet"]}
        self._resource("organization", found["Id"], None, found["Id"], {"arn": found["Arn"]} | more)
        for root in self.all("list_roots", "Roots"):
            self._unit(root, found, (found["Id"], "organization"))
        return list({repr(line): line for line in self.lines}.values())

    def _resource(self, kind: str, native_id: str, account: str | None, name: str, attributes: Line) -> None:
        line = {"type": "resource", "kind": kind, "native_id": native_id, "account": account, "name": name}
        self.lines.append(line | {"attributes": attributes})

    def _contains(self, source: tuple[str, str], target: tuple[str, str]) -> None:
        ends = {"source": source[0], "source_kind": source[1], "target": target[0], "target_kind": target[1]}
        self.lines.append({"type": "relation", "kind": "contains", **ends, "attributes": {}})

    def _unit(self, unit: Line, found: Organization, above: tuple[str, str]) -> None:
        kind, is_root = "organizational_unit", above[1] == "organization"
        self._resource(kind, unit["Id"], None, unit["Name"], {"arn": unit["Arn"], "is_root": is_root})
        self._contains(above, (unit["Id"], kind))
        for inner in self.all("list_organizational_units_for_parent", "OrganizationalUnits", ParentId=unit["Id"]):
            self._unit(inner, found, (unit["Id"], kind))
        for account in self.all("list_accounts_for_parent", "Accounts", ParentId=unit["Id"]):
            self._contains((unit["Id"], kind), (account["Id"], "account"))
            self._account(account["Id"], found["MasterAccountId"])

    def _account(self, number: str, management: str) -> None:
        account = self.api.describe_account(AccountId=number)["Account"]
        attributes = {
            "arn": account["Arn"],
            "email": account["Email"],
            "state": account.get("State") or account.get("Status") or "unknown",
            "joined_method": account["JoinedMethod"],
            "joined_at": account["JoinedTimestamp"].astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "is_management": number == management,
            "delegated_services": sorted(self._services(number)),
        }
        self._resource("account", number, number, account["Name"], attributes | self._inside(number))

    def _services(self, number: str) -> Iterator[str]:
        try:
            for each in self.all("list_delegated_services_for_account", "DelegatedServices", AccountId=number):
                yield each["ServicePrincipal"]
        except ClientError as error:
            assert error.response["Error"]["Code"] == "AccountNotRegisteredException"

    def _inside(self, number: str) -> Line:
        """The aliases of an account, if it can be entered; its IAM as its administrator sees it."""
        own = f":{number}:" in self.sandbox.facts["connectors"][self.name]["role_arn"]
        try:
            given = reader(self.sandbox, self.name) if own else child(self.sandbox, number, self.name)
        except ClientError as error:
            assert error.response["Error"]["Code"] == "AccessDenied"
            self.closed.add(number)
            return {}
        if self.deep:
            crawled = Crawl(admin_of(self.sandbox, number), number).run()
            self.lines += [line for line in crawled if line["kind"] != "account"]
        pages = client(self.sandbox, "iam", given).get_paginator("list_account_aliases").paginate()
        return {"aliases": [alias for page in pages for alias in page["AccountAliases"]]}
