"""The cheapest read of each permission that can be tried without knowing a name, and what the permission is for."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from grantwire.aws.credentials.reader import UNREADY
from grantwire.aws.places import place_of
from grantwire.aws.session import AwsSession
from grantwire.contracts.connectors import Connector
from grantwire.contracts.identity_center import IdentityCenter

Ask: TypeAlias = Callable[[AwsSession], Awaitable[Any]]


@dataclass(frozen=True, slots=True)
class Probe:
    """``why`` is a sentence; ``well`` are AWS's codes that mean that the permission is there all the same."""

    action: str
    why: str
    ask: Ask
    required: bool = True
    well: frozenset[str] = frozenset()


def iam(connector: Connector) -> Sequence[Probe]:
    """What is read of IAM in the connector's own account."""
    return (*_IAM, *((_ALIASES,) if connector.organizations else ()))


def identity_center(center: IdentityCenter, account: str) -> Sequence[Probe]:
    """What can be tried of an instance besides finding it, which lists its permission sets."""
    place, arn, store = place_of(center), center.instance_arn, center.identity_store
    return (
        Probe(
            "identitystore:ListUsers",
            "Users of the directory can be read.",
            lambda session: session.identity_store(
                "identitystore:ListUsers", place, lambda api: api.list_users(IdentityStoreId=store, MaxResults=1)
            ),
        ),
        Probe(
            "identitystore:ListGroups",
            "Groups of the directory can be read.",
            lambda session: session.identity_store(
                "identitystore:ListGroups", place, lambda api: api.list_groups(IdentityStoreId=store, MaxResults=1)
            ),
        ),
        Probe(
            "sso:ListPermissionSetsProvisionedToAccount",
            "What is provisioned in an account can be read.",
            lambda session: session.sso_admin(
                "sso:ListPermissionSetsProvisionedToAccount",
                place,
                lambda api: api.list_permission_sets_provisioned_to_account(
                    InstanceArn=arn, AccountId=account, MaxResults=1
                ),
            ),
        ),
    )


_IAM: Final = (
    Probe(
        "iam:ListUsers",
        "Users can be read.",
        lambda session: session.iam("iam:ListUsers", lambda api: api.list_users(MaxItems=1)),
    ),
    Probe(
        "iam:ListRoles",
        "Roles and whom they trust can be read.",
        lambda session: session.iam("iam:ListRoles", lambda api: api.list_roles(MaxItems=1)),
    ),
    Probe(
        "iam:GetAccountAuthorizationDetails",
        "Everything about users, groups, roles and policies can be read at once.",
        lambda session: session.iam(
            "iam:GetAccountAuthorizationDetails", lambda api: api.get_account_authorization_details(MaxItems=1)
        ),
        required=False,
    ),
    Probe(
        "iam:ListGroups",
        "Groups can be read one by one, should reading all at once not work.",
        lambda session: session.iam("iam:ListGroups", lambda api: api.list_groups(MaxItems=1)),
        required=False,
    ),
)
_ALIASES: Final = Probe(
    "iam:ListAccountAliases",
    "The account's alias can be read.",
    lambda session: session.iam("iam:ListAccountAliases", lambda api: api.list_account_aliases(MaxItems=1)),
    required=False,
)
CREDENTIALS: Final = (
    Probe(
        "iam:GetCredentialReport",
        "The credential report can be read.",
        lambda session: session.iam("iam:GetCredentialReport", lambda api: api.get_credential_report()),
        required=False,
        well=UNREADY,
    ),
)
ORGANIZATION: Final = (
    Probe(
        "organizations:ListAccounts",
        "Accounts can be listed.",
        lambda session: session.organizations(
            "organizations:ListAccounts", lambda api: api.list_accounts(MaxResults=1)
        ),
    ),
    Probe(
        "organizations:ListDelegatedAdministrators",
        "Delegated administrators can be read.",
        lambda session: session.organizations(
            "organizations:ListDelegatedAdministrators", lambda api: api.list_delegated_administrators(MaxResults=1)
        ),
        required=False,
    ),
)
