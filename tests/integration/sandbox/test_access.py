"""Who may do what: credentials, trust, external id, session policies, boundaries, durations, chains."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from botocore.exceptions import ClientError

from grantwire.sandbox.plan import Key
from grantwire.sandbox.server import Sandbox
from tests.integration.sandbox.clients import admin, assume, client, operator


@contextmanager
def refused(code: str, text: str = "", status: int = 403) -> Iterator[None]:
    with pytest.raises(ClientError) as caught:
        yield
    error = caught.value.response
    assert (error["Error"]["Code"], error["ResponseMetadata"]["HTTPStatusCode"]) == (code, status)
    assert text in error["Error"]["Message"]


def policy(action: Any, resource: Any = "*", effect: str = "Allow", **more: Any) -> str:
    return json.dumps({"Statement": [{"Effect": effect, "Action": action, "Resource": resource, **more}]})


def trust(principal: Any, **more: Any) -> str:
    return json.dumps({"Statement": [{"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole", **more}]})


def role(sandbox: Sandbox, name: str, document: str, **more: Any) -> str:
    return str(admin(sandbox).create_role(RoleName=name, AssumeRolePolicyDocument=document, **more)["Role"]["Arn"])


def test_everybody_may_ask_who_they_are(sandbox: Sandbox) -> None:
    me = operator(sandbox).get_caller_identity()
    assert me["Account"] == sandbox.plan.operator_account
    assert me["Arn"] == f"arn:aws:iam::{me['Account']}:user/grantwire-operator"
    me = client(sandbox, "sts", assume(sandbox)).get_caller_identity()
    assert me["Arn"] == f"arn:aws:sts::{sandbox.account}:assumed-role/GrantwireConnector/test"
    assert me["UserId"].endswith(":test")


def test_an_unknown_key_is_refused(sandbox: Sandbox) -> None:
    with refused("InvalidClientTokenId", "The security token included in the request is invalid."):
        client(sandbox, "sts", Key("AKIAAAAAAAAAAAAAAAAA", "x")).get_caller_identity()


def test_a_wrong_secret_is_refused(sandbox: Sandbox) -> None:
    key = sandbox.plan.credentials
    with refused("SignatureDoesNotMatch", "does not match the signature you provided"):
        client(sandbox, "sts", Key(key.access_key_id, key.secret_access_key[::-1])).get_caller_identity()


def test_a_session_key_without_its_token_is_refused(sandbox: Sandbox) -> None:
    given = assume(sandbox)
    with refused("InvalidClientTokenId"):
        client(sandbox, "sts", Key(given["AccessKeyId"], given["SecretAccessKey"])).get_caller_identity()


def test_an_expired_session_is_refused(sandbox: Sandbox) -> None:
    iam = client(sandbox, "iam", assume(sandbox, DurationSeconds=900))
    iam.list_users()
    sandbox.control("POST", "clock", {"advance": 840})  # a minute for the machine to be slow in
    iam.list_users()
    sandbox.control("POST", "clock", {"advance": 61})
    with refused("ExpiredToken", "The security token included in the request is expired"):
        iam.list_users()


def test_the_operator_may_assume_and_nothing_else(sandbox: Sandbox) -> None:
    assume(sandbox)
    arn = f"arn:aws:iam::{sandbox.plan.operator_account}:user/grantwire-operator"
    text = f"User: {arn} is not authorized to perform: iam:ListUsers on resource: "
    with refused("AccessDenied", text):
        operator(sandbox, "iam").list_users()


@pytest.mark.parametrize("external_id", ["wrong-one", None])
def test_the_external_id_is_required(sandbox: Sandbox, external_id: str | None) -> None:
    given = {"ExternalId": external_id} if external_id else {}
    arn = sandbox.plan.bulk.role_arn
    with refused("AccessDenied", f"is not authorized to perform: sts:AssumeRole on resource: {arn}"):
        operator(sandbox).assume_role(RoleArn=arn, RoleSessionName="test", **given)


def test_a_missing_role_looks_like_a_closed_one(sandbox: Sandbox) -> None:
    with refused("AccessDenied", "is not authorized to perform: sts:AssumeRole"):
        operator(sandbox).assume_role(RoleArn=f"arn:aws:iam::{sandbox.account}:role/None", RoleSessionName="test")


def test_the_bulk_role_reads_and_the_minimum_role_reads_less(sandbox: Sandbox) -> None:
    client(sandbox, "iam", assume(sandbox)).get_account_authorization_details()
    iam = client(sandbox, "iam", assume(sandbox, "minimum"))
    iam.list_users()
    iam.get_group(GroupName="admins")
    caller = f"User: arn:aws:sts::{sandbox.account}:assumed-role/GrantwireConnectorMinimum/test"
    text = (
        f"{caller} is not authorized to perform: iam:GetAccountAuthorizationDetails on resource: * because no"
        " identity-based policy allows the iam:GetAccountAuthorizationDetails action"
    )
    with refused("AccessDenied", text):
        iam.get_account_authorization_details()
    assert [each["action"] for each in sandbox.control("GET", "denied")] == ["iam:GetAccountAuthorizationDetails"]


def test_a_connector_writes_nothing(sandbox: Sandbox) -> None:
    iam = client(sandbox, "iam", assume(sandbox))
    with refused("AccessDenied", f"resource: arn:aws:iam::{sandbox.account}:user/mallory because"):
        iam.create_user(UserName="mallory")
    with refused("AccessDenied"):
        iam.delete_role(RoleName="GrantwireConnector")


def test_a_session_policy_narrows_and_never_widens(sandbox: Sandbox) -> None:
    iam = client(sandbox, "iam", assume(sandbox, Policy=policy(["iam:ListUsers", "iam:CreateUser"])))
    iam.list_users()
    with refused("AccessDenied", "because no session policy allows the iam:ListRoles action"):
        iam.list_roles()
    with refused("AccessDenied", "because no identity-based policy allows the iam:CreateUser action"):
        iam.create_user(UserName="mallory")


def test_a_managed_session_policy_narrows_too(sandbox: Sandbox) -> None:
    reading = "arn:aws:iam::aws:policy/job-function/ViewOnlyAccess"  # iam:List*, not iam:Get*
    iam = client(sandbox, "iam", assume(sandbox, PolicyArns=[{"arn": reading}]))
    iam.list_users()
    with refused("AccessDenied", "no session policy"):
        iam.get_group(GroupName="admins")


def test_a_session_policy_must_be_a_policy(sandbox: Sandbox) -> None:
    with refused("MalformedPolicyDocument", status=400):
        assume(sandbox, Policy="{}")


def test_a_session_is_no_longer_than_its_role_allows(sandbox: Sandbox) -> None:
    assume(sandbox, DurationSeconds=3600)
    with refused("ValidationError", "exceeds the MaxSessionDuration set for this role", 400):
        assume(sandbox, DurationSeconds=3601)


def test_a_chained_session_is_an_hour_at_most(sandbox: Sandbox) -> None:
    iam, connector = admin(sandbox), f"arn:aws:iam::{sandbox.account}:role/GrantwireConnector"
    arn = role(sandbox, "chained", trust({"AWS": connector}), MaxSessionDuration=43200)
    iam.put_role_policy(RoleName="chained", PolicyName="p", PolicyDocument=policy("iam:ListUsers"))
    sts = client(sandbox, "sts", assume(sandbox))
    with refused("ValidationError", "1 hour session limit for roles assumed by role chaining", 400):
        sts.assume_role(RoleArn=arn, RoleSessionName="two", DurationSeconds=3601)
    second = sts.assume_role(RoleArn=arn, RoleSessionName="two", DurationSeconds=3600)["Credentials"]
    client(sandbox, "iam", second).list_users()


def test_trust_of_the_account_needs_the_callers_own_policy(sandbox: Sandbox) -> None:
    root = f"arn:aws:iam::{sandbox.account}:root"
    arn = role(sandbox, "by-account", trust({"AWS": root}))
    admin(sandbox, "sts").assume_role(RoleArn=arn, RoleSessionName="test")  # allowed everything
    with refused("AccessDenied"):
        client(sandbox, "sts", assume(sandbox)).assume_role(RoleArn=arn, RoleSessionName="test")


def test_a_deny_in_the_trust_wins(sandbox: Sandbox) -> None:
    root = f"arn:aws:iam::{sandbox.account}:root"
    statements = [
        {"Effect": "Allow", "Principal": {"AWS": root}, "Action": "sts:AssumeRole"},
        {"Effect": "Deny", "Principal": "*", "Action": "sts:*"},
    ]
    arn = role(sandbox, "closed", json.dumps({"Statement": statements}))
    with refused("AccessDenied"):
        admin(sandbox, "sts").assume_role(RoleArn=arn, RoleSessionName="test")


def test_another_account_may_not_knock_where_only_ours_is_named(sandbox: Sandbox) -> None:
    arn = role(sandbox, "ours", trust({"AWS": sandbox.account}))
    with refused("AccessDenied"):
        operator(sandbox).assume_role(RoleArn=arn, RoleSessionName="test")


def test_anybody_may_knock_where_everybody_is_named(sandbox: Sandbox) -> None:
    arn = role(sandbox, "open", trust("*"))
    operator(sandbox).assume_role(RoleArn=arn, RoleSessionName="test")


def test_a_boundary_narrows(sandbox: Sandbox) -> None:
    boundary = "arn:aws:iam::aws:policy/job-function/ViewOnlyAccess"
    admin(sandbox).create_user(UserName="bounded", PermissionsBoundary=boundary)
    arn = role(sandbox, "bounded", trust({"AWS": sandbox.account}), PermissionsBoundary=boundary)
    admin(sandbox).put_role_policy(RoleName="bounded", PolicyName="p", PolicyDocument=policy("iam:*"))
    given = admin(sandbox, "sts").assume_role(RoleArn=arn, RoleSessionName="test")["Credentials"]
    iam = client(sandbox, "iam", given)
    iam.list_users()
    with refused("AccessDenied", "because no permissions boundary allows the iam:GetUser action"):
        iam.get_user(UserName="bounded")


def test_an_explicit_deny_wins(sandbox: Sandbox) -> None:
    denied = policy("iam:List*", effect="Deny")
    admin(sandbox).put_role_policy(RoleName="GrantwireConnector", PolicyName="no", PolicyDocument=denied)
    with refused("AccessDenied", "with an explicit deny in an identity-based policy"):
        client(sandbox, "iam", assume(sandbox)).list_users()


def test_a_resource_is_the_entity_with_its_path(sandbox: Sandbox) -> None:
    iam = admin(sandbox)
    iam.create_user(UserName="inside", Path="/team/")
    iam.create_user(UserName="outside")
    only = policy("iam:GetUser", f"arn:aws:iam::{sandbox.account}:user/team/*")
    iam.put_role_policy(RoleName="GrantwireConnector", PolicyName="team", PolicyDocument=only)
    reader = client(sandbox, "iam", assume(sandbox))
    reader.get_user(UserName="inside")
    with refused("AccessDenied", f"arn:aws:iam::{sandbox.account}:user/outside"):
        reader.get_user(UserName="outside")


def test_a_session_of_a_deleted_role_is_dead(sandbox: Sandbox) -> None:
    given, iam = assume(sandbox, "minimum"), admin(sandbox)
    iam.delete_role_policy(RoleName="GrantwireConnectorMinimum", PolicyName="grantwire-read")
    iam.delete_role(RoleName="GrantwireConnectorMinimum")
    with refused("InvalidClientTokenId"):
        client(sandbox, "sts", given).get_caller_identity()


def test_an_unknown_condition_operator_is_loud(shared: Sandbox) -> None:
    shared.control("POST", "reset")
    guarded = trust({"AWS": shared.account}, Condition={"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}})
    arn = role(shared, "by-address", guarded)
    with refused("NotImplemented", "IpAddress", 501):
        admin(shared, "sts").assume_role(RoleArn=arn, RoleSessionName="test")
    assert "IpAddress" in shared.violations()[0]


def test_a_call_that_is_not_simulated_is_loud(shared: Sandbox) -> None:
    shared.control("POST", "reset")
    with refused("NotImplemented", "iam.ListMFADevices is not simulated", 501):
        admin(shared).list_mfa_devices()
    assert shared.violations() == ["iam.ListMFADevices: iam.ListMFADevices is not simulated"]


def test_what_was_used_is_counted_by_action(sandbox: Sandbox) -> None:
    iam = client(sandbox, "iam", assume(sandbox))
    iam.list_users()
    iam.list_users()
    assert sandbox.control("GET", "used") == {"sts:AssumeRole": 1, "iam:ListUsers": 2}
    counted = sandbox.control("GET", "calls")
    assert counted["operations"] == {"sts.AssumeRole": 1, "iam.ListUsers": 2}
    assert counted["accounts"][sandbox.account] == {"iam.ListUsers": 2}
    assert sandbox.control("DELETE", "calls") == {"operations": {}, "accounts": {}}
