"""Which AWS actions each fetch plan calls, and the policies that allow exactly those."""

import json
from collections.abc import Iterable
from typing import Final

from grantwire.contracts.failures import Invalid

IAM_MINIMUM: Final = ("iam:GetGroup", "iam:ListGroups", "iam:ListRoles", "iam:ListUsers")
IAM_BULK: Final = ("iam:GetAccountAuthorizationDetails", "iam:ListRoles", "iam:ListUsers")
IAM_ALL: Final = tuple(sorted({*IAM_MINIMUM, *IAM_BULK}))
SESSION_POLICY_LIMIT: Final = 2_048  # characters; AWS refuses longer ones


def policy(actions: Iterable[str]) -> dict[str, object]:
    """A policy document that allows exactly these actions, for a person to attach to the role."""
    statement = {"Effect": "Allow", "Action": sorted(set(actions)), "Resource": "*"}
    return {"Version": "2012-10-17", "Statement": [statement]}


def session_policy(actions: Iterable[str]) -> str:
    """The same as the text of a session policy. Raises ``Invalid`` if it is longer than AWS takes."""
    text = json.dumps(policy(actions), separators=(",", ":"))
    if len(text) > SESSION_POLICY_LIMIT:
        raise Invalid(
            f"A session policy of {len(text)} characters is longer than the {SESSION_POLICY_LIMIT} AWS takes; "
            "name fewer actions.",
            "actions",
        )
    return text
