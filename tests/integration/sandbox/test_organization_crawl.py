"""The organization against its truth: a naive crawl by boto3 finds what the truth says, in every partition."""

from __future__ import annotations

import json
from typing import Any

import pytest

from grantwire.sandbox.server import start
from tests.integration.sandbox.crawl import Line, structure
from tests.integration.sandbox.org_crawl import OrganizationCrawl

SIZES: dict[str, Any] = {"users": 9, "groups": 4, "roles": 14}


@pytest.mark.parametrize(
    ("seed", "partition", "mess", "shown", "name"),
    [
        (1, "aws", (0.0, 0.0), "both", "organization"),
        (2, "aws-us-gov", (0.6, 0.3), "state", "delegated"),
        (3, "aws-cn", (0.9, 0.1), "status", "organization"),
    ],
)
def test_the_crawl_is_the_truth(seed: int, partition: str, mess: tuple[float, float], shown: str, name: str) -> None:
    given: dict[str, Any] = SIZES | {"short": mess[0], "empty": mess[1]}
    with start(seed, accounts=10, partition=partition, account_state=shown, **given) as sandbox:
        crawl = OrganizationCrawl(sandbox, name)
        found, truth = crawl.run(), sandbox.truth(reader=name)
        assert structure(found) == structure(truth)
        assert crawl.closed == sandbox.unreachable(name).keys()
        assert len(crawl.closed) == (5 if name == "delegated" else 4)
        assert sandbox.violations() == []
        _trusts_are_what_policies_name(truth)


def _trusts_are_what_policies_name(truth: list[Line]) -> None:
    """Users and roles that the truth says may knock are written in the policies that a reader sees."""
    policies = {line["native_id"]: json.dumps(line["attributes"]["trust_policy"]) for line in _kind(truth, "iam_role")}
    named = [line for line in _kind(truth, "can_assume") if line["source_kind"] in ("iam_user", "iam_role")]
    abroad = [line for line in named if line["source"].split(":")[4] != line["target"].split(":")[4]]
    assert len(abroad) > 5
    assert all(json.dumps(line["source"]) in policies[line["target"]] for line in abroad)


def _kind(truth: list[Line], kind: str) -> list[Line]:
    return [line for line in truth if line["kind"] == kind]


def test_one_account_in_another_partition_is_read_as_well() -> None:
    with start(4, partition="aws-cn", **SIZES) as sandbox:
        assert (sandbox.region, sandbox.facts["partition"]) == ("cn-north-1", "aws-cn")
        assert "arn:aws:" not in repr(sandbox.truth())
        assert "organization" not in sandbox.facts


def test_a_calm_organization_can_be_entered_everywhere() -> None:
    with start(5, accounts=8, calm=True, **SIZES) as sandbox:
        assert sandbox.unreachable() == {}
        crawl = OrganizationCrawl(sandbox)
        assert structure(crawl.run()) == structure(sandbox.truth())
        assert crawl.closed == set()
