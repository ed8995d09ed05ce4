"""Which AWS actions each fetch plan calls, and the policies that allow exactly those."""

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any, Final, Literal, TypeAlias

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
ASSIGNING: Final = "sso:CreateAccountAssignment"
_HOLDERS: Final = ("iam:GetGroup", "iam:GetRole", "iam:GetUser")
_KINDS: Final = ("User", "Group", "Role")
OperationKind: TypeAlias = Literal[
    "iam_membership", "policy_attachment", "inline_policy", "assignment", "directory_membership"
]
IN_ACCOUNTS: Final[frozenset[OperationKind]] = frozenset(("iam_membership", "policy_attachment", "inline_policy"))
"""Those that are carried out in the account of what they change, by its child role; the others in the connector's."""
PROVISIONING: Final[Mapping[OperationKind, tuple[str, ...]]] = {  # what is read before a write, the write, the re-read
    "iam_membership": (
        "iam:AddUserToGroup",
        "iam:GetGroup",
        "iam:GetUser",
        "iam:ListGroupsForUser",
        "iam:RemoveUserFromGroup",
    ),
    "policy_attachment": (
        *_HOLDERS,
        "iam:GetPolicy",
        *(f"iam:{verb}{kind}Policy" for verb in ("Attach", "Detach") for kind in _KINDS),
        *(f"iam:ListAttached{kind}Policies" for kind in _KINDS),
    ),
    "inline_policy": (
        *_HOLDERS,
        *(f"iam:Delete{kind}Policy" for kind in _KINDS),
        *(f"iam:List{kind}Policies" for kind in _KINDS),
    ),
    "assignment": (
        "identitystore:DescribeGroup",
        "identitystore:DescribeUser",
        "organizations:DescribeAccount",
        ASSIGNING,
        "sso:DeleteAccountAssignment",
        "sso:DescribeAccountAssignmentCreationStatus",
        "sso:DescribeAccountAssignmentDeletionStatus",
        "sso:DescribePermissionSet",
        "sso:ListAccountAssignmentCreationStatus",
        "sso:ListAccountAssignmentDeletionStatus",
        "sso:ListAccountAssignments",
        "sso:ListPermissionSetsProvisionedToAccount",
    ),
    "directory_membership": (
        "identitystore:CreateGroupMembership",
        "identitystore:DeleteGroupMembership",
        "identitystore:DescribeGroup",
        "identitystore:DescribeUser",
        "identitystore:ListGroupMembershipsForMember",
    ),
}
# AWS makes the role of an assignment in the management account with the rights of whoever asks for it:
# https://docs.aws.amazon.com/singlesignon/latest/userguide/iam-auth-access-using-id-policies.html
_RESERVED_ROLES: Final = (
    "iam:AttachRolePolicy",
    "iam:CreateRole",
    "iam:DeleteRole",
    "iam:DeleteRolePolicy",
    "iam:DetachRolePolicy",
    "iam:GetRole",
    "iam:ListAttachedRolePolicies",
    "iam:ListRolePolicies",
    "iam:PutRolePolicy",
    "iam:UpdateRole",
    "iam:UpdateRoleDescription",
)
_RESERVED_PROVIDERS: Final = ("iam:GetSAMLProvider", "iam:UpdateSAMLProvider")
SESSION_POLICY_LIMIT: Final = 2_048  # characters; AWS refuses longer ones


def policy(actions: Iterable[str], roles: Iterable[str] = ()) -> dict[str, Any]:
    """A policy document that allows exactly these actions, for a person to attach to the role.

    ``roles``: ARNs, or patterns of them, that may be assumed; see ``child_roles``.
    """
    statements: list[dict[str, Any]] = []
    if asked := sorted(set(actions)):
        statements.append({"Effect": "Allow", "Action": asked, "Resource": "*"})
    if assumed := sorted(set(roles)):
        statements.append({"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": assumed})
    return {"Version": "2012-10-17", "Statement": statements}


def in_management(partition: str) -> tuple[dict[str, Any], ...]:
    """The statements that assigning permission sets in the management account itself takes beyond assigning them."""
    arn = f"arn:{partition}:iam::*"
    return (
        {
            "Effect": "Allow",
            "Action": list(_RESERVED_ROLES),
            "Resource": f"{arn}:role/aws-reserved/sso.amazonaws.com/*",
        },
        {
            "Effect": "Allow",
            "Action": list(_RESERVED_PROVIDERS),
            "Resource": f"{arn}:saml-provider/AWSSSO_*_DO_NOT_DELETE",
        },
        {"Effect": "Allow", "Action": "iam:ListPolicies", "Resource": "*"},
    )


def child_roles(connector: Connector, partition: str | None = None) -> tuple[str, ...]:
    """The child roles of every account of an organization, as patterns of ARNs; none without an organization."""
    if not connector.organizations:
        return ()
    overrides = connector.account_overrides.values()
    names = {connector.child_role_name, *(each.role_name for each in overrides if each.role_name)}
    return tuple(sorted(_any_account(partition or connector.partition, _literal(name)) for name in names))


def session_policy(actions: Iterable[str], roles: Iterable[str] = (), also: Iterable[Mapping[str, Any]] = ()) -> str:
    """The same as the text of a session policy; where naming each role makes it too long, it allows any role.

    ``also``: further statements. Raises ``Invalid`` if it is still longer than AWS takes.
    """
    asked, named, further = tuple(actions), tuple(roles), tuple(also)
    text = _compact(policy(asked, named), further)
    if len(text) > SESSION_POLICY_LIMIT and named:
        text = _compact(policy(asked, (_any_account(named[0].split(":")[1], "*"),)), further)
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


def _compact(document: dict[str, Any], further: tuple[Mapping[str, Any], ...]) -> str:
    whole = document | {"Statement": [*document["Statement"], *further]}
    return json.dumps(whole, separators=(",", ":"))
