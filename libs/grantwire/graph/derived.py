"""Relations that no snapshot brings, because their ends are told by different scopes: what they follow from. Pure.

``realized_as`` joins a permission set in an account to the role that AWS made of it there; ``mirrors`` joins a user as
SCIM shows it to the same user of the directory. A relation is a row of the scope that has its source.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, NamedTuple
from uuid import UUID

from grantwire.contracts.resources import Kind, Relation, RelationKind
from grantwire.graph.delta import Changes
from grantwire.graph.rows import Edge, Node

RESERVED: Final = "/aws-reserved/sso.amazonaws.com/"
# Below that the instance's region, but for us-east-1; a set's name, at most 32 characters, and a suffix without
# meaning: 64 characters at most, which IAM allows, so no name is ever cut.
# https://docs.aws.amazon.com/singlesignon/latest/userguide/referencingpermissionsets.html
_PATH: Final = re.compile(re.escape(RESERVED) + r"(?:[a-z0-9-]+/)?")
_NAME: Final = re.compile(r"AWSReservedSSO_([A-Za-z0-9_+=,.@-]{1,32})_[0-9a-f]{16}")
_SCIM: Final = "scim:"
_OWNERS: Final = ("assignments/", "scim/")


class Pair(NamedTuple):
    """A permission set in an account, by its native id, and what the set is called."""

    native_id: str
    set_name: str


class Role(NamedTuple):
    """A role of an account. ``created_at`` is RFC 3339, None where AWS did not say."""

    native_id: str
    account: str
    name: str
    path: str
    created_at: str | None


@dataclass(frozen=True, slots=True)
class Moved:
    """Of what derived relations follow from, what came, went or changed: accounts in which a permission set or its role
    did, permission sets by id, and directory users by native id, of the directory or as SCIM shows them."""

    accounts: frozenset[str] = frozenset()
    sets: frozenset[UUID] = frozenset()
    users: frozenset[str] = frozenset()

    def __bool__(self) -> bool:
        return bool(self.accounts or self.sets or self.users)


def set_named(name: str, path: str) -> str | None:
    """The name of the permission set that a role was made of; None for any other role. The suffix has a fixed length,
    so a name with underscores, or one that ends like a suffix, is read right."""
    found = _NAME.fullmatch(name) if _PATH.fullmatch(path) else None
    return found[1] if found else None


def realized_as(pairs: Sequence[Pair], roles: Iterable[Role]) -> list[Relation]:
    """Which role each permission set is in its account.

    Where several roles fit, the one made last is it: AWS makes a role when it finds none of its own, so whatever was
    left behind is older. Made at the same time, or nobody knows when: no relation, rather than a guess. Nor is there
    one for two sets of one name in one account: they are of two instances, which a role's name does not tell apart.
    """
    made: defaultdict[tuple[str, str], list[Role]] = defaultdict(list)
    for each in roles:
        if (name := set_named(each.name, each.path)) is not None:
            made[each.account, name].append(each)
    places = Counter((account_of(pair.native_id), pair.set_name) for pair in pairs)
    found = []
    for pair in pairs:
        place = account_of(pair.native_id), pair.set_name
        role = _last(made[place]) if places[place] == 1 else None
        if role is not None:
            ends = pair.native_id, Kind.PROVISIONED_PERMISSION_SET, role.native_id, Kind.IAM_ROLE
            found.append(Relation(RelationKind.REALIZED_AS, *ends))
    return found


def has_derived(scope: str) -> bool:
    """Whether a scope of this key can have derived relations."""
    return scope.startswith(_OWNERS)


def mirrors(user: str) -> Relation:
    """A user as SCIM shows it, and the same user of the directory: SCIM gives it the directory's id."""
    return Relation(RelationKind.MIRRORS, scim_user(user), Kind.SCIM_USER, user, Kind.IDENTITY_USER)


def scim_user(user: str) -> str:
    """The native id under which SCIM's side of a directory user is kept."""
    return f"{_SCIM}{user}"


def directory_user(native_id: str) -> str:
    """The directory user that a SCIM user's native id names."""
    return native_id.removeprefix(_SCIM)


def account_of(pair: str) -> str:
    """The account of a permission set in an account, ``<account>/<permission set ARN>``."""
    return pair.partition("/")[0]


def moved(changes: Changes) -> Moved:
    """What of a scope's changes derived relations may have to follow. A role that was merely used, or a user who has a
    new title, is none of it."""
    nodes, edges = changes.nodes, changes.edges
    rows = [*nodes.removed, *nodes.added, *(row for pair in nodes.renamed for row in pair)]
    rows += [row for pair in nodes.changed if _said(pair[0]) != _said(pair[1]) for row in pair]
    links = [*edges.removed, *edges.added]
    return Moved(
        frozenset({*_accounts(rows), *(account_of(link.source) for link in links if _of_pair(link))}),
        frozenset(row.key for row in rows if row.kind is Kind.PERMISSION_SET),
        frozenset({*_users(rows), *(link.target for link in links if link.kind is RelationKind.MIRRORS)}),
    )


def _last(roles: list[Role]) -> Role | None:
    if len(roles) == 1:
        return roles[0]
    if not roles or any(role.created_at is None for role in roles):
        return None
    dated = sorted(((datetime.fromisoformat(role.created_at or ""), role) for role in roles), reverse=True)
    return dated[0][1] if dated[0][0] != dated[1][0] else None


def _said(row: Node) -> tuple[Any, ...]:
    return row.name, row.account, row.attributes.get("path"), row.attributes.get("created_at")


def _accounts(rows: Iterable[Node]) -> Iterator[str]:
    for row in rows:
        if row.kind is Kind.PROVISIONED_PERMISSION_SET:
            yield account_of(row.native_id)
        elif row.kind is Kind.IAM_ROLE and row.account and set_named(row.name, row.attributes.get("path") or ""):
            yield row.account


def _users(rows: Iterable[Node]) -> Iterator[str]:
    for row in rows:
        if row.kind is Kind.IDENTITY_USER:
            yield row.native_id
        elif row.kind is Kind.SCIM_USER:
            yield directory_user(row.native_id)


def _of_pair(link: Edge) -> bool:
    return link.kind in (RelationKind.INSTANCE_OF, RelationKind.REALIZED_AS)
