"""Organizations and child roles as boto3 sees them: pages, who may call, chains, every planted account."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import boto3
import pytest

from grantwire.sandbox.server import Sandbox, start
from tests.integration.sandbox.clients import admin, assume, client, operator
from tests.integration.sandbox.org_crawl import admin_of, child, reader
from tests.integration.sandbox.test_access import policy, refused, trust


@pytest.fixture(scope="module")
def running() -> Iterator[Sandbox]:
    with start(1, users=8, groups=3, roles=14, accounts=45) as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(running: Sandbox) -> Iterator[Sandbox]:
    running.control("POST", "reset")
    yield running
    assert running.violations() == []


def api(sandbox: Sandbox, name: str = "organization") -> Any:
    return client(sandbox, "organizations", reader(sandbox, name))


def facts(sandbox: Sandbox) -> dict[str, Any]:
    found: dict[str, Any] = sandbox.facts["organization"]
    return found


def calm(sandbox: Sandbox) -> str:
    """A member that can be entered without an external id."""
    return str(facts(sandbox)["member_accounts"][-1])


def closed(sandbox: Sandbox, why: str) -> str:
    return next(str(account) for account, reason in facts(sandbox)["unreachable"].items() if why in reason)


# Pages ---------------------------------------------------------------------------------------------------------------


def test_twenty_is_the_default_and_the_most(sandbox: Sandbox) -> None:
    first = api(sandbox).list_accounts()
    assert len(first["Accounts"]) == 20
    assert first["NextToken"]
    with refused("InvalidInputException", status=400):
        api(sandbox).list_accounts(MaxResults=21)


@pytest.mark.parametrize("size", [1, 7, 20])
def test_paginators_sum_up_under_mess(sandbox: Sandbox, size: int) -> None:
    sandbox.control("POST", "mess", {"short": 0.5, "empty": 0.4})
    pages = list(api(sandbox).get_paginator("list_accounts").paginate(PaginationConfig={"PageSize": size}))
    numbers = [row["Id"] for page in pages for row in page["Accounts"]]
    assert sorted(numbers) == sorted([facts(sandbox)["management_account"], *facts(sandbox)["member_accounts"]])
    assert any(not page["Accounts"] for page in pages)
    tokens = [page["NextToken"] for page in pages[:-1]]
    assert len(set(tokens)) == len(tokens)


def test_a_token_of_another_list_is_refused(sandbox: Sandbox) -> None:
    token = api(sandbox).list_accounts()["NextToken"]
    with refused("InvalidInputException", status=400):
        api(sandbox).list_roots(NextToken=token)


# What is said --------------------------------------------------------------------------------------------------------


def test_children_and_parents_agree(sandbox: Sandbox) -> None:
    organizations, seen = api(sandbox), 0
    waiting = [row["Id"] for row in organizations.list_roots()["Roots"]]
    while waiting:
        parent = waiting.pop()
        for kind in ("ACCOUNT", "ORGANIZATIONAL_UNIT"):
            pages = organizations.get_paginator("list_children").paginate(ParentId=parent, ChildType=kind)
            for row in (row for page in pages for row in page["Children"]):
                assert row["Type"] == kind
                assert [each["Id"] for each in organizations.list_parents(ChildId=row["Id"])["Parents"]] == [parent]
                seen += kind == "ACCOUNT"
                waiting += [row["Id"]] if kind == "ORGANIZATIONAL_UNIT" else []
    assert seen == 45


def test_delegated_administrators(sandbox: Sandbox) -> None:
    organizations, delegated = api(sandbox), facts(sandbox)["delegated_administrator"]
    rows = organizations.list_delegated_administrators()["DelegatedAdministrators"]
    assert [(row["Id"], row["State"]) for row in rows] == [(delegated, "ACTIVE")]
    named = organizations.list_delegated_administrators(ServicePrincipal="sso.amazonaws.com")
    assert len(named["DelegatedAdministrators"]) == 1
    other = organizations.list_delegated_administrators(ServicePrincipal="config.amazonaws.com")
    assert other["DelegatedAdministrators"] == []
    services = organizations.list_delegated_services_for_account(AccountId=delegated)["DelegatedServices"]
    assert [row["ServicePrincipal"] for row in services] == ["access-analyzer.amazonaws.com", "sso.amazonaws.com"]
    with refused("AccountNotRegisteredException", status=400):
        organizations.list_delegated_services_for_account(AccountId=calm(sandbox))


def test_tags(sandbox: Sandbox) -> None:
    organizations = api(sandbox)
    root = organizations.list_tags_for_resource(ResourceId=facts(sandbox)["root"])["Tags"]
    assert root == [{"Key": "plan", "Value": "base"}]
    delegated = organizations.list_tags_for_resource(ResourceId=facts(sandbox)["delegated_administrator"])["Tags"]
    assert {tag["Key"] for tag in delegated} == {"cost-center", "name"}


@pytest.mark.parametrize(
    ("call", "given", "code"),
    [
        ("describe_account", {"AccountId": "000000000000"}, "AccountNotFoundException"),
        ("list_accounts_for_parent", {"ParentId": "r-none"}, "ParentNotFoundException"),
        ("list_organizational_units_for_parent", {"ParentId": "ou-none-12345678"}, "ParentNotFoundException"),
        ("list_children", {"ParentId": "r-none", "ChildType": "ACCOUNT"}, "ParentNotFoundException"),
        ("list_parents", {"ChildId": "000000000000"}, "ChildNotFoundException"),
        ("list_tags_for_resource", {"ResourceId": "r-none"}, "TargetNotFoundException"),
        ("list_delegated_services_for_account", {"AccountId": "000000000000"}, "AccountNotFoundException"),
        ("describe_account", {"AccountId": "12"}, "InvalidInputException"),
    ],
)
def test_what_is_not_there(sandbox: Sandbox, call: str, given: dict[str, Any], code: str) -> None:
    with refused(code, status=400):
        getattr(api(sandbox), call)(**given)


@pytest.mark.parametrize("shown", ["both", "state", "status", "none"])
def test_state_and_status_are_shown_as_told(sandbox: Sandbox, shown: str) -> None:
    sandbox.control("POST", "account-state", {"show": shown})
    suspended = closed(sandbox, "SUSPENDED")
    row = api(sandbox).describe_account(AccountId=suspended)["Account"]
    assert (row.get("State"), row.get("Status")) == (
        "SUSPENDED" if shown in ("both", "state") else None,
        "SUSPENDED" if shown in ("both", "status") else None,
    )
    line = next(line for line in sandbox.truth() if line.get("native_id") == suspended)
    assert line["attributes"]["state"] == ("unknown" if shown == "none" else "SUSPENDED")


# Who may call --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["organization", "organization_minimum", "delegated", "delegated_minimum"])
def test_the_readers_may_call(sandbox: Sandbox, name: str) -> None:
    assert api(sandbox, name).describe_organization()["Organization"]["Id"] == facts(sandbox)["id"]
    assert api(sandbox, name).list_roots()["Roots"]


def test_a_member_may_ask_which_organization_it_is_in_and_nothing_else(sandbox: Sandbox) -> None:
    organizations = admin_of(sandbox, calm(sandbox), "organizations")
    found = organizations.describe_organization()["Organization"]
    assert found["MasterAccountId"] == facts(sandbox)["management_account"]
    for call in ("list_accounts", "list_roots", "list_delegated_administrators"):
        with refused("AccessDeniedException", "You don't have permissions to access this resource.", 400):
            getattr(organizations, call)()


def test_a_role_without_permission_is_denied_first(sandbox: Sandbox) -> None:
    organizations = client(sandbox, "organizations", assume(sandbox))
    with refused("AccessDeniedException", "not authorized to perform: organizations:ListAccounts on resource: *", 400):
        organizations.list_accounts()
    assert sandbox.control("GET", "denied")[-1]["action"] == "organizations:ListAccounts"


def test_nobody_of_no_organization() -> None:
    with start(1, users=2, groups=1, roles=3) as alone:
        for call in ("describe_organization", "list_accounts"):
            with refused("AWSOrganizationsNotInUseException", status=400):
                getattr(admin(alone, "organizations"), call)()
        assert alone.violations() == []


def test_readers_change_nothing(sandbox: Sandbox) -> None:
    with refused("AccessDeniedException", "organizations:CloseAccount", 400):
        api(sandbox).close_account(AccountId=calm(sandbox))


def test_credentials_are_refused_in_the_words_of_a_json_service(sandbox: Sandbox) -> None:
    given = reader(sandbox)
    with refused("UnrecognizedClientException", status=400):
        client(sandbox, "organizations", given | {"AccessKeyId": "ASIAAAAAAAAAAAAAAAAA"}).list_roots()
    with refused("InvalidSignatureException", status=400):
        client(sandbox, "organizations", given | {"SecretAccessKey": "x" * 40}).list_roots()
    sandbox.control("POST", "clock", {"advance": 3601})
    with refused("ExpiredTokenException", status=400):
        client(sandbox, "organizations", given).list_roots()


# Child roles ---------------------------------------------------------------------------------------------------------


def test_a_chain_of_roles_is_an_hour_at_most(sandbox: Sandbox) -> None:
    child(sandbox, calm(sandbox), DurationSeconds=3600)
    with refused("ValidationError", "1 hour session limit for roles assumed by role chaining", 400):
        child(sandbox, calm(sandbox), DurationSeconds=3601)


@pytest.mark.parametrize("name", ["organization", "delegated"])
def test_a_child_role_reads_iam_and_nothing_else(sandbox: Sandbox, name: str) -> None:
    account = calm(sandbox)
    given = child(sandbox, account, name)
    assert client(sandbox, "sts", given).get_caller_identity()["Account"] == account
    iam = client(sandbox, "iam", given)
    assert iam.get_account_authorization_details()["UserDetailList"]
    assert isinstance(iam.list_account_aliases()["AccountAliases"], list)
    with refused("AccessDenied", "iam:CreateUser"):
        iam.create_user(UserName="mallory")
    with refused("AccessDeniedException", status=400):
        client(sandbox, "organizations", given).list_accounts()


def test_the_minimum_child_role_reads_less(sandbox: Sandbox) -> None:
    iam = client(sandbox, "iam", child(sandbox, calm(sandbox), "delegated_minimum"))
    assert iam.list_users()["Users"]
    with refused("AccessDenied", "iam:GetAccountAuthorizationDetails"):
        iam.get_account_authorization_details()


def test_a_session_policy_narrows_a_child_role(sandbox: Sandbox) -> None:
    iam = client(sandbox, "iam", child(sandbox, calm(sandbox), Policy=policy(["iam:ListUsers", "iam:CreateUser"])))
    assert iam.list_users()["Users"]
    with refused("AccessDenied", "no session policy allows the iam:ListRoles action"):
        iam.list_roles()
    with refused("AccessDenied", "no identity-based policy allows the iam:CreateUser action"):
        iam.create_user(UserName="mallory")


@pytest.mark.parametrize("why", ["SUSPENDED", "PENDING_CLOSURE", "does not exist", "trusts another account"])
@pytest.mark.parametrize("name", ["organization", "delegated", "organization_minimum"])
def test_what_cannot_be_entered(sandbox: Sandbox, why: str, name: str) -> None:
    account = closed(sandbox, why)
    with refused("AccessDenied", f"not authorized to perform: sts:AssumeRole on resource: arn:aws:iam::{account}:"):
        child(sandbox, account, name)


@pytest.mark.parametrize("given", [{}, {"ExternalId": "wrong"}])
def test_an_external_id_is_asked_for(sandbox: Sandbox, given: dict[str, str]) -> None:
    (account,) = facts(sandbox)["child_external_id"]
    child(sandbox, account)
    arn = f"arn:aws:iam::{account}:role/{facts(sandbox)['child_role_name']}"
    with refused("AccessDenied"):
        client(sandbox, "sts", reader(sandbox)).assume_role(RoleArn=arn, RoleSessionName="test", **given)


@pytest.mark.parametrize("name", ["organization", "delegated"])
def test_the_management_account_has_no_child_role(sandbox: Sandbox, name: str) -> None:
    with refused("AccessDenied"):
        child(sandbox, facts(sandbox)["management_account"], name)


def test_only_readers_and_the_connectors_roles_may_be_assumed_by_the_operator(sandbox: Sandbox) -> None:
    arn = f"arn:aws:iam::{calm(sandbox)}:role/{facts(sandbox)['child_role_name']}"
    with refused("AccessDenied"):
        operator(sandbox).assume_role(RoleArn=arn, RoleSessionName="test")
    # The delegated administrator is not whom Organizations' own child role trusts.
    with refused("AccessDenied"):
        client(sandbox, "sts", reader(sandbox, "delegated")).assume_role(RoleArn=arn, RoleSessionName="test")


def test_a_region_of_another_partition_is_refused(sandbox: Sandbox) -> None:
    key = sandbox.plan.admin_credentials
    iam = boto3.client(
        "sts",
        endpoint_url=sandbox.endpoint,
        region_name="cn-north-1",
        aws_access_key_id=key.access_key_id,
        aws_secret_access_key=key.secret_access_key,
    )
    with refused("InvalidClientTokenId"):
        iam.get_caller_identity()


def test_trust_across_accounts_is_bound_to_ids(sandbox: Sandbox) -> None:
    account, other = calm(sandbox), facts(sandbox)["delegated_administrator"]
    arn = f"arn:aws:iam::{other}:user/sandbox-admin"
    iam = admin_of(sandbox, account)
    iam.create_role(RoleName="bound", AssumeRolePolicyDocument=trust({"AWS": arn}))
    admin_of(sandbox, other).update_user(UserName="sandbox-admin", NewUserName="renamed")
    shown = iam.get_role(RoleName="bound")["Role"]["AssumeRolePolicyDocument"]["Statement"][0]["Principal"]["AWS"]
    assert shown == f"arn:aws:iam::{other}:user/renamed"
    role = f"arn:aws:iam::{account}:role/bound"
    admin_of(sandbox, other, "sts").assume_role(RoleArn=role, RoleSessionName="test")
    gone = trust({"AWS": f"arn:aws:iam::{other}:user/nobody"})
    with refused("MalformedPolicyDocument", "Invalid principal in policy", 400):
        iam.update_assume_role_policy(RoleName="bound", PolicyDocument=gone)
    statement: dict[str, Any] = {"sid": None, "effect": "Allow", "actions": ["sts:AssumeRole"], "conditions": {}}
    claim = {"source": shown, "source_kind": "iam_user", "effect": "allow", "statements": [statement]}
    sandbox.expect(role, "cross_account", [claim])
    lines = [line for line in sandbox.truth() if line["kind"] == "can_assume" and line["target"] == role]
    assert [(line["source"], line["source_kind"]) for line in lines] == [(shown, "iam_user")]
