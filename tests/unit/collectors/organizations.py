"""Organizations' answers for tests, short to write."""

from datetime import UTC, datetime
from typing import Any

from grantwire.aws.organizations.shapes import Account, Organization, Unit
from grantwire.collectors.organization.answers import Answers, Tree

ID = "o-abc123"
MANAGER, MEMBER, OTHER = "111122223333", "444455556666", "777788889999"
ROOT = "r-ab12"
SERVICE = "sso.amazonaws.com"
THE = Organization(id=ID, arn=f"arn:of:{ID}", management_account=MANAGER, feature_set="ALL")


def unit(id: str, name: str = "Unit") -> Unit:
    return Unit(id=id, arn=f"arn:of:{id}", name=name)


def account(id: str, **more: Any) -> Account:
    given = {"name": f"n{id[0]}", "email": f"{id}@x.org", "state": "ACTIVE", "joined_method": "CREATED"}
    joined = datetime(2024, 1, 2, 3, 4, 5, 678_000, tzinfo=UTC)
    return Account(**{"id": id, "arn": f"arn:of:{id}", "joined_at": joined, **given, **more})


def tree(**but: Any) -> Tree:
    """The manager under the root, the member under one unit of two."""
    whole: dict[str, Any] = {
        "roots": (unit(ROOT, "Root"),),
        "units": {ROOT: (unit("ou-1"),), "ou-1": (unit("ou-2"),), "ou-2": ()},
        "accounts": {ROOT: (account(MANAGER),), "ou-1": (account(MEMBER),), "ou-2": ()},
    }
    return Tree(**{**whole, **but})


def answers(**but: Any) -> Answers:
    whole: dict[str, Any] = {
        "organization": THE,
        "tree": tree(),
        "accounts": (account(MANAGER), account(MEMBER)),
        "services": {MEMBER: (SERVICE,)},
    }
    return Answers(**{**whole, **but})
