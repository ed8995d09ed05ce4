"""SCIM's answers become the graph's rows, by docs/reference/scim-facts.md. Pure."""

from collections.abc import Iterable

from grantwire.contracts.resources import Facts, Kind, Resource
from grantwire.scim.shapes import ScimUser

USERS = Kind.SCIM_USER.value


def facts_from_users(users: Iterable[ScimUser]) -> Facts:
    """Each user as SCIM shows it. When it was read is told by the graph: rows have no times."""
    return Facts(tuple(map(_user, users)))


def _user(user: ScimUser) -> Resource:
    attributes = {"user_name": user.user_name, "active": user.active, "external_id": user.external_id}
    return Resource(Kind.SCIM_USER, f"scim:{user.id}", None, user.user_name, attributes)
