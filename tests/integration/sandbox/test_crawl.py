"""The server against the truth: a naive crawl by boto3 finds what the truth says, whatever the pages look like."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from grantwire.sandbox.server import Sandbox, start
from tests.integration.sandbox.clients import admin, assume, client
from tests.integration.sandbox.crawl import Crawl, structure


@pytest.mark.parametrize(("seed", "short", "empty"), [(1, 0.0, 0.0), (2, 0.6, 0.3), (3, 0.9, 0.1)])
def test_the_crawl_is_the_truth(seed: int, short: float, empty: float) -> None:
    with start(seed, users=60, groups=12, short=short, empty=empty) as sandbox:
        found = structure(Crawl(admin(sandbox), sandbox.account).run())
        assert found == structure(sandbox.truth())
        assert sandbox.violations() == []


@pytest.mark.parametrize("operation", ["list_users", "list_roles", "list_groups", "get_account_authorization_details"])
@pytest.mark.parametrize("size", [1, 7, 1000])
def test_paginators_sum_up_under_mess(sandbox: Sandbox, operation: str, size: int) -> None:
    sandbox.control("POST", "mess", {"short": 0.6, "empty": 0.3})
    iam = client(sandbox, "iam", assume(sandbox))
    pages = iam.get_paginator(operation).paginate(PaginationConfig={"PageSize": size})
    names: Counter[tuple[str, str]] = Counter()
    for page in pages:
        for key, rows in page.items():
            if isinstance(rows, list):
                names.update((key, row["Arn"]) for row in rows)
    assert set(names.values()) == {1}
    expected = {"list_users": 100, "list_roles": 50, "list_groups": 20}
    bulk = sum(line["kind"] in KINDS for line in sandbox.truth() if line["type"] == "resource")
    assert len(names) == expected.get(operation, bulk)


KINDS = {"iam_user", "iam_group", "iam_role", "iam_policy"}


def details(sandbox: Sandbox, **params: Any) -> dict[str, list[dict[str, Any]]]:
    pages = admin(sandbox).get_paginator("get_account_authorization_details").paginate(**params)
    found: dict[str, list[dict[str, Any]]] = {}
    for page in pages:
        for key, rows in page.items():
            if isinstance(rows, list):
                found.setdefault(key, []).extend(rows)
    return found


def test_the_bulk_read_agrees_with_the_truth(sandbox: Sandbox) -> None:
    sandbox.control("POST", "mess", {"short": 0.5, "empty": 0.2})
    bulk, truth = details(sandbox), sandbox.truth()
    resources = {line["native_id"]: line["attributes"] for line in truth if line["type"] == "resource"}
    for user in bulk["UserDetailList"]:
        assert "PasswordLastUsed" not in user
        assert {tag["Key"]: tag["Value"] for tag in user.get("Tags", [])} == resources[user["Arn"]]["tags"]
    for role in bulk["RoleDetailList"]:
        assert "MaxSessionDuration" not in role
        assert role["AssumeRolePolicyDocument"] == resources[role["Arn"]]["trust_policy"]
    held = {
        (attached["PolicyArn"], holder["Arn"])
        for key in ("UserDetailList", "GroupDetailList", "RoleDetailList")
        for holder in bulk[key]
        for attached in holder["AttachedManagedPolicies"]
    }
    said = {(line["source"], line["target"]) for line in truth if line["kind"] == "attached"}
    assert held == {pair for pair in said if "#" not in pair[0]}
    members = {(user["Arn"], group) for user in bulk["UserDetailList"] for group in user["GroupList"]}
    said = {(line["source"], line["target"].rsplit("/", 1)[1]) for line in truth if line["kind"] == "member_of"}
    assert members == said


@pytest.mark.parametrize(
    ("wanted", "key"),
    [
        ("User", "UserDetailList"),
        ("Group", "GroupDetailList"),
        ("Role", "RoleDetailList"),
        ("LocalManagedPolicy", "Policies"),
        ("AWSManagedPolicy", "Policies"),
    ],
)
def test_a_filter_gives_one_kind(sandbox: Sandbox, wanted: str, key: str) -> None:
    found = {name for name, rows in details(sandbox, Filter=[wanted]).items() if rows}
    assert found == {key}


def test_lists_say_less_than_single_reads(sandbox: Sandbox) -> None:
    iam = admin(sandbox)
    listed = iam.list_roles(MaxItems=1000)["Roles"]
    assert not {"Tags", "PermissionsBoundary", "RoleLastUsed"} & {key for role in listed for key in role}
    assert any("PermissionsBoundary" in iam.get_role(RoleName=role["RoleName"])["Role"] for role in listed)
    assert not {"Tags", "PermissionsBoundary"} & {key for user in iam.list_users()["Users"] for key in user}
    assert iam.list_account_aliases()["AccountAliases"] == []


def test_a_marker_of_another_list_is_refused(sandbox: Sandbox) -> None:
    iam = admin(sandbox)
    marker = iam.list_users(MaxItems=5)["Marker"]
    with pytest.raises(iam.exceptions.ClientError, match="Invalid Marker") as caught:
        iam.list_roles(Marker=marker)
    assert caught.value.response["Error"]["Code"] == "ValidationError"
