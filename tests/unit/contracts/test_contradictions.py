"""Every pair of settings that does not go together, with the field that is named."""

from typing import Any

import pytest

from grantwire.contracts.connectors import Connector
from grantwire.contracts.contradictions import contradictions, partition_of_region

ROLE = "arn:aws:iam::123456789012:role/Grantwire"
OPERATOR = "arn:aws:iam::210987654321:role/Operator"


def of(*, draft: bool = False, **settings: Any) -> list[tuple[str, str]]:
    found = contradictions(Connector.model_validate({"id": "prod", **settings}), draft=draft)
    return [(each.field, each.message) for each in found]


@pytest.mark.parametrize(
    ("settings", "field", "says"),
    [
        ({"identity_center": True, "role_arn": ROLE}, "identity_center", "it needs organizations"),
        ({"identity_center_region": "Frankfurt"}, "identity_center_region", "not the name of an AWS region"),
        ({"identity_center_region": "us-iso-east-1"}, "identity_center_region", "not the name of an AWS region"),
        (
            {"identity_center_region": "cn-north-1", "role_arn": ROLE},
            "identity_center_region",
            "cn-north-1 is a region of the partition aws-cn, and role_arn is of aws; next: name a region of aws, such",
        ),
        (
            {"identity_center_region": "eu-central-1", "role_arn": ROLE.replace(":aws:", ":aws-us-gov:")},
            "identity_center_region",
            "such as us-gov-west-1",
        ),
        ({"scim": True, "scim_token": "t"}, "scim_endpoint", "it is missing, and scim is on"),
        ({"scim": True, "scim_endpoint": "https://x"}, "scim_token", "it is missing, and scim is on"),
        ({"operator_role_arn": OPERATOR}, "operator_role_arn", "next: set role_arn"),
        ({"operator_role_arn": ROLE, "role_arn": ROLE}, "operator_role_arn", "the connector's own role"),
        (
            {"operator_role_arn": OPERATOR.replace(":aws:", ":aws-cn:"), "role_arn": ROLE},
            "operator_role_arn",
            "of the partition aws-cn, and role_arn of aws",
        ),
    ],
)
def test_a_contradiction_names_its_field(settings: dict[str, Any], field: str, says: str) -> None:
    ((named, message),) = of(**settings)
    assert named == field
    assert says in message


def test_all_of_them_are_named_at_once() -> None:
    found = of(identity_center=True, identity_center_region="x", scim=True, operator_role_arn=OPERATOR)
    assert [field for field, _ in found] == [
        "operator_role_arn",
        "identity_center",
        "identity_center_region",
        "scim_endpoint",
        "scim_token",
    ]


def test_a_draft_may_lack_what_comes_later() -> None:
    assert of(draft=True, scim=True, operator_role_arn=OPERATOR) == []
    assert of(draft=True, identity_center=True)[0][0] == "identity_center"


def test_what_is_switched_off_may_stay_set() -> None:
    endpoint = "https://scim.us-east-1.amazonaws.com/11111111-2222-3333-4444-555555555555/scim/v2/"
    assert of(scim_endpoint=endpoint, operator_external_id="abc", identity_center_region="us-east-1") == []
    everything: dict[str, Any] = {"organizations": True, "identity_center": True, "scim": True, "scim_token": "t"}
    assert of(**everything, scim_endpoint=endpoint, role_arn=ROLE, operator_role_arn=OPERATOR) == []


@pytest.mark.parametrize(
    ("region", "partition"),
    [
        ("us-east-1", "aws"),
        ("ap-southeast-5", "aws"),
        ("cn-northwest-1", "aws-cn"),
        ("us-gov-east-1", "aws-us-gov"),
        ("us-isob-east-1", None),
        ("US-EAST-1", None),
        ("", None),
    ],
)
def test_the_partition_of_a_region(region: str, partition: str | None) -> None:
    assert partition_of_region(region) == partition


@pytest.mark.parametrize(
    ("arn", "says"),
    [
        ("arn:aws-iso:iam::123456789012:role/X", "is of the unknown AWS partition 'aws-iso'"),
        ("arn:aws:iam::12345:role/X", "is not the ARN of an IAM role"),
        ("arn:aws:iam::123456789012:user/x", "is not the ARN of an IAM role"),
        ("arn:aws:sts::123456789012:assumed-role/X/y", "is not the ARN of an IAM role"),
        ("123456789012", "is not the ARN of an IAM role"),
    ],
)
@pytest.mark.parametrize("field", ["role_arn", "operator_role_arn"])
def test_a_wrong_role_arn_is_told_apart(arn: str, says: str, field: str) -> None:
    with pytest.raises(ValueError, match=field) as caught:
        Connector.model_validate({"id": "prod", field: arn})
    assert says in str(caught.value)
