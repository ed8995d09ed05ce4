"""Which AWS actions each fetch plan calls, and the policies that allow exactly those."""

import json
import re
from collections.abc import Iterable
from typing import Any, Final

from grantwire.contracts.connectors import Connector
from grantwire.contracts.failures import Invalid

IAM_MINIMUM: Final = ("iam:GetGroup", "iam:ListGroups", "iam:ListRoles", "iam:ListUsers")
IAM_BULK: Final = ("iam:GetAccountAuthorizationDetails", "iam:ListRoles", "iam:ListUsers")
IAM_ALIASES: Final = ("iam:ListAccountAliases",)  # asked in the accounts of an organization
IAM_ALL: Final = tuple(sorted({*IAM_MINIMUM, *IAM_BULK, *IAM_ALIASES}))
CREDENTIALS: Final = (
    "iam:GenerateCredentialReport",
    "iam:GetAccessKeyLastUsed",
    "iam:GetCredentialReport",
    "iam:ListAccessKeys",
    "iam:ListUsers",
)
ORGANIZATION: Final = (
    "organizations:DescribeOrganization",
    "organizations:ListAccounts",
    "organizations:ListAccountsForParent",
    "organizations:ListDelegatedAdministrators",
    "organizations:ListDelegatedServicesForAccount",
    "organizations:ListOrganizationalUnitsForParent",
    "organizations:ListRoots",
)
IDENTITY_CENTER_FINDING: Final = ("sso:ListInstances", "sso:ListPermissionSets")  # what finding the instance calls
IDENTITY_CENTER_MINIMUM: Final = (
    "identitystore:ListGroupMemberships",
    "identitystore:ListGroups",
    "identitystore:ListUsers",
    "sso:DescribePermissionSet",
    "sso:ListAccountAssignments",
    "sso:ListInstances",
    "sso:ListPermissionSets",
    "sso:ListPermissionSetsProvisionedToAccount",
)
IDENTITY_CENTER_OPTIONAL: Final = (  # each tells more, costs less or proves an absence; without it the rest is read
    "identitystore:DescribeGroup",
    "identitystore:DescribeUser",
    "identitystore:ListGroupMembershipsForMember",
    "sso:GetInlinePolicyForPermissionSet",
    "sso:GetPermissionsBoundaryForPermissionSet",
    "sso:ListAccountAssignmentsForPrincipal",
    "sso:ListAccountsForProvisionedPermissionSet",
    "sso:ListCustomerManagedPolicyReferencesInPermissionSet",
    "sso:ListManagedPoliciesInPermissionSet",
    "sso:ListTagsForResource",
)
IDENTITY_CENTER: Final = tuple(sorted((*IDENTITY_CENTER_MINIMUM, *IDENTITY_CENTER_OPTIONAL)))
SESSION_POLICY_LIMIT: Final = 2_048  # characters; AWS refuses longer ones


def policy(actions: Iterable[str], roles: Iterable[str] = ()) -> dict[str, object]:
    """A policy document that allows exactly these actions, for a person to attach to the role.

    ``roles``: ARNs, or patterns of them, that may be assumed; see ``child_roles``.
    """
    statements: list[dict[str, Any]] = []
    if asked := sorted(set(actions)):
        statements.append({"Effect": "Allow", "Action": asked, "Resource": "*"})
    if assumed := sorted(set(roles)):
        statements.append({"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": assumed})
    return {"Version": "2012-10-17", "Statement": statements}


def child_roles(connector: Connector, partition: str | None = None) -> tuple[str, ...]:
    """The child roles of every account of an organization, as patterns of ARNs; none without an organization."""
    if not connector.organizations:
        return ()
    overrides = connector.account_overrides.values()
    names = {connector.child_role_name, *(each.role_name for each in overrides if each.role_name)}
    return tuple(sorted(_any_account(partition or connector.partition, _literal(name)) for name in names))


def session_policy(actions: Iterable[str], roles: Iterable[str] = ()) -> str:
    """The same as the text of a session policy; where naming each role makes it too long, it allows any role.

    Raises ``Invalid`` if it is still longer than AWS takes.
    """
    asked, named = tuple(actions), tuple(roles)
    text = _compact(policy(asked, named))
    if len(text) > SESSION_POLICY_LIMIT and named:
        text = _compact(policy(asked, (_any_account(named[0].split(":")[1], "*"),)))
    if len(text) > SESSION_POLICY_LIMIT:
        raise Invalid(
            f"A session policy of {len(text)} characters is longer than the {SESSION_POLICY_LIMIT} AWS takes; "
            "name fewer actions.",
            "actions",
        )
    return text


def _any_account(partition: str, name: str) -> str:
    return f"arn:{partition}:iam::*:role/{name}"


def _literal(name: str) -> str:
    """A path may hold what policies read as wildcards."""
    return re.sub(r"[*?$]", r"${\g<0>}", name)


def _compact(document: dict[str, object]) -> str:
    return json.dumps(document, separators=(",", ":"))
