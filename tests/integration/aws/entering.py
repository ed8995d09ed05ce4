"""Connectors of the sandbox's organization, and its members by what is odd about them."""

from dataclasses import replace
from typing import Any

import boto3

from grantwire.aws import AwsSettings
from grantwire.contracts.connectors import Connector
from grantwire.sandbox.server import Sandbox

# Quick to give up, but not because the machine pauses: a call that is repeated is one call more.
QUICK = AwsSettings(connect_timeout=2.0, read_timeout=20.0, attempts=2)
HASTY = replace(QUICK, read_timeout=2.0)  # where AWS never answers
EVERYTHING = "arn:aws:iam::aws:policy/AdministratorAccess"


def connector(sandbox: Sandbox, reader: str = "organization", **but: Any) -> Connector:
    """With the external id of every account that asks for one of its own."""
    given = {name: value for name, value in sandbox.facts["connectors"][reader].items() if name != "unreachable"}
    asked = sandbox.facts["organization"]["child_external_id"]
    overrides = {account: {"external_id": each} for account, each in asked.items()}
    return Connector(**{"id": "prod", "organizations": True, "account_overrides": overrides, **given, **but})


def patience(kind: str) -> AwsSettings:
    """With a fault of that kind."""
    return HASTY if kind == "timeout" else QUICK


def member(sandbox: Sandbox, trouble: str | None = None) -> str:
    """The first member account of that trouble, in the sandbox's words; without any, the last one."""
    found = sandbox.unreachable()
    if trouble is None:
        return str(sandbox.facts["organization"]["member_accounts"][-1])
    return next(account for account, why in found.items() if trouble in why)


def everybody(sandbox: Sandbox) -> list[str]:
    """The accounts of the organization, the management account first."""
    facts = sandbox.facts["organization"]
    return [facts["management_account"], *facts["member_accounts"]]


def open_to(sandbox: Sandbox) -> list[str]:
    """Those that the management account's connector can enter."""
    return [account for account in everybody(sandbox) if account not in sandbox.unreachable()]


def admin(sandbox: Sandbox, account: str) -> Any:
    """IAM of an account, for somebody who may do everything there."""
    keys = sandbox.facts["admin_of"][account]
    return boto3.client("iam", aws_access_key_id=keys["access_key_id"], aws_secret_access_key=keys["secret_access_key"])


def asked(sandbox: Sandbox) -> dict[str, int]:
    """What was asked so far, by operation."""
    found: dict[str, int] = sandbox.control("GET", "calls")["operations"]
    return found


def asked_by(sandbox: Sandbox) -> dict[str, dict[str, int]]:
    """The same by the account whose credentials asked."""
    found: dict[str, dict[str, int]] = sandbox.control("GET", "calls")["accounts"]
    return found
