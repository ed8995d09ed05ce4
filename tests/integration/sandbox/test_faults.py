"""Every kind of fault fires on the calls it should, looks to boto3 as it would from AWS, and is counted."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Any
from urllib.error import HTTPError

import pytest
from botocore.config import Config
from botocore.exceptions import (
    ClientError,
    ConnectionClosedError,
    HTTPClientError,
    PaginationError,
    ReadTimeoutError,
)
from botocore.parsers import ResponseParserError

from grantwire.sandbox.faults import KINDS
from grantwire.sandbox.server import Sandbox
from tests.integration.sandbox.clients import IMPATIENT, admin, client, signed_post

RETRIES = Config(retries={"mode": "standard", "total_max_attempts": 3}, read_timeout=30)


def fired(sandbox: Sandbox) -> list[int]:
    return [rule["fired"] for rule in sandbox.control("GET", "faults")]


@pytest.mark.parametrize(
    ("rule", "code", "status"),
    [
        ({"kind": "throttle"}, "Throttling", 400),
        ({"kind": "deny"}, "AccessDenied", 403),
        ({"kind": "error"}, "InternalFailure", 500),
        ({"kind": "error", "status": 503}, "ServiceUnavailable", 503),
        ({"kind": "skew"}, "SignatureDoesNotMatch", 403),
        ({"kind": "skew", "code": "RequestExpired"}, "RequestExpired", 403),
    ],
)
def test_an_error_answer(sandbox: Sandbox, rule: dict[str, Any], code: str, status: int) -> None:
    sandbox.fault(rule | {"times": 1})
    with pytest.raises(ClientError) as caught:
        admin(sandbox).list_users()
    response = caught.value.response
    assert (response["Error"]["Code"], response["ResponseMetadata"]["HTTPStatusCode"]) == (code, status)
    assert len(admin(sandbox).list_users()["Users"]) == 100
    assert fired(sandbox) == [1]


def test_a_timeout_never_answers(sandbox: Sandbox) -> None:
    sandbox.fault({"kind": "timeout", "times": 1})
    with pytest.raises(ReadTimeoutError):
        client(sandbox, "iam", sandbox.plan.admin_credentials, IMPATIENT).list_users()
    assert fired(sandbox) == [1]


def test_a_dropped_connection(sandbox: Sandbox) -> None:
    sandbox.fault({"kind": "drop", "times": 1})
    with pytest.raises(ConnectionClosedError):
        admin(sandbox).list_users()
    assert fired(sandbox) == [1]


def test_a_cut_body(sandbox: Sandbox) -> None:
    sandbox.fault({"kind": "cut", "times": 1})
    with pytest.raises((ResponseParserError, HTTPClientError)):
        admin(sandbox).list_users()
    assert fired(sandbox) == [1]


@pytest.mark.parametrize("body", ["<html><body>Welcome", "{}", "", "<ListUsersResponse><Users>"])
def test_garbage_under_200(sandbox: Sandbox, body: str) -> None:
    sandbox.fault({"kind": "garbage", "body": body, "times": 1})
    try:
        answer = admin(sandbox).list_users()
    except (ResponseParserError, KeyError):
        pass
    else:
        assert "Users" not in answer  # what botocore makes of an empty body
    assert fired(sandbox) == [1]


def test_the_default_garbage_is_a_web_page(sandbox: Sandbox) -> None:
    sandbox.fault({"kind": "garbage", "times": 1})
    with pytest.raises((ResponseParserError, KeyError)):
        admin(sandbox).list_users()
    assert fired(sandbox) == [1]


def test_a_repeated_token_stops_botocores_paginator(sandbox: Sandbox) -> None:
    sandbox.fault({"kind": "repeat_token", "operation": "ListUsers", "times": 1})
    pages = admin(sandbox).get_paginator("list_users").paginate(PaginationConfig={"PageSize": 10})
    with pytest.raises(PaginationError, match="same next token was received twice"):
        list(pages)
    assert fired(sandbox) == [1]


def test_an_empty_list_without_a_token(sandbox: Sandbox) -> None:
    sandbox.fault({"kind": "empty", "operation": "GetAccountAuthorizationDetails"})
    answer = admin(sandbox).get_account_authorization_details()
    assert [answer[key] for key in ("UserDetailList", "GroupDetailList", "RoleDetailList", "Policies")] == [[]] * 4
    assert (answer["IsTruncated"], answer.get("Marker")) == (False, None)
    assert fired(sandbox) == [1]


def test_latency(sandbox: Sandbox) -> None:
    sandbox.fault({"kind": "latency", "seconds": 0.3, "times": 1})
    began = time.monotonic()
    admin(sandbox).list_users()
    assert time.monotonic() - began >= 0.3
    assert fired(sandbox) == [1]


def test_stale_reads_show_the_past(sandbox: Sandbox) -> None:
    iam = admin(sandbox)
    for name in ("first", "second"):
        iam.create_user(UserName=name)
    for writes, seen in ((1, {"first"}), (2, set()), (9, set())):
        sandbox.fault({"kind": "stale", "writes": writes, "times": 1})
        listed = {user["UserName"] for user in iam.list_users(MaxItems=1000)["Users"]}
        assert listed & {"first", "second"} == seen
    assert iam.get_user(UserName="second")
    assert fired(sandbox) == [1, 1, 1]


def test_the_nth_call_of_one_operation(sandbox: Sandbox) -> None:
    sandbox.fault({"kind": "throttle", "service": "iam", "operation": "ListUsers", "nth": 2})
    iam = admin(sandbox)
    iam.list_roles()
    iam.list_users()
    with pytest.raises(ClientError, match="Rate exceeded"):
        iam.list_users()
    iam.list_users()
    assert [(rule["matched"], rule["fired"]) for rule in sandbox.control("GET", "faults")] == [(3, 1)]


def test_from_one_call_on_and_a_number_of_times(sandbox: Sandbox) -> None:
    sandbox.fault({"kind": "error", "from": 2, "times": 2, "account": sandbox.account})
    iam = admin(sandbox)
    outcomes = []
    for _ in range(5):
        try:
            iam.list_groups()
            outcomes.append(True)
        except ClientError:
            outcomes.append(False)
    assert outcomes == [True, False, False, True, True]


def test_another_account_is_left_alone(sandbox: Sandbox) -> None:
    sandbox.fault({"kind": "deny", "account": "000000000000"})
    admin(sandbox).list_users()
    assert fired(sandbox) == [0]


def test_a_throttled_call_passes_with_retries(sandbox: Sandbox) -> None:
    sandbox.fault({"kind": "throttle", "times": 2})
    client(sandbox, "iam", sandbox.plan.admin_credentials, RETRIES).list_users()
    assert sandbox.control("GET", "calls")["operations"] == {"iam.ListUsers": 3}
    assert sandbox.control("DELETE", "faults") == []


@pytest.mark.parametrize(
    ("minutes", "text"),
    [(-16, "Signature expired: "), (16, "Signature not yet current: "), (-14, None), (14, None)],
)
def test_a_clock_that_is_off_by_more_than_a_quarter_of_an_hour(
    sandbox: Sandbox, minutes: int, text: str | None
) -> None:
    status, body = signed_post(sandbox, "Action=ListGroups&Version=2010-05-08", timedelta(minutes=minutes))
    if text is None:
        assert status == 200
    else:
        assert status == 403
        assert f"<Code>SignatureDoesNotMatch</Code><Message>{text}" in body
        assert "15 min.)" in body


def test_a_kind_nobody_knows_is_refused(sandbox: Sandbox) -> None:
    with pytest.raises(HTTPError, match="400"):
        sandbox.fault({"kind": "earthquake"})
    assert len(KINDS) == 17
