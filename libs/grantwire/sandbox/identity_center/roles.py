"""The role that a permission set is in an account: AWS makes it, names it and keeps it. Standard library only."""

from __future__ import annotations

import json

from grantwire.sandbox import ids
from grantwire.sandbox.facts import Attached, Expectation, Inline, Role, Row
from grantwire.sandbox.identity_center.facts import PermissionSet, Reference
from grantwire.sandbox.plan import trust_key
from grantwire.sandbox.trusts_odd import reserved

LONGEST = 43_200  # such a role allows twelve hours; the set's own duration binds the portal's sessions
INLINE = "AwsSSOInlinePolicy"
PATH = "/aws-reserved/sso.amazonaws.com/"


def path_of(region: str, partition: str) -> str:
    """The path of reserved roles: with the instance's region, but for the region where all began."""
    return PATH if (region, partition) == ("us-east-1", "aws") else f"{PATH}{region}/"


def provider(account: str, instance: str) -> str:
    """What the SAML provider of an instance in an account is named by: the same in every partition's spelling."""
    return ids.digest("saml provider", account, instance.rpartition("/")[2]).hex()[:16]


def trust_of(account: str, instance: str) -> str:
    """The trust policy of every reserved role of an instance in an account."""
    return json.dumps(reserved(account, provider(account, instance))[0], ensure_ascii=False)


def expected(account: str, instance: str) -> tuple[str, Expectation]:
    """What that trust policy means, by its key."""
    return trust_key(trust_of(account, instance)), reserved(account, provider(account, instance))[1]


def realized(role_id: str, account: str, row: PermissionSet, trust: str, path: str, now: int) -> list[Row]:
    """The role of a permission set in an account, with its policies. Ids and names follow from `role_id`."""
    suffix = ids.digest("role", role_id).hex()[:16]
    made = Role(
        role_id,
        f"AWSReservedSSO_{row.name}_{suffix}",
        path,
        now,
        trust,
        row.description or "",
        LONGEST,
        boundary=boundary_of(account, row),
    )
    return [made, *policies(made, account, row)]


def policies(role: Role, account: str, row: PermissionSet) -> list[Row]:
    """What the role of a permission set holds: attached policies, and the inline policy under AWS's name for it."""
    wanted = [*row.managed, *(_policy_arn(row, account, each) for each in row.customer)]
    held: list[Row] = [Attached(role.unique_id, arn) for arn in wanted]
    return held + ([Inline(role.unique_id, INLINE, row.inline)] if row.inline is not None else [])


def boundary_of(account: str, row: PermissionSet) -> str | None:
    """The ARN of the boundary in an account."""
    return None if row.boundary is None else _policy_arn(row, account, row.boundary)


def _policy_arn(row: PermissionSet, account: str, policy: str | Reference) -> str:
    partition = row.arn.split(":", 2)[1]
    if isinstance(policy, str):
        return policy
    return f"arn:{partition}:iam::{account}:policy{policy.path}{policy.name}"
