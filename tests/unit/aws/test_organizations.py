"""Rows of Organizations as typed values."""

from datetime import UTC, datetime
from typing import Any

import pytest

from grantwire.aws.errors import INCONSISTENT
from grantwire.aws.organizations.parse import Parser
from grantwire.aws.organizations.shapes import Account, Organization, Unit
from grantwire.contracts.failures import AwsError

PARSE = Parser("organizations:ListAccounts")
ROW: dict[str, Any] = {"Id": "111122223333", "Arn": "arn:x", "Name": "Payments"}


def test_an_account_is_all_that_aws_says() -> None:
    joined = datetime(2026, 1, 2, 3, tzinfo=UTC)
    row = ROW | {"Email": "a@example.com", "State": "ACTIVE", "JoinedMethod": "INVITED", "JoinedTimestamp": joined}
    assert PARSE.account(row) == Account(
        id="111122223333",
        arn="arn:x",
        name="Payments",
        email="a@example.com",
        state="ACTIVE",
        joined_method="INVITED",
        joined_at=joined,
    )


@pytest.mark.parametrize(
    ("said", "state"),
    [
        ({"State": "CLOSED", "Status": "SUSPENDED"}, "CLOSED"),
        ({"Status": "SUSPENDED"}, "SUSPENDED"),
        ({"State": "", "Status": "ACTIVE"}, "ACTIVE"),
        ({"State": None}, None),
        ({}, None),
    ],
)
def test_the_state_comes_first_then_the_status(said: dict[str, Any], state: str | None) -> None:
    assert PARSE.account(ROW | said).state == state


def test_what_aws_leaves_out_is_not_invented() -> None:
    account = PARSE.account(ROW)
    assert (account.email, account.state, account.joined_method, account.joined_at) == (None, None, None, None)


@pytest.mark.parametrize("missing", ["Id", "Arn", "Name"])
def test_a_row_without_its_identity_is_an_error(missing: str) -> None:
    row = {name: value for name, value in ROW.items() if name != missing}
    for read in (PARSE.account, PARSE.unit):
        with pytest.raises(AwsError, match=missing) as caught:
            read(row)
        assert caught.value.code == INCONSISTENT


def test_units_and_the_organization() -> None:
    assert PARSE.unit(ROW | {"Id": "r-ab12"}) == Unit(id="r-ab12", arn="arn:x", name="Payments")
    found = {"Id": "o-ab12cd34ef", "Arn": "arn:o", "MasterAccountId": "111122223333", "FeatureSet": "ALL"}
    expected = Organization(id="o-ab12cd34ef", arn="arn:o", management_account="111122223333", feature_set="ALL")
    assert PARSE.organization({"Organization": found}) == expected
    answers: list[dict[str, Any]] = [{}, {"Organization": {}}, {"Organization": found | {"MasterAccountId": None}}]
    for broken in answers:
        with pytest.raises(AwsError):
            PARSE.organization(broken)
