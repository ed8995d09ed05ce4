"""Access keys for the tests: what the credentials scope of an account holds."""

from typing import Any

from grantwire.contracts.resources import Facts, Kind, Relation, RelationKind, Resource, facet
from grantwire.graph import Graph
from tests.integration.graph.centers import ScopeBus
from tests.integration.graph.scenes import account_node, facts, link

COVERS = ["access_key", "owns", "iam_user", "contains", "facet"]


def key(id: str, account: str, created_at: str | None, used: str | None = None, **more: Any) -> Resource:
    """An active key; ``used`` is when it was last used, None for never."""
    service = {"last_used_service": "s3", "last_used_region": "eu-west-1"} if used else {}
    told = {"status": "Active", "created_at": created_at, "last_used_at": used, **service, **more}
    return Resource(Kind.ACCESS_KEY, id, account, id, told)


def without_use(id: str, account: str, created_at: str) -> Resource:
    """A key whose last use nobody could read."""
    return Resource(Kind.ACCESS_KEY, id, account, id, {"status": "Active", "created_at": created_at})


def owns(owner: Resource, key: Resource) -> Relation:
    return link(RelationKind.OWNS, owner, key)


def reported(user: Resource, *, console: bool, mfa: bool) -> Resource:
    """What the credential report adds to a user."""
    return facet(
        "credentials", Kind.IAM_USER, user.native_id, user.account, {"console_access": console, "mfa_active": mfa}
    )


def root_of(account: str, *, mfa: bool) -> Resource:
    told = {"is_root": True, "mfa_active": mfa, "console_access": None, "password_last_used": None}
    return Resource(Kind.IAM_USER, f"arn:aws:iam::{account}:root", account, "root", told)


def held(account: str, *rows: Resource, by: tuple[Relation, ...] = ()) -> Facts:
    return facts(rows, by, [account_node(account)])


def bus(graph: Graph, account: str, connector: str = "prod") -> ScopeBus:
    return ScopeBus(graph, connector, account, covers=COVERS, key=f"credentials/{account}", of="credentials")
