"""Writes change what is read and what is true in the same way, and AWS's guards hold."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from urllib.error import HTTPError

import pytest
from botocore.exceptions import ClientError

from grantwire.sandbox.server import Sandbox, start
from tests.integration.sandbox.clients import admin
from tests.integration.sandbox.crawl import Crawl, structure

AWS = "arn:aws:iam::aws:policy"
READ = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:Get*", "Resource": "*"}]})


def trust(principal: Any) -> str:
    return json.dumps({"Statement": [{"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}]})


OPEN = trust("*")
TWICE = [{"Key": "a", "Value": ""}, {"Key": "A", "Value": ""}]


def said(effect: str = "Allow") -> dict[str, Any]:
    return {"sid": None, "effect": effect, "actions": ["sts:AssumeRole"], "conditions": {}}


def claims(sandbox: Sandbox, role_arn: str) -> list[tuple[str, str, str]]:
    lines = [line for line in sandbox.truth() if line["kind"] == "can_assume" and line["target"] == role_arn]
    return [(line["source_kind"], line["source"], line["attributes"]["effect"]) for line in lines]


def code(caught: pytest.ExceptionInfo[ClientError]) -> str:
    return str(caught.value.response["Error"]["Code"])


def test_after_many_writes_the_crawl_is_still_the_truth(sandbox: Sandbox) -> None:
    iam = admin(sandbox)
    arn = iam.create_policy(PolicyName="new", Path="/a/", PolicyDocument=READ, Description="d")["Policy"]["Arn"]
    iam.create_policy_version(PolicyArn=arn, PolicyDocument=READ.replace("s3", "ec2"), SetAsDefault=True)
    iam.create_policy_version(PolicyArn=arn, PolicyDocument=READ.replace("s3", "kms"))
    iam.set_default_policy_version(PolicyArn=arn, VersionId="v3")
    iam.delete_policy_version(PolicyArn=arn, VersionId="v1")
    tags = [{"Key": "Email", "Value": "new@example.org"}, {"Key": "t", "Value": "<b>=1+1"}]
    iam.create_user(UserName="new", Path="/x/", Tags=tags, PermissionsBoundary=arn)
    iam.create_group(GroupName="new-group")
    iam.add_user_to_group(GroupName="new-group", UserName="new")
    iam.add_user_to_group(GroupName="admins", UserName="new")
    iam.update_group(GroupName="new-group", NewGroupName="renamed-group", NewPath="/g/")
    iam.attach_group_policy(GroupName="renamed-group", PolicyArn=arn)
    iam.attach_user_policy(UserName="new", PolicyArn=f"{AWS}/SecurityAudit")
    iam.put_user_policy(UserName="new", PolicyName="mine", PolicyDocument=READ)
    iam.update_user(UserName="new", NewUserName="newer@example.com", NewPath="/y/")
    iam.tag_user(UserName="newer@example.com", Tags=[{"Key": "EMAIL", "Value": "NEWER@example.com"}])
    iam.untag_user(UserName="newer@example.com", TagKeys=["T"])
    iam.delete_user_permissions_boundary(UserName="newer@example.com")
    iam.remove_user_from_group(GroupName="admins", UserName="newer@example.com")
    iam.tag_role(RoleName="GrantwireConnector", Tags=[{"Key": "owner", "Value": "security"}])
    iam.update_role(RoleName="GrantwireConnector", Description="another", MaxSessionDuration=7200)
    iam.attach_role_policy(RoleName="GrantwireConnector", PolicyArn=arn)
    iam.put_role_policy(RoleName="GrantwireConnector", PolicyName="mine", PolicyDocument=READ)
    iam.delete_role_policy(RoleName="GrantwireConnector", PolicyName="mine")
    iam.put_group_policy(GroupName="admins", PolicyName="g", PolicyDocument=READ)
    iam.put_user_permissions_boundary(UserName="a.b@c,d=e+f-g_h", PermissionsBoundary=arn)
    lines = sandbox.truth()
    assert structure(Crawl(iam, sandbox.account).run()) == structure(lines)
    user = next(line for line in lines if line.get("name") == "newer@example.com")
    assert user["native_id"] == f"arn:aws:iam::{sandbox.account}:user/y/newer@example.com"
    assert user["attributes"]["emails"] == ["newer@example.com"]
    policy = next(line for line in lines if line.get("native_id") == arn)
    assert policy["attributes"]["document"] == json.loads(READ.replace("s3", "kms"))


def test_deleting_everything_of_a_user_leaves_nothing(sandbox: Sandbox) -> None:
    iam, before = admin(sandbox), sandbox.truth()
    undo: Callable[[], Any]
    iam.create_user(UserName="short-lived")
    iam.add_user_to_group(GroupName="admins", UserName="short-lived")
    iam.put_user_policy(UserName="short-lived", PolicyName="p", PolicyDocument=READ)
    iam.attach_user_policy(UserName="short-lived", PolicyArn=f"{AWS}/SecurityAudit")
    for undo in (
        lambda: iam.remove_user_from_group(GroupName="admins", UserName="short-lived"),
        lambda: iam.delete_user_policy(UserName="short-lived", PolicyName="p"),
        lambda: iam.detach_user_policy(UserName="short-lived", PolicyArn=f"{AWS}/SecurityAudit"),
    ):
        with pytest.raises(ClientError) as caught:
            iam.delete_user(UserName="short-lived")
        assert code(caught) == "DeleteConflict"
        undo()
    iam.delete_user(UserName="short-lived")
    assert sandbox.truth() == before


def test_trust_follows_a_renamed_user_and_outlives_a_deleted_one(sandbox: Sandbox) -> None:
    iam = admin(sandbox)
    user = iam.create_user(UserName="mover")["User"]
    role = iam.create_role(RoleName="trusting", AssumeRolePolicyDocument=trust({"AWS": user["Arn"]}))["Role"]
    named = {"source": user["Arn"], "source_kind": "iam_user", "effect": "allow", "statements": [said()]}
    sandbox.expect(role["Arn"], "account", [named])
    assert claims(sandbox, role["Arn"]) == [("iam_user", user["Arn"], "allow")]

    iam.update_user(UserName="mover", NewUserName="moved", NewPath="/else/where/")
    moved = f"arn:aws:iam::{sandbox.account}:user/else/where/moved"
    assert shown(iam) == moved
    assert claims(sandbox, role["Arn"]) == [("iam_user", moved, "allow")]
    assert iam.get_user(UserName="moved")["User"]["UserId"] == user["UserId"]

    iam.delete_user(UserName="moved")
    again = iam.create_user(UserName="moved", Path="/else/where/")["User"]
    assert again["UserId"] != user["UserId"]
    assert shown(iam) == user["UserId"]
    assert claims(sandbox, role["Arn"]) == [("external_principal", user["UserId"], "allow")]
    external = next(line for line in sandbox.truth() if line.get("native_id") == user["UserId"])
    assert external["attributes"] == {"principal_class": "deleted", "issuer": None, "in_organization": None}


def shown(iam: Any) -> str:
    statement = iam.get_role(RoleName="trusting")["Role"]["AssumeRolePolicyDocument"]["Statement"][0]
    return str(statement["Principal"]["AWS"])


def test_an_unknown_trust_policy_needs_an_expectation(sandbox: Sandbox) -> None:
    iam, arn = admin(sandbox), sandbox.plan.minimum.role_arn
    document = trust({"Service": "new.amazonaws.com"})
    iam.update_assume_role_policy(RoleName="GrantwireConnectorMinimum", PolicyDocument=document)
    with pytest.raises(HTTPError) as caught:
        sandbox.truth()
    assert caught.value.code == 409
    assert json.loads(caught.value.read())["role_arn"] == arn
    claim = {"source": "new.amazonaws.com", "source_kind": "external_principal", "effect": "allow"}
    sandbox.expect(arn, "service", [claim | {"principal_class": "service", "statements": [said()]}])
    assert claims(sandbox, arn) == [("external_principal", "new.amazonaws.com", "allow")]
    role = next(line for line in sandbox.truth() if line.get("native_id") == arn)
    assert role["attributes"]["role_class"] == "service"
    assert role["attributes"]["trust_policy"] == json.loads(document)


def test_a_planted_trust_policy_is_known_on_any_role(sandbox: Sandbox) -> None:
    iam = admin(sandbox)
    document = iam.get_role(RoleName="several_services")["Role"]["AssumeRolePolicyDocument"]
    iam.create_role(RoleName="copy", AssumeRolePolicyDocument=json.dumps(document))
    copied = claims(sandbox, f"arn:aws:iam::{sandbox.account}:role/copy")
    assert {source for _, source, _ in copied} == {"lambda.amazonaws.com", "edgelambda.amazonaws.com"}


@pytest.mark.parametrize(
    "document",
    [
        "not json",
        "[]",
        "{}",
        '{"Statement": [{"Effect": "Maybe", "Principal": "*", "Action": "sts:AssumeRole"}]}',
        '{"Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole"}]}',
        '{"Statement": [{"Effect": "Allow", "Principal": "*"}]}',
        '{"Statement": [{"Effect": "Allow", "Principal": "*", "Action": "sts:*", "Resource": "*"}]}',
    ],
)
def test_a_malformed_trust_policy_is_refused(sandbox: Sandbox, document: str) -> None:
    before = sandbox.truth()
    with pytest.raises(ClientError) as caught:
        admin(sandbox).update_assume_role_policy(RoleName="GrantwireConnector", PolicyDocument=document)
    assert code(caught) == "MalformedPolicyDocument"
    assert sandbox.truth() == before


def test_a_trust_policy_may_not_name_an_own_principal_that_is_not_there(sandbox: Sandbox) -> None:
    nobody = f"arn:aws:iam::{sandbox.account}:user/nobody-at-all"
    with pytest.raises(ClientError, match="Invalid principal in policy") as caught:
        admin(sandbox).create_role(RoleName="r", AssumeRolePolicyDocument=trust({"AWS": nobody}))
    assert code(caught) == "MalformedPolicyDocument"


def test_names_are_unique_without_regard_to_letter_case(sandbox: Sandbox) -> None:
    iam = admin(sandbox)
    for create, given in (
        (iam.create_user, {"UserName": "SANDBOX-ADMIN"}),
        (iam.create_group, {"GroupName": "Admins"}),
        (iam.create_role, {"RoleName": "grantwireconnector", "AssumeRolePolicyDocument": trust("*")}),
        (iam.create_policy, {"PolicyName": "DEPLOY", "PolicyDocument": READ}),
    ):
        with pytest.raises(ClientError) as caught:
            create(**given)
        assert code(caught) == "EntityAlreadyExists"
    with pytest.raises(ClientError) as caught:
        iam.update_user(UserName="sandbox-admin", NewUserName="ROOT")
    assert code(caught) == "EntityAlreadyExists"
    iam.update_user(UserName="sandbox-admin", NewUserName="Sandbox-Admin")  # its own name in other letters


@pytest.mark.parametrize(
    ("call", "given", "expected"),
    [
        ("get_user", {"UserName": "nobody"}, "NoSuchEntity"),
        ("delete_user", {"UserName": "sandbox-admin"}, "DeleteConflict"),
        ("delete_role", {"RoleName": "GrantwireConnector"}, "DeleteConflict"),
        ("update_role", {"RoleName": "AWSServiceRoleForAutoScaling", "Description": "x"}, "UnmodifiableEntity"),
        ("create_user", {"UserName": "no spaces"}, "ValidationError"),
        ("create_role", {"RoleName": "x", "Path": "/aws-x/", "AssumeRolePolicyDocument": OPEN}, "ValidationError"),
        ("put_user_policy", {"UserName": "Root", "PolicyName": "p", "PolicyDocument": "{"}, "MalformedPolicyDocument"),
        ("attach_user_policy", {"UserName": "Root", "PolicyArn": f"{AWS}/Nothing"}, "NoSuchEntity"),
        ("detach_user_policy", {"UserName": "Root", "PolicyArn": f"{AWS}/PowerUserAccess"}, "NoSuchEntity"),
        ("remove_user_from_group", {"UserName": "sandbox-admin", "GroupName": "admins"}, "NoSuchEntity"),
        ("create_policy_version", {"PolicyArn": f"{AWS}/ReadOnlyAccess", "PolicyDocument": READ}, "AccessDenied"),
        ("create_user", {"UserName": "t", "Tags": TWICE}, "InvalidInput"),
        ("create_policy", {"PolicyName": "big", "PolicyDocument": READ.replace("*", "x" * 6144)}, "LimitExceeded"),
    ],
)  # fmt: skip
def test_guards(sandbox: Sandbox, call: str, given: dict[str, Any], expected: str) -> None:
    before = sandbox.truth()
    with pytest.raises(ClientError) as caught:
        getattr(admin(sandbox), call)(**given)
    assert code(caught) == expected
    assert sandbox.truth() == before


def test_five_versions_are_the_most(sandbox: Sandbox) -> None:
    iam = admin(sandbox)
    arn = iam.create_policy(PolicyName="versions", PolicyDocument=READ)["Policy"]["Arn"]
    for _ in range(4):
        iam.create_policy_version(PolicyArn=arn, PolicyDocument=READ)
    with pytest.raises(ClientError) as caught:
        iam.create_policy_version(PolicyArn=arn, PolicyDocument=READ)
    assert code(caught) == "LimitExceeded"
    iam.delete_policy_version(PolicyArn=arn, VersionId="v5")
    assert [each["VersionId"] for each in iam.list_policy_versions(PolicyArn=arn)["Versions"]] == [
        "v1",
        "v2",
        "v3",
        "v4",
    ]


def test_reset_brings_the_first_day_back(sandbox: Sandbox) -> None:
    before = sandbox.truth()
    admin(sandbox).create_user(UserName="gone-soon")
    assert sandbox.truth() != before
    sandbox.control("POST", "reset")
    assert sandbox.truth() == before
    assert sandbox.control("GET", "calls")["operations"] == {}


def test_the_journal_replayed_is_the_world() -> None:
    # A read of `0 writes ago` is answered from the start and the whole journal, not from the live tables.
    with start(5, users=14, groups=4, roles=9) as sandbox:
        iam = admin(sandbox)
        iam.create_user(UserName="replayed")
        iam.add_user_to_group(UserName="replayed", GroupName="admins")
        iam.update_user(UserName="=cmd", NewUserName="renamed")
        live = structure(Crawl(iam, sandbox.account).run())
        sandbox.fault({"kind": "stale", "writes": 0})
        assert structure(Crawl(iam, sandbox.account).run()) == live
        assert sandbox.control("GET", "faults")[0]["fired"] > 50
