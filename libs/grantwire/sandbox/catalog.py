"""A few of AWS's own managed policies, with short documents written here, to be attached and to be boundaries."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

from grantwire.sandbox.facts import Policy, Version
from grantwire.sandbox.ids import unique_id

_MADE = 1_423_186_000  # 2015-02-06; AWS's oldest managed policies are of that day


def _allow(action: str | list[str]) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": action, "Resource": "*"}]}


_DOCUMENTS: dict[str, tuple[dict[str, Any], ...]] = {
    "/AdministratorAccess": (_allow("*"),),
    "/PowerUserAccess": (
        {
            "Version": "2012-10-17",
            "Statement": [
                {"Effect": "Allow", "NotAction": ["iam:*", "organizations:*", "account:*"], "Resource": "*"},
                {"Effect": "Allow", "Action": ["iam:ListRoles", "organizations:Describe*"], "Resource": "*"},
            ],
        },
    ),
    "/ReadOnlyAccess": (_allow(["ec2:Describe*"]), _allow(["ec2:Describe*", "iam:Get*", "iam:List*", "s3:Get*"])),
    "/SecurityAudit": (_allow(["iam:Get*", "iam:List*", "config:Describe*"]),),
    "/IAMReadOnlyAccess": (_allow(["iam:Get*", "iam:List*", "iam:GenerateCredentialReport"]),),
    "/job-function/ViewOnlyAccess": (_allow(["ec2:Describe*", "iam:List*"]),),
    "/service-role/AWSLambdaBasicExecutionRole": (_allow(["logs:CreateLogStream", "logs:PutLogEvents"]),),
    "/service-role/AmazonEC2ContainerServiceRole": (_allow(["ec2:Describe*", "elasticloadbalancing:*"]),),
    "/aws-service-role/AutoScalingServiceRolePolicy": (_allow(["ec2:RunInstances", "ec2:TerminateInstances"]),),
}


def _policy(path_and_name: str, documents: tuple[dict[str, Any], ...]) -> Policy:
    path, name = path_and_name.rsplit("/", 1)
    versions = tuple(
        Version(f"v{number}", json.dumps(document), _MADE + 86_400 * (number - 1))
        for number, document in enumerate(documents, 1)
    )
    newest = versions[-1]
    return Policy(unique_id("ANPA", name), name, path + "/", _MADE, newest.created_at, newest.version_id, versions)


@cache
def aws_policies(partition: str) -> dict[str, Policy]:
    """AWS's managed policies by ARN."""
    return {
        f"arn:{partition}:iam::aws:policy{where}": _policy(where, documents) for where, documents in _DOCUMENTS.items()
    }
