"""Rows of Identity Center as typed values."""

from datetime import UTC, datetime
from typing import Any

import pytest

from grantwire.aws.errors import INCONSISTENT
from grantwire.aws.identity_center.parse import Parser
from grantwire.aws.identity_center.shapes import Assignment, Boundary, Email, ExternalId, Membership, PolicyReference
from grantwire.contracts.failures import AwsError

PARSE = Parser("sso:Some")
USER: dict[str, Any] = {"UserId": "u-1", "IdentityStoreId": "d-1"}
ASSIGNED = {"AccountId": "1", "PermissionSetArn": "arn:ps", "PrincipalType": "USER", "PrincipalId": "u-1"}


def test_a_user_is_all_that_the_directory_says() -> None:
    then = datetime(2026, 1, 2, 3, tzinfo=UTC)
    found = PARSE.user(
        USER
        | {"UserName": "ada", "Name": {"GivenName": "Ada"}, "UserStatus": "DISABLED", "CreatedAt": then, "Title": ""}
        | {"Emails": [{"Value": "a@example.com", "Primary": True}], "ExternalIds": [{"Issuer": "i", "Id": "7"}]}
    )
    assert (found.user_name, found.given_name, found.family_name, found.status) == ("ada", "Ada", None, "DISABLED")
    assert (found.created_at, found.updated_at, found.title) == (then, None, None)
    assert found.emails == (Email("a@example.com", None, True),)
    assert found.external_ids == (ExternalId("i", "7"),)


def test_what_a_directory_leaves_out_is_not_invented() -> None:
    found = PARSE.user(USER)
    assert (found.user_name, found.status, found.emails, found.external_ids) == (None, None, (), ())
    assert PARSE.group({"GroupId": "g", "IdentityStoreId": "d-1"}).display_name is None


def test_memberships_references_and_boundaries() -> None:
    row = {"MembershipId": "m", "GroupId": "g", "MemberId": {"UserId": "u"}}
    assert PARSE.membership(row) == Membership("m", "g", "u")
    assert PARSE.reference({"Name": "p"}) == PolicyReference("p", "/")
    assert PARSE.boundary({"ManagedPolicyArn": "arn:p"}) == Boundary(arn="arn:p")
    named = {"CustomerManagedPolicyReference": {"Name": "p", "Path": "/x/"}}
    assert PARSE.boundary(named) == Boundary(reference=PolicyReference("p", "/x/"))
    assert PARSE.assignment(ASSIGNED) == Assignment("1", "arn:ps", "USER", "u-1")


@pytest.mark.parametrize(
    ("read", "row"),
    [
        (PARSE.user, {"IdentityStoreId": "d-1"}),
        (PARSE.user, USER | {"Emails": "a@example.com"}),
        (PARSE.user, USER | {"Name": "Ada"}),
        (PARSE.user, USER | {"ExternalIds": [{"Id": "7"}]}),
        (PARSE.group, {"GroupId": "g"}),
        (PARSE.membership, {"MembershipId": "m", "GroupId": "g", "MemberId": {}}),
        (PARSE.permission_set, {"Name": "n"}),
        (PARSE.boundary, {}),
        (PARSE.assignment, ASSIGNED | {"PrincipalType": "ROBOT"}),
        (PARSE.instance, {"InstanceArn": "arn:i"}),
    ],
)
def test_a_row_without_what_aws_always_gives_is_an_error(read: Any, row: dict[str, Any]) -> None:
    with pytest.raises(AwsError) as caught:
        read(row)
    assert caught.value.code == INCONSISTENT
