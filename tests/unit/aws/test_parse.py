"""Rows of an answer into values, and what is wrong with a row."""

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from urllib.parse import quote

import pytest

from grantwire.aws.iam.parse import Parser, decode
from grantwire.contracts.failures import AwsError

PARSE = Parser("iam:GetAccountAuthorizationDetails")
AT = datetime(2024, 1, 2, 3, 4, 5, tzinfo=UTC)
ENTITY = {"Path": "/team/", "CreateDate": AT.astimezone(timezone(timedelta(hours=9)))}
USER = ENTITY | {"UserName": "ada", "UserId": "AIDA1", "Arn": "arn:aws:iam::111122223333:user/team/ada"}
ROLE = ENTITY | {
    "RoleName": "app",
    "RoleId": "AROA1",
    "Arn": "arn:aws:iam::111122223333:role/app",
    "AssumeRolePolicyDocument": quote(json.dumps({"Statement": []})),
}
POLICY = ENTITY | {
    "PolicyName": "p",
    "PolicyId": "ANPA1",
    "Arn": "arn:aws:iam::111122223333:policy/p",
    "DefaultVersionId": "v2",
    "PolicyVersionList": [
        {"VersionId": "v3", "Document": quote('{"v": 3}')},
        {"VersionId": "v2", "Document": quote('{"v": 2}')},
    ],
}


def without(row: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in row.items() if key != name}


def test_a_user_without_anything_has_nothing() -> None:
    user = PARSE.user(USER)
    assert (user.name, user.created_at, user.groups, user.tags) == ("ada", AT, (), {})
    assert (user.holdings.inline, user.holdings.attached, user.holdings.boundary) == ((), (), None)


def test_a_role_that_was_never_used_was_never_used() -> None:
    role = PARSE.role(ROLE | {"RoleLastUsed": {}})
    assert (role.trust, role.last_used_at, role.last_used_region) == ({"Statement": []}, None, None)
    assert PARSE.role(ROLE | {"RoleLastUsed": {"LastUsedDate": AT, "Region": "eu-west-1"}}).last_used_at == AT


def test_an_empty_description_is_none() -> None:
    assert PARSE.listed_role(ROLE | {"Description": ""}).description is None


def test_a_policy_has_the_document_of_its_default_version() -> None:
    assert PARSE.policy(POLICY).document == {"v": 2}


@pytest.mark.parametrize("name", ["Arn", "UserId", "UserName", "Path", "CreateDate"])
def test_a_user_without_what_aws_always_gives_is_an_error(name: str) -> None:
    with pytest.raises(AwsError, match=f"a row has no {name}"):
        PARSE.user(without(USER, name))


def test_a_role_without_a_trust_policy_and_a_policy_without_its_default_are_errors() -> None:
    with pytest.raises(AwsError, match="AssumeRolePolicyDocument"):
        PARSE.role(without(ROLE, "AssumeRolePolicyDocument"))
    with pytest.raises(AwsError, match="without its default version v9"):
        PARSE.policy(POLICY | {"DefaultVersionId": "v9"})


@pytest.mark.parametrize(
    ("document", "wanted"),
    [
        (quote('{"a": "b c"}'), {"a": "b c"}),
        (quote("not JSON at 100%"), "not JSON at 100%"),
        (quote('"just text"'), "just text"),
        (quote("+"), "+"),
        ("", ""),
    ],
)
def test_a_document_is_decoded_once_and_kept_as_text_if_it_is_not_json(document: str, wanted: Any) -> None:
    assert decode(document) == wanted


@pytest.mark.parametrize("levels", [101, 900, 100_000])
def test_a_document_nested_without_end_is_kept_as_text(levels: int) -> None:
    assert decode("[" * levels + "]" * levels) == "[" * levels + "]" * levels
