"""The planner of permission sets. Standard library only."""

from __future__ import annotations

import json
import random

from grantwire.sandbox import ids, messes
from grantwire.sandbox.identity_center.facts import PermissionSet, Reference

_AWS = "arn:aws:iam::aws:policy"
# Roles are named after their set, so a set whose name ends like a role's suffix is one to stumble over.
NAMES = (
    "Administrator",
    "ReadOnly",
    "Billing_0123456789abcdef",
    "P" * 32,
    "=cmd",
    "a.b@c,d=e+f-g",
    "Empty",
    "ReadOnly_Audit",
    "-",
    "null",
)
MANAGED = ("AdministratorAccess", "ReadOnlyAccess", "SecurityAudit", "IAMReadOnlyAccess", "job-function/ViewOnlyAccess")
SHARED = (Reference("shared-access", "/teams/"), Reference("shared.audit@all"))
SHARED_BOUNDARY = Reference("shared-boundary", "/teams/")
DESCRIPTIONS = (
    None,
    "Deploys the payment service",
    "Überprüft die Rechnungen (§ 14)",
    "=1+1",
    "<img src=x>",
    "D" * 700,
)
RELAYS = (None, None, "https://s3.console.aws.amazon.com/s3/buckets?region=eu-west-1#", "=cmd|'/c calc'!A0")


def permission_set(seed: int, instance: str, index: int) -> PermissionSet:
    """The set at `index`: of every shape there is."""
    rng = random.Random(f"{seed}:permission set:{index}")  # noqa: S311  repeatable on purpose
    number = ids.digest(seed, instance, "permission set", index).hex()[:16]
    arn = f"arn:aws:sso:::permissionSet/{instance.rpartition('/')[2]}/ps-{number}"
    name = NAMES[index] if index < len(NAMES) else f"set-{index:04}"
    made = rng.randint(1_577_836_800, 1_735_689_600)
    if name == "Empty":
        return PermissionSet(arn, name, made)
    managed = rng.sample(MANAGED, rng.choice((0, 1, 1, 2, 3)))
    return PermissionSet(
        arn,
        name,
        made,
        DESCRIPTIONS[index % len(DESCRIPTIONS)],
        rng.choice(("PT1H", "PT8H", "PT12H", "PT1H30M")),
        RELAYS[index % len(RELAYS)],
        messes.tags(rng, name) if index % 3 == 1 else (),
        tuple(f"{_AWS}/{each}" for each in managed),
        SHARED[: index % 3] if index % 2 else (),
        _inline(rng, index),
        _boundary(index),
    )


def _inline(rng: random.Random, index: int) -> str | None:
    # AWS takes any text that is a policy; what it cannot store as such is not accepted here.
    if index % 5 == 3:
        return messes.unstorable()[0]
    return messes.policy_document(rng, 3_000) if index % 5 in (0, 2) else None


def _boundary(index: int) -> str | Reference | None:
    if index % 8 == 5:
        return SHARED_BOUNDARY
    return f"{_AWS}/PowerUserAccess" if index % 8 == 1 else None


def references(row: PermissionSet) -> tuple[Reference, ...]:
    """The customer managed policies that an account must have before the set can be provisioned there."""
    return row.customer + ((row.boundary,) if isinstance(row.boundary, Reference) else ())


def shared_document() -> str:
    """What the customer managed policies of that name hold in every account."""
    statement = {"Effect": "Allow", "Action": ["s3:Get*", "s3:List*"], "Resource": "*"}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})
