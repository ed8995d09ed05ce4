"""Credential reports and access keys as boto3 sees them."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import Any

import pytest

from grantwire.sandbox.plan import Key
from grantwire.sandbox.server import Sandbox, start
from tests.integration.sandbox.clients import admin, assume, client
from tests.integration.sandbox.test_access import refused

HOUR = 3_600


@pytest.fixture(scope="module")
def running() -> Iterator[Sandbox]:
    with start(1, credentials=True, users=14, groups=2, roles=6) as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(running: Sandbox) -> Iterator[Sandbox]:
    running.control("POST", "reset")
    yield running
    assert running.violations() == []


def report(sandbox: Sandbox) -> dict[str, dict[str, str]]:
    text = admin(sandbox).get_credential_report()["Content"].decode()
    return {row["user"]: row for row in csv.DictReader(io.StringIO(text))}


def active_key(sandbox: Sandbox) -> tuple[str, str]:
    """User name and id of an active key that is not the administrator's."""
    rows = [row for row in report(sandbox).values() if row["access_key_1_active"] == "true"]
    user = next(row["user"] for row in rows if row["user"] not in ("sandbox-admin", "<root_account>"))
    keys = admin(sandbox).list_access_keys(UserName=user)["AccessKeyMetadata"]
    return user, next(key["AccessKeyId"] for key in keys if key["Status"] == "Active")


def test_a_report_is_kept_for_four_hours(sandbox: Sandbox) -> None:
    iam = admin(sandbox)
    with refused("ReportNotPresent", status=410):
        iam.get_credential_report()
    assert [iam.generate_credential_report()["State"] for _ in range(2)] == ["STARTED", "COMPLETE"]
    user, key = active_key(sandbox)
    made = iam.get_credential_report()["GeneratedTime"]
    iam.update_access_key(UserName=user, AccessKeyId=key, Status="Inactive")
    sandbox.control("POST", "clock", {"advance": 4 * HOUR - 60})
    assert iam.generate_credential_report()["State"] == "COMPLETE"
    assert iam.get_credential_report()["GeneratedTime"] == made
    assert report(sandbox)[user]["access_key_1_active"] == "true"  # as it was then
    line = next(x for x in sandbox.truth(sources=["credentials"]) if x.get("native_id") == key)
    assert line["attributes"]["status"] == "Inactive"
    assert line["attributes"]["report_time"] == made.strftime("%Y-%m-%dT%H:%M:%SZ")
    sandbox.control("POST", "clock", {"advance": 61})
    with refused("ReportExpired", status=410):
        iam.get_credential_report()
    assert iam.generate_credential_report()["State"] == "STARTED"
    assert "true" not in report(sandbox)[user]["access_key_1_active"]


def test_a_report_may_take_its_time(sandbox: Sandbox) -> None:
    sandbox.control("POST", "credentials", {"delay": 30})
    iam = admin(sandbox)
    assert [iam.generate_credential_report()["State"] for _ in range(2)] == ["STARTED", "INPROGRESS"]
    with refused("ReportInProgress", status=404):
        iam.get_credential_report()
    sandbox.control("POST", "clock", {"advance": 31})
    assert "<root_account>" in report(sandbox)


def test_the_root_user_has_the_first_line(sandbox: Sandbox) -> None:
    admin(sandbox).generate_credential_report()
    rows = report(sandbox)
    first = next(iter(rows.values()))
    assert (first["user"], first["arn"]) == ("<root_account>", f"arn:aws:iam::{sandbox.account}:root")
    assert first["password_enabled"] == first["password_last_changed"] == "not_supported"
    assert len(first) == 22
    assert "a.b@c,d=e+f-g_h" in rows
    assert rows["=cmd"]["arn"].endswith("=cmd")


def test_keys_live_and_die(sandbox: Sandbox) -> None:
    iam = admin(sandbox)
    iam.create_user(UserName="fresh")
    made: dict[str, Any] = iam.create_access_key(UserName="fresh")["AccessKey"]
    unused = iam.get_access_key_last_used(AccessKeyId=made["AccessKeyId"])["AccessKeyLastUsed"]
    assert unused == {"ServiceName": "N/A", "Region": "N/A"}
    key = Key(made["AccessKeyId"], made["SecretAccessKey"])
    assert client(sandbox, "sts", key).get_caller_identity()["Arn"].endswith(":user/fresh")
    iam.update_access_key(UserName="fresh", AccessKeyId=key.access_key_id, Status="Inactive")
    with refused("InvalidClientTokenId"):
        client(sandbox, "sts", key).get_caller_identity()
    iam.create_access_key(UserName="fresh")
    with refused("LimitExceeded", status=409):
        iam.create_access_key(UserName="fresh")
    with refused("DeleteConflict", "access keys", status=409):
        iam.delete_user(UserName="fresh")
    for each in iam.list_access_keys(UserName="fresh")["AccessKeyMetadata"]:
        iam.delete_access_key(UserName="fresh", AccessKeyId=each["AccessKeyId"])
    iam.delete_user(UserName="fresh")


def test_a_password_and_a_device_hold_a_user(sandbox: Sandbox) -> None:
    iam = admin(sandbox)
    iam.generate_credential_report()
    row = next(row for row in report(sandbox).values() if row["mfa_active"] == row["password_enabled"] == "true")
    assert iam.get_login_profile(UserName=row["user"])["LoginProfile"]["UserName"] == row["user"]
    (device,) = iam.list_mfa_devices(UserName=row["user"])["MFADevices"]
    iam.deactivate_mfa_device(UserName=row["user"], SerialNumber=device["SerialNumber"])
    iam.delete_login_profile(UserName=row["user"])
    with refused("NoSuchEntity", status=404):
        iam.get_login_profile(UserName=row["user"])
    said = {x["native_id"]: x["attributes"] for x in sandbox.truth(sources=["iam", "credentials"]) if "native_id" in x}
    assert (said[row["arn"]]["console_access"], said[row["arn"]]["mfa_active"]) == (False, False)


def test_the_minimum_role_reads_no_credentials(sandbox: Sandbox) -> None:
    client(sandbox, "iam", assume(sandbox)).generate_credential_report()
    with refused("AccessDenied", "iam:GenerateCredentialReport"):
        client(sandbox, "iam", assume(sandbox, "minimum")).generate_credential_report()
