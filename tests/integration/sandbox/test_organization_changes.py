"""An organization changes, by its own API and behind its back; faults hit one account and spare the others."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any
from urllib.error import HTTPError

import pytest
from botocore.exceptions import ClientError, ConnectionClosedError, PaginationError, ReadTimeoutError

from grantwire.sandbox.server import Sandbox, start
from tests.integration.sandbox.clients import IMPATIENT, ONCE, admin, client
from tests.integration.sandbox.crawl import structure
from tests.integration.sandbox.org_crawl import OrganizationCrawl, admin_of, child, reader
from tests.integration.sandbox.test_access import refused


@pytest.fixture(scope="module")
def running() -> Iterator[Sandbox]:
    with start(2, users=5, groups=2, roles=14, accounts=10) as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(running: Sandbox) -> Iterator[Sandbox]:
    running.control("POST", "reset")
    yield running
    assert running.violations() == []


def calm(sandbox: Sandbox) -> str:
    return str(sandbox.facts["organization"]["member_accounts"][-1])


def organizations(sandbox: Sandbox) -> Any:
    return admin(sandbox, "organizations")


def parent_in_truth(sandbox: Sandbox, account: str) -> list[str]:
    return [line["source"] for line in sandbox.truth() if line["kind"] == "contains" and line["target"] == account]


def agrees(sandbox: Sandbox) -> bool:
    """Whether a crawl of the organization finds what the truth says; the IAM of its accounts is crawled elsewhere."""
    crawl = OrganizationCrawl(sandbox, deep=False)
    found, kinds = structure(crawl.run()), ("organization", "organizational_unit", "account")
    truth = [line for line in sandbox.truth() if line.get("source_kind", line["kind"]) in kinds]
    told = structure([line for line in truth if line.get("target_kind", "account") in kinds])
    return found == told and crawl.closed == sandbox.unreachable().keys()


# Changes -------------------------------------------------------------------------------------------------------------


def test_an_account_moves(sandbox: Sandbox) -> None:
    account, root = calm(sandbox), sandbox.facts["organization"]["root"]
    (before,) = parent_in_truth(sandbox, account)
    api = organizations(sandbox)
    empty = next(unit["id"] for unit in sandbox.organization()["units"] if unit["name"] == "=EMPTY()")
    api.move_account(AccountId=account, SourceParentId=before, DestinationParentId=empty)
    assert parent_in_truth(sandbox, account) == [empty]
    for source, target, code in (
        (before, root, "SourceParentNotFoundException"),
        (empty, "r-none", "DestinationParentNotFoundException"),
        (empty, empty, "DuplicateAccountException"),
    ):
        with refused(code, status=400):
            api.move_account(AccountId=account, SourceParentId=source, DestinationParentId=target)
    sandbox.organization({"move": [account, root]})
    assert parent_in_truth(sandbox, account) == [root]
    assert agrees(sandbox)


def test_an_account_closes(sandbox: Sandbox) -> None:
    account, api = calm(sandbox), organizations(sandbox)
    given = child(sandbox, account)
    api.close_account(AccountId=account)
    assert api.describe_account(AccountId=account)["Account"]["State"] == "PENDING_CLOSURE"
    assert sandbox.unreachable()[account] == "the account is PENDING_CLOSURE"
    with refused("InvalidClientTokenId"):
        client(sandbox, "iam", given).list_users()
    for wanted, code in (
        (account, "AccountAlreadyClosedException"),
        (sandbox.account, "ConstraintViolationException"),
        ("000000000000", "AccountNotFoundException"),
    ):
        with refused(code, status=400):
            api.close_account(AccountId=wanted)
    sandbox.organization({"account": account, "state": "CLOSED"})
    assert agrees(sandbox)


def test_an_account_is_suspended_and_comes_back(sandbox: Sandbox) -> None:
    account = calm(sandbox)
    before = sandbox.truth()
    sandbox.organization({"account": account, "state": "SUSPENDED"})
    assert not [line for line in sandbox.truth() if line["kind"] == "iam_user" and line["account"] == account]
    with refused("AccessDenied"):
        child(sandbox, account)
    sandbox.organization({"account": account, "state": "ACTIVE"})
    child(sandbox, account)
    assert sandbox.truth() == before


def test_an_account_leaves_and_comes_back(sandbox: Sandbox) -> None:
    account, api = calm(sandbox), organizations(sandbox)
    api.remove_account_from_organization(AccountId=account)
    assert parent_in_truth(sandbox, account) == []
    with refused("AWSOrganizationsNotInUseException", status=400):
        admin_of(sandbox, account, "organizations").describe_organization()
    assert agrees(sandbox)
    sandbox.organization({"join": account})
    assert parent_in_truth(sandbox, account) == [sandbox.facts["organization"]["root"]]
    assert agrees(sandbox)
    for wanted, code in (
        (sandbox.account, "MasterCannotLeaveOrganizationException"),
        (sandbox.facts["organization"]["delegated_administrator"], "ConstraintViolationException"),
    ):
        with refused(code, status=400):
            api.remove_account_from_organization(AccountId=wanted)


def test_an_account_that_was_never_here_joins(sandbox: Sandbox) -> None:
    shown = sandbox.organization({"join": "222233334444"})
    sandbox.facts["admin_of"]["222233334444"] = shown["admin_of"]["222233334444"]
    child(sandbox, "222233334444")
    assert agrees(sandbox)


def test_a_delegated_administrator_that_leaves_reads_no_more(sandbox: Sandbox) -> None:
    given = reader(sandbox, "delegated")
    sandbox.organization({"leave": sandbox.facts["organization"]["delegated_administrator"]})
    with refused("AWSOrganizationsNotInUseException", status=400):
        client(sandbox, "organizations", given).list_accounts()
    assert organizations(sandbox).list_delegated_administrators()["DelegatedAdministrators"] == []


@pytest.mark.parametrize(
    "change",
    [
        {"account": "000000000000", "state": "ACTIVE"},
        {"account": "000000000000", "state": "GONE"},
        {"leave": "000000000000"},
        {"join": "12"},
        {"move": ["000000000000", "r-none"]},
        {"colour": "red"},
        {},
    ],
)
def test_a_change_that_does_not_fit_is_refused(sandbox: Sandbox, change: dict[str, Any]) -> None:
    before = sandbox.organization()
    with pytest.raises(HTTPError, match="400"):
        sandbox.organization(change)
    with pytest.raises(HTTPError, match="400"):
        sandbox.organization({"leave": sandbox.account})
    assert sandbox.organization() == before


def test_members_change_nothing_of_the_organization(sandbox: Sandbox) -> None:
    account = calm(sandbox)
    for who in (account, sandbox.facts["organization"]["delegated_administrator"]):
        with refused("AccessDeniedException", status=400):
            admin_of(sandbox, who, "organizations").close_account(AccountId=account)


def test_reset_brings_the_organization_back(sandbox: Sandbox) -> None:
    before = sandbox.truth()
    sandbox.organization({"leave": calm(sandbox)}, {"join": "222233334444"})
    sandbox.control("POST", "account-state", {"show": "none"})
    assert sandbox.truth() != before
    sandbox.control("POST", "reset")
    assert sandbox.truth() == before


# Faults --------------------------------------------------------------------------------------------------------------


def fired(sandbox: Sandbox) -> list[int]:
    return [rule["fired"] for rule in sandbox.control("GET", "faults")]


@pytest.mark.parametrize(
    ("rule", "code", "status"),
    [
        ({"kind": "throttle"}, "TooManyRequestsException", 400),
        ({"kind": "deny"}, "AccessDeniedException", 400),
        ({"kind": "error"}, "ServiceException", 500),
        ({"kind": "error", "status": 503}, "ServiceUnavailableException", 503),
        ({"kind": "error", "status": 503, "code": "Odd"}, "Odd", 503),
        ({"kind": "skew"}, "InvalidSignatureException", 400),
    ],
)
def test_an_error_answer_of_organizations(sandbox: Sandbox, rule: dict[str, Any], code: str, status: int) -> None:
    sandbox.fault(rule | {"service": "organizations", "account": sandbox.account, "times": 1})
    with refused(code, status=status):
        organizations(sandbox).list_accounts()
    assert organizations(sandbox).list_accounts()["Accounts"]
    assert fired(sandbox) == [1]


@pytest.mark.parametrize(("kind", "raised"), [("timeout", ReadTimeoutError), ("drop", ConnectionClosedError)])
def test_an_answer_that_does_not_come(sandbox: Sandbox, kind: str, raised: type[Exception]) -> None:
    sandbox.fault({"kind": kind, "operation": "DescribeOrganization", "times": 1})
    settings = IMPATIENT if kind == "timeout" else ONCE
    api = client(sandbox, "organizations", sandbox.plan.admin_credentials, settings)
    with pytest.raises(raised):
        api.describe_organization()
    assert fired(sandbox) == [1]


@pytest.mark.parametrize("rule", [{"kind": "cut"}, {"kind": "garbage"}, {"kind": "garbage", "body": ""}])
def test_a_spoilt_answer_reads_as_no_accounts_at_all(sandbox: Sandbox, rule: dict[str, Any]) -> None:
    # What boto3 makes of it, and why a reader must refuse such an answer before it is parsed.
    sandbox.fault(rule | {"operation": "ListAccounts", "times": 1})
    assert organizations(sandbox).list_accounts().get("Accounts") is None
    assert fired(sandbox) == [1]


def test_paging_goes_wrong(sandbox: Sandbox) -> None:
    sandbox.fault({"kind": "repeat_token", "operation": "ListAccounts", "times": 1})
    with pytest.raises(PaginationError, match="same next token"):
        list(organizations(sandbox).get_paginator("list_accounts").paginate(PaginationConfig={"PageSize": 3}))
    sandbox.fault({"kind": "empty", "operation": "ListRoots"})
    answer = organizations(sandbox).list_roots()
    assert (answer["Roots"], "NextToken" in answer) == ([], False)
    assert fired(sandbox) == [1, 1]


def test_a_stale_read_shows_the_organization_of_before(sandbox: Sandbox) -> None:
    account = calm(sandbox)
    sandbox.organization({"leave": account})
    sandbox.fault({"kind": "stale", "service": "organizations", "times": 1})
    assert organizations(sandbox).describe_account(AccountId=account)["Account"]["Id"] == account
    with refused("AccountNotFoundException", status=400):
        organizations(sandbox).describe_account(AccountId=account)
    iam = admin_of(sandbox, account)
    iam.create_user(UserName="fresh")
    sandbox.fault({"kind": "stale", "account": account, "operation": "ListUsers", "times": 1})
    assert "fresh" not in {user["UserName"] for user in iam.list_users()["Users"]}
    assert "fresh" in {user["UserName"] for user in iam.list_users()["Users"]}


@pytest.mark.parametrize(
    ("rule", "code"),
    [({"kind": "throttle"}, "Throttling"), ({"kind": "deny"}, "AccessDenied"), ({"kind": "error"}, "InternalFailure")],
)
def test_assuming_a_role_of_one_account_fails_and_of_the_others_does_not(
    sandbox: Sandbox, rule: dict[str, Any], code: str
) -> None:
    account, other = calm(sandbox), sandbox.facts["organization"]["delegated_administrator"]
    sandbox.fault(rule | {"service": "sts", "operation": "AssumeRole", "account": account, "times": 1})
    child(sandbox, other)
    with pytest.raises(ClientError) as caught:
        child(sandbox, account)
    assert caught.value.response["Error"]["Code"] == code
    child(sandbox, account)
    assert fired(sandbox) == [1]


def test_the_iam_of_one_account_is_slow(sandbox: Sandbox) -> None:
    account, other = calm(sandbox), sandbox.facts["organization"]["delegated_administrator"]
    sandbox.fault({"kind": "latency", "seconds": 0.3, "service": "iam", "account": account})
    admin_of(sandbox, other).list_users()
    assert fired(sandbox) == [0]
    began = time.monotonic()
    admin_of(sandbox, account).list_users()
    assert time.monotonic() - began >= 0.3


def test_each_account_has_a_rate_of_its_own(sandbox: Sandbox) -> None:
    account, other = calm(sandbox), sandbox.facts["organization"]["delegated_administrator"]
    sandbox.control("POST", "rates", {"service": "iam", "per_second": 0.001, "burst": 3})
    busy = admin_of(sandbox, account)
    for _ in range(3):
        busy.list_users()
    with refused("Throttling", "Rate exceeded", 400):
        busy.list_users()
    admin_of(sandbox, other).list_users()
    organizations(sandbox).list_accounts()
    (shown,) = sandbox.control("GET", "rates")
    assert shown["accounts"] == {
        account: {"allowed": 3, "throttled": 1},
        other: {"allowed": 1, "throttled": 0},
    }
    sandbox.control("POST", "clock", {"advance": 1001})
    busy.list_users()  # the bucket follows the sandbox's clock
    assert sandbox.control("DELETE", "rates") == []


def test_calls_are_counted_by_account(sandbox: Sandbox) -> None:
    account = calm(sandbox)
    client(sandbox, "iam", child(sandbox, account)).list_users()
    organizations(sandbox).list_accounts()
    counted = sandbox.control("GET", "calls")["accounts"]
    assert counted[account] == {"iam.ListUsers": 1}
    assert counted[sandbox.account] == {"sts.AssumeRole": 1, "organizations.ListAccounts": 1}
