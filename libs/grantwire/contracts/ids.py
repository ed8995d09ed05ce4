"""Names for the things that are only text, so that one cannot be passed for another."""

import re
from typing import Final, NewType

AccountId = NewType("AccountId", str)  # 12 digits; text, because AWS ids have leading zeros
ConnectorId = NewType("ConnectorId", str)  # [a-z0-9-], chosen by the person who adds it
ScopeKey = NewType("ScopeKey", str)  # "<source>/<account or other native id>", never the connector
RunId = NewType("RunId", str)  # UUID text
SnapshotId = NewType("SnapshotId", str)  # UUID text
Revision = NewType("Revision", int)  # commit order of one tenant's graph

TENANT: Final = 1  # one tenant per installation for now; every key carries it already
CONNECTOR_ID: Final = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
TEAM: Final = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")  # whose service sends commands
OPERATORS: Final = "operators"  # the team of people: what the api sends on their behalf
ITSELF: Final = "grantwire"  # the team of what the provisioner asks of itself
ACCOUNT_ID: Final = re.compile(r"[0-9]{12}")
_SCIM_TENANT: Final = re.compile(r"https?://[^/]+/([A-Za-z0-9-]+)/scim/v2/?")


def iam_scope(account: AccountId) -> ScopeKey:
    """The scope that holds all of one account's IAM."""
    return ScopeKey(f"iam/{account}")


def organization_scope(organization: str) -> ScopeKey:
    """The scope that holds an organization: its root, units and accounts. ``organization`` is its id, ``o-…``."""
    return ScopeKey(f"organization/{organization}")


def credentials_scope(account: AccountId) -> ScopeKey:
    """The scope that holds one account's access keys and what its credential report tells."""
    return ScopeKey(f"credentials/{account}")


def directory_users_scope(identity_store: str) -> ScopeKey:
    """The scope of the users of a directory. ``identity_store`` is its id, ``d-…``."""
    return ScopeKey(f"directory_users/{identity_store}")


def directory_groups_scope(identity_store: str) -> ScopeKey:
    """The scope of the groups of a directory."""
    return ScopeKey(f"directory_groups/{identity_store}")


def directory_memberships_scope(identity_store: str) -> ScopeKey:
    """The scope of who is in which group of a directory."""
    return ScopeKey(f"directory_memberships/{identity_store}")


def permission_sets_scope(instance_arn: str) -> ScopeKey:
    """The scope of all permission sets of an Identity Center instance, ``arn:…:sso:::instance/ssoins-…``."""
    return ScopeKey(f"permission_sets/{instance_arn.rpartition('/')[2]}")


def assignments_scope(account: AccountId) -> ScopeKey:
    """The scope of what is provisioned in one account, and who is assigned to it."""
    return ScopeKey(f"assignments/{account}")


def scim_scope(endpoint: str) -> ScopeKey:
    """The scope of the users that a SCIM endpoint shows: by the tenant in its path, which is not the secret, or else
    by host and path."""
    found = _SCIM_TENANT.fullmatch(endpoint)
    return ScopeKey(f"scim/{found[1] if found else endpoint.rpartition('://')[2].rstrip('/')}")


def scope_account(scope: ScopeKey) -> AccountId | None:
    """The account a scope belongs to, or None where its key names something else."""
    tail = scope.rpartition("/")[2]
    return AccountId(tail) if ACCOUNT_ID.fullmatch(tail) else None
