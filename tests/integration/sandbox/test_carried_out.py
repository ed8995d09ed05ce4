"""The log of writes holds what was carried out, and the faults of writes say or hide that it was."""

from __future__ import annotations

import re
from typing import Any
from urllib.error import HTTPError

import pytest
from botocore.exceptions import ClientError, ConnectionClosedError, ReadTimeoutError

from grantwire.sandbox.blueprint import plan
from grantwire.sandbox.facts import Inline
from grantwire.sandbox.plan import Extras, Sizes
from grantwire.sandbox.server import Sandbox
from tests.integration.sandbox.clients import IMPATIENT, admin, assume, client
from tests.integration.sandbox.sso_clients import boss, create, fresh_set, wanted
from tests.integration.sandbox.test_access import refused

POLICY = "arn:aws:iam::aws:policy/ReadOnlyAccess"


def logged(sandbox: Sandbox) -> list[tuple[str, str, str]]:
    return [(each["service"], each["operation"], each["account"]) for each in sandbox.writes()]


def test_what_was_carried_out_is_logged_with_who_and_what(sandbox: Sandbox) -> None:
    iam = admin(sandbox)
    answer = iam.create_user(UserName="somebody")
    iam.list_users()
    with refused("EntityAlreadyExists", status=409):
        iam.create_user(UserName="somebody")
    with refused("AccessDenied"):
        client(sandbox, "iam", assume(sandbox)).delete_user(UserName="somebody")
    (only,) = sandbox.writes()
    assert only["request_id"] == answer["ResponseMetadata"]["RequestId"]
    assert (only["parameters"], only["account"]) == ({"UserName": "somebody"}, sandbox.account)
    assert only["caller"] == f"arn:aws:iam::{sandbox.account}:user/sandbox-admin"
    sandbox.control("DELETE", "calls")
    assert len(sandbox.writes()) == 1, "the counts of calls are something else"
    assert sandbox.control("DELETE", "writes") == []
    assert sandbox.writes() == []


def test_an_assignment_is_logged_when_it_is_accepted_in_the_account_it_is_for(organized: Sandbox) -> None:
    given = wanted(organized, arn=fresh_set(organized))
    organized.control("DELETE", "writes")
    create(organized, given)
    with refused("ConflictException", status=400):
        create(organized, given)
    assert logged(organized) == [("sso-admin", "CreateAccountAssignment", given["TargetId"])]


@pytest.mark.parametrize(
    ("how", "error"),
    [({}, ConnectionClosedError), ({"how": "hang"}, ReadTimeoutError), ({"how": "error"}, ClientError)],
)
def test_a_lost_answer_is_of_a_write_that_was_carried_out(sandbox: Sandbox, how: Any, error: type[Exception]) -> None:
    sandbox.fault({"kind": "lost", "service": "iam", "times": 1} | how)
    patient = admin(sandbox)
    hangs = how.get("how") == "hang"
    writer = client(sandbox, "iam", sandbox.plan.admin_credentials, IMPATIENT) if hangs else patient
    patient.list_users()
    with pytest.raises(error):
        writer.create_user(UserName="somebody")
    assert patient.get_user(UserName="somebody")["User"]["UserName"] == "somebody"
    assert logged(sandbox) == [("iam", "CreateUser", sandbox.account)]


def test_a_refusal_is_not_lost(sandbox: Sandbox) -> None:
    sandbox.fault({"kind": "lost"})
    with refused("NoSuchEntity", status=404):
        admin(sandbox).delete_user(UserName="nobody")
    assert sandbox.writes() == []


def test_a_conflict_is_of_a_write_that_was_not(sandbox: Sandbox, organized: Sandbox) -> None:
    sandbox.fault({"kind": "conflict", "times": 1})
    admin(sandbox).list_users()
    with refused("ConcurrentModification", status=409):
        admin(sandbox).create_user(UserName="somebody")
    assert sandbox.writes() == []
    given = wanted(organized, arn=fresh_set(organized))
    organized.fault({"kind": "conflict", "service": "sso-admin", "times": 1})
    with refused("ConflictException", status=400):
        create(organized, given)
    create(organized, given)


def test_an_answer_is_lost_in_one_of_three_ways(sandbox: Sandbox) -> None:
    with pytest.raises(HTTPError, match="400"):
        sandbox.fault({"kind": "lost", "how": "slowly"})


def test_reads_show_what_was_there_so_many_seconds_ago(sandbox: Sandbox) -> None:
    sandbox.fault({"kind": "stale", "seconds": 300, "operation": "ListUsers"})
    iam = admin(sandbox)

    def seen() -> set[str]:
        return {row["UserName"] for row in iam.list_users(MaxItems=1000)["Users"]} & {"first", "second"}

    iam.create_user(UserName="first")
    sandbox.control("POST", "clock", {"advance": 180})
    iam.create_user(UserName="second")
    assert seen() == set()
    sandbox.control("POST", "clock", {"advance": 150})
    assert seen() == {"first"}
    sandbox.control("POST", "clock", {"advance": 180})
    assert seen() == {"first", "second"}


def test_the_organization_of_so_many_seconds_ago(organized: Sandbox) -> None:
    account = organized.facts["organization"]["member_accounts"][-1]
    organized.fault({"kind": "stale", "seconds": 300, "service": "organizations"})
    organized.organization({"account": account, "state": "SUSPENDED"})
    describe = boss(organized, "organizations").describe_account
    assert describe(AccountId=account)["Account"]["State"] == "ACTIVE"
    organized.control("POST", "clock", {"advance": 301})
    assert describe(AccountId=account)["Account"]["State"] == "SUSPENDED"


def test_ten_groups_and_ten_policies_are_the_most(sandbox: Sandbox) -> None:
    iam = admin(sandbox)
    iam.create_user(UserName="somebody")
    for number in range(11):
        iam.create_group(GroupName=f"many-{number}")
        name = f"many-{number}"
        iam.create_policy(PolicyName=name, PolicyDocument='{"Version": "2012-10-17", "Statement": []}')
    own = [f"arn:aws:iam::{sandbox.account}:policy/many-{number}" for number in range(11)]
    for number in range(10):
        iam.add_user_to_group(GroupName=f"many-{number}", UserName="somebody")
        iam.attach_user_policy(UserName="somebody", PolicyArn=own[number])
    iam.add_user_to_group(GroupName="many-0", UserName="somebody")
    iam.attach_user_policy(UserName="somebody", PolicyArn=own[0])
    with refused("LimitExceeded", "GroupsPerUser: 10", status=409):
        iam.add_user_to_group(GroupName="many-10", UserName="somebody")
    with refused("LimitExceeded", "PoliciesPerUser: 10", status=409):
        iam.attach_user_policy(UserName="somebody", PolicyArn=own[10])


def test_connectors_may_change_something_only_where_that_is_asked_for() -> None:
    def allowed(provisioning: bool) -> set[str]:
        extras = Extras(identity_center="organization", provisioning=provisioning)
        made = plan(1, Sizes(3, 1, 8), accounts=3, extras=extras)
        rows = [row for account in made.accounts for row in account.rows]
        policies = [row.document for row in rows if isinstance(row, Inline) and row.name == "grantwire-read"]
        return set(re.findall(r"\w+:(?:Add|Attach|Create|Delete|Detach|Remove)\w+", " ".join(policies)))

    assert allowed(False) == set()
    assert {"iam:AddUserToGroup", "sso:CreateAccountAssignment", "identitystore:DeleteGroupMembership"} < allowed(True)
