"""IAM: access keys, console passwords, MFA devices, and the report about them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from grantwire.sandbox.facts import AccessKey, Device, Drop, Login, Put, User
from grantwire.sandbox.ids import secret, unique_id
from grantwire.sandbox.operations.lookup import named, no_such, the_user
from grantwire.sandbox.operations.registry import Call, Failure, Handler, Resource, everything, operation
from grantwire.sandbox.operations.sso_reads import listed
from grantwire.sandbox.paging import Page

MOST_KEYS = 2
OFFERED: set[str] = set()  # answered only by a sandbox that was asked for credentials


def _credential(name: str, resource: Resource) -> Callable[[Handler], Handler]:
    OFFERED.add(f"iam.{name}")
    return operation("iam", name, resource)


@_credential("GenerateCredentialReport", everything)
def generate_credential_report(call: Call) -> dict[str, Any]:
    """Starts a report, unless there is one younger than four hours."""
    state = call.reports.asked(call.world, call.exactly)
    if state != "STARTED":
        return {"State": state}
    return {"State": state, "Description": "No report exists. Starting a new report generation task"}


@_credential("GetCredentialReport", everything)
def get_credential_report(call: Call) -> dict[str, Any]:
    """The report as it was generated, however much has changed since."""
    found = call.reports.current(call.world, call.exactly)
    if found is None:
        raise Failure("ReportNotPresent", "No report exists. Please make a request to generate a new report.", 410)
    if found.content is None:
        raise Failure("ReportInProgress", "Report is still being generated. Please try again later.", 404)
    if not call.reports.fresh(found, call.exactly):
        raise Failure("ReportExpired", "Report has expired. Please make a request to generate a new report.", 410)
    return {"Content": found.content, "ReportFormat": "text/csv", "GeneratedTime": int(found.ready_at)}


@_credential("ListAccessKeys", named("User"))
def list_access_keys(call: Call) -> Page:
    """The keys of a user, without their use."""
    user = the_user(call)
    rows = call.world.keys_of(user.unique_id)
    return listed(((key.access_key_id, key) for key in rows), lambda key: _key(key, user))


def _key(key: AccessKey, user: User) -> dict[str, Any]:
    return {
        "UserName": user.name,
        "AccessKeyId": key.access_key_id,
        "Status": "Active" if key.active else "Inactive",
        "CreateDate": user.created_at if key.created_at is None else key.created_at,
    }


def _owner(call: Call) -> str:
    """The ARN of the user that a key belongs to."""
    key = call.world.keys.get(call.params["AccessKeyId"])
    user = call.world.users.get(key.user_id) if key is not None else None
    return call.world.arn(user) if user is not None else "*"


@_credential("GetAccessKeyLastUsed", _owner)
def get_access_key_last_used(call: Call) -> dict[str, Any]:
    """When, for what and where a key was used last; `N/A` when it never was."""
    key = call.world.keys.get(call.params["AccessKeyId"])
    user = call.world.users.get(key.user_id) if key is not None else None
    if key is None or user is None:
        raise no_such(f"The Access Key with id {call.params['AccessKeyId']}")
    used = {} if key.last_used_at is None else {"LastUsedDate": key.last_used_at}
    where = {"ServiceName": key.last_used_service or "N/A", "Region": key.last_used_region or "N/A"}
    return {"UserName": user.name, "AccessKeyLastUsed": used | where}


def _own_key(call: Call) -> AccessKey:
    user, key = the_user(call), call.world.keys.get(call.params["AccessKeyId"])
    if key is None or key.user_id != user.unique_id:
        raise no_such(f"The Access Key with id {call.params['AccessKeyId']}")
    return key


@_credential("CreateAccessKey", named("User"))
def create_access_key(call: Call) -> dict[str, Any]:
    """A new key; two is the most."""
    user, world = the_user(call), call.world
    if len(world.keys_of(user.unique_id)) >= MOST_KEYS:
        raise Failure("LimitExceeded", f"Cannot exceed quota for AccessKeysPerUser: {MOST_KEYS}", 409)
    number = len(world.journal)
    made = AccessKey(
        unique_id("AKIA", user.unique_id, number), secret(user.unique_id, number), user.unique_id, True, call.now
    )
    world.apply(Put(made))
    return {"AccessKey": _key(made, user) | {"SecretAccessKey": made.secret}}


@_credential("UpdateAccessKey", named("User"))
def update_access_key(call: Call) -> dict[str, Any]:
    """Active or inactive; with an inactive key nobody can call."""
    call.world.apply(Put(replace(_own_key(call), active=call.params["Status"] == "Active")))
    return {}


@_credential("DeleteAccessKey", named("User"))
def delete_access_key(call: Call) -> dict[str, Any]:
    """The key is gone."""
    call.world.apply(Drop(_own_key(call)))
    return {}


def _login(call: Call) -> Login:
    user = the_user(call)
    found = call.world.logins.get(user.unique_id)
    if found is None:
        raise no_such(f"Login Profile for User {user.name}")
    return found


@_credential("GetLoginProfile", named("User"))
def get_login_profile(call: Call) -> dict[str, Any]:
    """Whether a user has a console password; none is an error."""
    found = _login(call)
    shown = {"UserName": the_user(call).name, "CreateDate": found.changed_at, "PasswordResetRequired": False}
    return {"LoginProfile": shown}


@_credential("DeleteLoginProfile", named("User"))
def delete_login_profile(call: Call) -> dict[str, Any]:
    """No console password any more."""
    call.world.apply(Drop(_login(call)))
    return {}


@_credential("ListMFADevices", named("User"))
def list_mfa_devices(call: Call) -> Page:
    """The MFA devices of a user."""
    user = the_user(call)
    rows = call.world.devices.get(user.unique_id, {})
    return listed(rows.items(), lambda row: _device(row, user))


def _device(row: Device, user: User) -> dict[str, Any]:
    return {"UserName": user.name, "SerialNumber": row.serial, "EnableDate": row.enabled_at}


@_credential("DeactivateMFADevice", named("User"))
def deactivate_mfa_device(call: Call) -> dict[str, Any]:
    """The device is no longer the user's."""
    found = call.world.devices.get(the_user(call).unique_id, {}).get(call.params["SerialNumber"])
    if found is None:
        raise no_such(f"MFA Device with serial number {call.params['SerialNumber']}")
    call.world.apply(Drop(found))
    return {}
