"""AWS's own managed policies, which no scope owns. Pure."""

import re
from typing import Final

from grantwire.contracts.resources import Kind, Resource

_AWS_POLICY: Final = re.compile(r"arn:[^:]*:iam::aws:policy(/.*/|/)([^/]+)", re.DOTALL)


def aws_policy(arn: str) -> Resource | None:
    """An AWS managed policy by identity, all of it from its ARN; None for a customer's."""
    found = _AWS_POLICY.fullmatch(arn)
    if found is None:
        return None
    return Resource(Kind.IAM_POLICY, arn, None, found[2], {"managed_by": "aws", "path": found[1]})
