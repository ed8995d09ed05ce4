"""What a plan gains beyond accounts and organization, and what the connectors' roles may do with it.

Standard library only.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from grantwire.sandbox.account import allowing
from grantwire.sandbox.credentials.planner import with_credentials
from grantwire.sandbox.facts import Inline, Role, Row
from grantwire.sandbox.identity_center.planner import prepared, with_center
from grantwire.sandbox.organization.members import FULL, OWN, READER, READER_MINIMUM
from grantwire.sandbox.partitions import PARTITIONS
from grantwire.sandbox.plan import AccountPlan, Extras, Plan
from grantwire.sandbox.scim.plan import endpoint

CREDENTIAL_ACTIONS = (
    "iam:GenerateCredentialReport",
    "iam:GetCredentialReport",
    "iam:ListAccessKeys",
    "iam:GetAccessKeyLastUsed",
    "iam:GetLoginProfile",
    "iam:ListMFADevices",
)
CENTER_MINIMUM_ACTIONS = (
    "sso:ListInstances",
    "sso:ListPermissionSets",
    "sso:DescribePermissionSet",
    "sso:ListPermissionSetsProvisionedToAccount",
    "sso:ListAccountAssignments",
    "identitystore:ListUsers",
    "identitystore:ListGroups",
    "identitystore:ListGroupMemberships",
)
CENTER_ACTIONS = (
    *CENTER_MINIMUM_ACTIONS,
    "sso:DescribeInstance",
    "sso:ListManagedPoliciesInPermissionSet",
    "sso:ListCustomerManagedPolicyReferencesInPermissionSet",
    "sso:GetInlinePolicyForPermissionSet",
    "sso:GetPermissionsBoundaryForPermissionSet",
    "sso:ListTagsForResource",
    "sso:ListAccountsForProvisionedPermissionSet",
    "sso:ListAccountAssignmentsForPrincipal",
    "identitystore:DescribeUser",
    "identitystore:DescribeGroup",
    "identitystore:ListGroupMembershipsForMember",
    "identitystore:GetUserId",
    "identitystore:GetGroupId",
    "identitystore:GetGroupMembershipId",
    "identitystore:IsMemberInGroups",
)
IAM_PROVISIONING_ACTIONS = (
    "iam:GetUser",
    "iam:GetGroup",
    "iam:GetRole",
    "iam:GetPolicy",
    "iam:ListGroupsForUser",
    "iam:AddUserToGroup",
    "iam:RemoveUserFromGroup",
    *(f"iam:{verb}{kind}Policy" for verb in ("Attach", "Detach", "Delete") for kind in ("User", "Group", "Role")),
    *(f"iam:List{what}{kind}Policies" for what in ("", "Attached") for kind in ("User", "Group", "Role")),
)
CENTER_PROVISIONING_ACTIONS = (
    "organizations:DescribeAccount",
    "sso:DescribePermissionSet",
    "sso:ListPermissionSetsProvisionedToAccount",
    "sso:ListAccountAssignments",
    "sso:CreateAccountAssignment",
    "sso:DeleteAccountAssignment",
    *(f"sso:{verb}AccountAssignment{noun}Status" for verb in ("Describe", "List") for noun in ("Creation", "Deletion")),
    "identitystore:DescribeUser",
    "identitystore:DescribeGroup",
    "identitystore:ListGroupMembershipsForMember",
    "identitystore:CreateGroupMembership",
    "identitystore:DeleteGroupMembership",
)
_BULK, _MINIMUM, _POLICY = "GrantwireConnector", "GrantwireConnectorMinimum", "grantwire-read"
_NOTHING = Extras()


def extended(plan: Plan, extras: Extras, partition: str) -> Plan:
    """The plan with the extras in it, still spelled for `aws`; the very same plan when there are none.

    Raises `ValueError` for extras that do not fit.
    """
    if extras == _NOTHING:
        return plan
    plan = replace(plan, extras=extras)
    if extras.identity_center is not None:
        region = extras.region or PARTITIONS["aws"].region
        plan = with_center(plan, extras.identity_center, region, partition, extras.directory)
    if extras.scim:
        plan = _with_scim(plan)
    return _each(plan, lambda account: _account(account, plan))


def _with_scim(plan: Plan) -> Plan:
    if plan.center is None or not plan.center.instances:
        raise ValueError("a SCIM endpoint needs an instance of Identity Center")
    return replace(plan, scim=endpoint(plan.seed, plan.account))


def joined(plan: Plan, account: AccountPlan) -> AccountPlan:
    """The extras of an account that joins later."""
    if plan.extras == _NOTHING:
        return account
    return _account(account if plan.center is None else prepared(account, plan.center), plan)


def _account(account: AccountPlan, plan: Plan) -> AccountPlan:
    filled = with_credentials(account, plan.seed) if plan.extras.credentials else account
    return replace(filled, rows=tuple(_permitted(filled.rows, plan.extras)))


def _each(plan: Plan, change: Callable[[AccountPlan], AccountPlan]) -> Plan:
    changed = tuple(change(each) for each in plan.accounts)
    there = replace(plan, rows=changed[0].rows, expectations=changed[0].expectations)
    if there.organization is None:
        return there
    return replace(there, organization=replace(there.organization, members=changed))


def _permitted(rows: tuple[Row, ...], extras: Extras) -> list[Row]:
    names = {row.unique_id: row.name for row in rows if isinstance(row, Role)}
    return [
        _policy(row, names.get(row.holder_id, ""), extras)
        if isinstance(row, Inline) and row.name == _POLICY and row.holder_id in names
        else row
        for row in rows
    ]


def _policy(row: Inline, role: str, extras: Extras) -> Inline:
    document = json.loads(row.document)
    statements = [*document["Statement"], *(allowing(list(actions)) for actions in _granted(role, extras))]
    document["Statement"] = [kept for each in statements if (kept := _without(each, extras.without)) is not None]
    return replace(row, document=json.dumps(document))


def _granted(role: str, extras: Extras) -> list[tuple[str, ...]]:
    found: list[tuple[str, ...]] = []
    if extras.credentials and role in (_BULK, READER, OWN, FULL):
        found.append(CREDENTIAL_ACTIONS)
    if extras.identity_center is not None and role in (_BULK, READER):
        found.append(CENTER_ACTIONS)
    if extras.identity_center is not None and role in (_MINIMUM, READER_MINIMUM):
        found.append(CENTER_MINIMUM_ACTIONS)
    return found + _provisioning(role, extras)


def _provisioning(role: str, extras: Extras) -> list[tuple[str, ...]]:
    if not extras.provisioning:
        return []
    found = [IAM_PROVISIONING_ACTIONS] if role in (_BULK, READER, OWN, FULL) else []
    return found + ([CENTER_PROVISIONING_ACTIONS] if extras.identity_center is not None and role == READER else [])


def _without(statement: dict[str, Any], gone: tuple[str, ...]) -> dict[str, Any] | None:
    actions = statement["Action"] if isinstance(statement["Action"], list | tuple) else [statement["Action"]]
    kept = [each for each in actions if each not in gone]
    return (statement | {"Action": kept} if gone else statement) if kept else None
