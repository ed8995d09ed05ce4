"""Which region's endpoints are used, by the role's partition and AWS's own variables."""

from typing import Any

import pytest

from grantwire.aws.clients import Partition, ambient, iam_client, organizations_client, region_of, sts_client
from grantwire.aws.entry import Identity, identity_of
from grantwire.aws.settings import AwsSettings
from grantwire.contracts.failures import AwsCause, AwsError


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_DEFAULT_REGION", "AWS_REGION", "AWS_PROFILE", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nonexistent")


@pytest.mark.parametrize(
    ("partition", "region", "sts", "iam", "organizations"),
    [
        (
            "aws",
            "us-east-1",
            "https://sts.us-east-1.amazonaws.com",
            "https://iam.amazonaws.com",
            "https://organizations.us-east-1.amazonaws.com",
        ),
        (
            "aws-cn",
            "cn-north-1",
            "https://sts.cn-north-1.amazonaws.com.cn",
            "https://iam.cn-north-1.amazonaws.com.cn",
            "https://organizations.cn-northwest-1.amazonaws.com.cn",
        ),
        (
            "aws-us-gov",
            "us-gov-west-1",
            "https://sts.us-gov-west-1.amazonaws.com",
            "https://iam.us-gov.amazonaws.com",
            "https://organizations.us-gov-west-1.amazonaws.com",
        ),
    ],
)
def test_a_partition_has_its_own_endpoints(
    partition: Partition, region: str, sts: str, iam: str, organizations: str
) -> None:
    session, settings = ambient(), AwsSettings()
    found = region_of(session, partition, settings)
    assert found == region
    assert sts_client(session, found, settings).meta.endpoint_url == sts
    assert iam_client(session, found, settings).meta.endpoint_url == iam
    tree: Any = organizations_client(session, found, settings)
    assert tree.meta.endpoint_url == organizations


def test_a_configured_region_of_the_same_partition_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    assert region_of(ambient(), "aws", AwsSettings()) == "eu-central-1"
    assert region_of(ambient(), "aws", AwsSettings(region="eu-west-1")) == "eu-west-1"
    assert region_of(ambient(), None, AwsSettings(region="cn-north-1")) == "cn-north-1"


def test_a_region_of_another_partition_is_refused_with_both_named() -> None:
    with pytest.raises(AwsError, match=r"cn-north-1 .*'aws-cn'.* 'aws-us-gov'.*us-gov-west-1") as caught:
        region_of(ambient(), "aws-us-gov", AwsSettings(region="cn-north-1"))
    assert caught.value.cause is AwsCause.FINAL


def test_an_identity_is_read_from_its_arn() -> None:
    arn = "arn:aws-cn:sts::111122223333:assumed-role/GrantwireConnector/grantwire-prod"
    assert identity_of(arn) == Identity("111122223333", arn, "aws-cn")
    with pytest.raises(ValueError, match="names no account"):
        identity_of("arn:aws:iam:::user/x")
