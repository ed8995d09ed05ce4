"""Clients of Identity Center, as connectors and as administrators."""

from __future__ import annotations

from typing import Any

import boto3

from grantwire.sandbox.plan import Key
from grantwire.sandbox.server import Sandbox
from tests.integration.sandbox.clients import ONCE, client
from tests.integration.sandbox.org_crawl import admin_of, reader


def sso(sandbox: Sandbox, name: str = "organization") -> Any:
    """A connector's client."""
    return client(sandbox, "sso-admin", reader(sandbox, name))


def store(sandbox: Sandbox, name: str = "organization") -> Any:
    """A connector's client of the directory."""
    return client(sandbox, "identitystore", reader(sandbox, name))


def boss(sandbox: Sandbox, service: str = "sso-admin", account: str | None = None) -> Any:
    """A client of the administrator of the management account, or of another."""
    return admin_of(sandbox, account or sandbox.facts["organization"]["management_account"], service)


def elsewhere(sandbox: Sandbox, service: str, region: str) -> Any:
    """The management account's administrator in another region."""
    key = Key(**sandbox.facts["admin_of"][sandbox.facts["organization"]["management_account"]])
    make: Any = boto3.client
    return make(
        service,
        endpoint_url=sandbox.endpoint,
        region_name=region,
        config=ONCE,
        aws_access_key_id=key.access_key_id,
        aws_secret_access_key=key.secret_access_key,
    )


def instance(sandbox: Sandbox) -> dict[str, str]:
    """The parameter that names the first instance."""
    return {"InstanceArn": sandbox.facts["identity_center"]["instances"][0]["instance_arn"]}


def directory(sandbox: Sandbox) -> dict[str, str]:
    """The parameter that names the first identity store."""
    return {"IdentityStoreId": sandbox.facts["identity_center"]["instances"][0]["identity_store_id"]}


def rows(sandbox: Sandbox, kind: str) -> list[dict[str, Any]]:
    """What Identity Center holds of a kind, by its control page."""
    found: list[dict[str, Any]] = sandbox.identity_center()[kind]
    return found
