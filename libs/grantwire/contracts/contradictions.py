"""Settings of a connector that are well formed each by itself and do not go together. Pure."""

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

from grantwire.contracts.connectors import Connector

_REGION: Final = re.compile(r"[a-z]{2}(?:-[a-z]+)+-[0-9]{1,2}")
_EXAMPLES: Final = {"aws": "us-east-1", "aws-cn": "cn-north-1", "aws-us-gov": "us-gov-west-1"}


class Contradiction(NamedTuple):
    """The field to change, and why with the way out."""

    field: str
    message: str


def contradictions(connector: Connector, *, draft: bool = False) -> list[Contradiction]:
    """All of them, in the order of the fields. A ``draft`` may lack its role, its SCIM endpoint and token. What is
    switched off may stay set."""
    found = (*_operator(connector, draft=draft), *_identity_center(connector), *_scim(connector, draft=draft))
    return [Contradiction(*each) for each in found]


def partition_of_region(region: str) -> str | None:
    """``aws-cn`` of ``cn-north-1``; None for what is no region's name, or one of a partition that is not served."""
    if not _REGION.fullmatch(region) or "-iso" in region:
        return None
    return "aws-cn" if region.startswith("cn-") else "aws-us-gov" if region.startswith("us-gov-") else "aws"


def _operator(connector: Connector, *, draft: bool) -> Iterator[tuple[str, str]]:
    if (operator := connector.operator_role_arn) is None:
        return
    if (role := connector.role_arn) is None:
        if not draft:
            yield (
                "operator_role_arn",
                "an operator role assumes the connector's role, and there is none; next: set role_arn",
            )
    elif operator == role:
        yield "operator_role_arn", "it is the connector's own role; next: leave it out, or name another role"
    elif operator.split(":")[1] != role.split(":")[1]:
        yield (
            "operator_role_arn",
            f"it is of the partition {operator.split(':')[1]}, and role_arn of {role.split(':')[1]}: no role can be "
            "assumed from another partition; next: name an operator role of the same partition",
        )


def _identity_center(connector: Connector) -> Iterator[tuple[str, str]]:
    if connector.identity_center and not connector.organizations:
        yield (
            "identity_center",
            "it needs organizations: who is assigned where is read account by account, and only the organization says "
            "which accounts there are; next: set organizations as well (--organizations), with a role in the "
            "management account or in a delegated administrator of Identity Center",
        )
    if (region := connector.identity_center_region) is None:
        return
    if (partition := partition_of_region(region)) is None:
        yield "identity_center_region", f"{region!r} is not the name of an AWS region; one looks like us-east-1"
    elif connector.role_arn is not None and partition != connector.partition:
        yield (
            "identity_center_region",
            f"{region} is a region of the partition {partition}, and role_arn is of {connector.partition}; next: name "
            f"a region of {connector.partition}, such as {_EXAMPLES[connector.partition]}",
        )


def _scim(connector: Connector, *, draft: bool) -> Iterator[tuple[str, str]]:
    if not connector.scim:
        return
    where = "it is shown in IAM Identity Center, Settings, Automatic provisioning"
    if connector.scim_endpoint is None and not draft:
        yield "scim_endpoint", f"it is missing, and scim is on; next: set it ({where}), or switch scim off"
    if connector.scim_token is None and not draft:
        yield "scim_token", f"it is missing, and scim is on; next: set the access token ({where}), or switch scim off"
