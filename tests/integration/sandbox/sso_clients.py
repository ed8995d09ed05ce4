"""Clients of Identity Center, as connectors and as administrators."""

from __future__ import annotations

from typing import Any

import boto3

from grantwire.sandbox.plan import Key
from grantwire.sandbox.server import Sandbox
from tests.integration.sandbox.clients import ONCE, client
from tests.integration.sandbox.org_crawl import admin_of, reader

LONG = 300  # seconds that Identity Center takes for what a test asks: longer than any test may take


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


def plain_set(sandbox: Sandbox) -> str:
    """The ARN of a set that asks for no customer managed policy, and is not in the management account."""
    inside = {row["permission_set"] for row in rows(sandbox, "Provisioned") if row["account"] == management(sandbox)}
    found = (
        row for row in rows(sandbox, "PermissionSet") if not row["customer"] and not isinstance(row["boundary"], dict)
    )
    return next(str(row["arn"]) for row in found if row["arn"] not in inside)


def management(sandbox: Sandbox) -> str:
    return str(sandbox.facts["organization"]["management_account"])


def delegated(sandbox: Sandbox) -> str:
    return str(sandbox.facts["organization"]["delegated_administrator"])


def wanted(sandbox: Sandbox, user: int = 0, account: str | None = None, arn: str | None = None) -> dict[str, Any]:
    """The parameters of an assignment."""
    return instance(sandbox) | {
        "TargetId": account or delegated(sandbox),
        "TargetType": "AWS_ACCOUNT",
        "PermissionSetArn": arn or fresh_set(sandbox),
        "PrincipalType": "USER",
        "PrincipalId": rows(sandbox, "Person")[user]["id"],
    }


def fresh_set(sandbox: Sandbox, name: str = "Fresh") -> str:
    """The ARN of a set of that name, made when it is not there."""
    known = {row["name"]: row["arn"] for row in rows(sandbox, "PermissionSet")}
    if name in known:
        return str(known[name])
    made = boss(sandbox).create_permission_set(**instance(sandbox), Name=name, Description="made by a test")
    return str(made["PermissionSet"]["PermissionSetArn"])


def later(sandbox: Sandbox) -> None:
    """Everything that was asked for is due."""
    sandbox.control("POST", "clock", {"advance": LONG + 1})


def held(sandbox: Sandbox, given: dict[str, Any]) -> list[str]:
    named = {"AccountId": given["TargetId"], "PermissionSetArn": given["PermissionSetArn"]}
    found = boss(sandbox).list_account_assignments(**instance(sandbox), **named)["AccountAssignments"]
    return [row["PrincipalId"] for row in found]


def status(sandbox: Sandbox, request: dict[str, Any], noun: str = "Creation") -> dict[str, Any]:
    call = getattr(boss(sandbox), f"describe_account_assignment_{noun.lower()}_status")
    given = instance(sandbox) | {f"AccountAssignment{noun}RequestId": request["RequestId"]}
    found: dict[str, Any] = call(**given)[f"AccountAssignment{noun}Status"]
    return found


def create(sandbox: Sandbox, given: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = boss(sandbox).create_account_assignment(**given)["AccountAssignmentCreationStatus"]
    return found
