"""The simulated operations; importing this package registers them all."""

from grantwire.sandbox.operations import (
    iam_entities,
    iam_groups,
    iam_lists,
    iam_policies,
    iam_roles,
    iam_tags,
    iam_users,
    org_writes,
    organizations,
    sts,
)
from grantwire.sandbox.operations.registry import OPERATIONS, Call, Failure

__all__ = [
    "OPERATIONS",
    "Call",
    "Failure",
    "iam_entities",
    "iam_groups",
    "iam_lists",
    "iam_policies",
    "iam_roles",
    "iam_tags",
    "iam_users",
    "org_writes",
    "organizations",
    "sts",
]
