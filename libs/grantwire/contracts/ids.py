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
ACCOUNT_ID: Final = re.compile(r"[0-9]{12}")


def iam_scope(account: AccountId) -> ScopeKey:
    """The scope that holds all of one account's IAM."""
    return ScopeKey(f"iam/{account}")


def organization_scope(organization: str) -> ScopeKey:
    """The scope that holds an organization: its root, units and accounts. ``organization`` is its id, ``o-…``."""
    return ScopeKey(f"organization/{organization}")


def scope_account(scope: ScopeKey) -> AccountId | None:
    """The account a scope belongs to, or None where its key names something else."""
    tail = scope.rpartition("/")[2]
    return AccountId(tail) if ACCOUNT_ID.fullmatch(tail) else None
