"""Which derived relations there should be by the rows as they are, and how that differs from those there are.

Reads only. Whoever goes by it to write holds ``following.LOCKS``; whoever only looks reads one unchanging state.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import asyncpg

from grantwire.contracts.ids import TENANT, AccountId, assignments_scope
from grantwire.contracts.resources import DERIVED, KIND_CODES, RELATION_CODES, Kind, Relation, RelationKind
from grantwire.graph import identity
from grantwire.graph.compare import Comparison
from grantwire.graph.coverage import Coverage
from grantwire.graph.delta import Changes, Delta
from grantwire.graph.derived import (
    RESERVED,
    Moved,
    Pair,
    Role,
    directory_user,
    mirrors,
    moved,
    realized_as,
    scim_user,
)
from grantwire.graph.identity import node_id
from grantwire.graph.pool import Connection
from grantwire.graph.renames import Identities
from grantwire.graph.rows import Content, Edge, EdgeKey, Node, edge_of
from grantwire.graph.statements import deriving as sql
from grantwire.graph.stored import differences, edges_from, node_from

_PAIRS: Final = (
    RELATION_CODES[RelationKind.INSTANCE_OF],
    KIND_CODES[Kind.PROVISIONED_PERMISSION_SET],
    KIND_CODES[Kind.PERMISSION_SET],
)
_KINDS: Final = [
    KIND_CODES[kind]
    for kind in (
        *(Kind.IAM_ROLE, Kind.PERMISSION_SET, Kind.PROVISIONED_PERMISSION_SET),
        *(Kind.IDENTITY_USER, Kind.SCIM_USER),
    )
]
_DAMAGED: Final = UUID(int=0)  # a hash that no content has
_WHOLE: Final = Coverage(frozenset(kind.value for kind in DERIVED), {})


@dataclass(frozen=True, slots=True)
class Owner:
    """A scope that has derived relations. ``at`` is the database's time, later than any earlier apply's."""

    id: int
    key: str
    connector: str
    account: str | None
    at: datetime


@dataclass(slots=True)
class _Found:
    """Of one scope, what it should have and what it has; SCIM users whose directory user ended should not be there."""

    wanted: list[Relation] = field(default_factory=list)
    stored: dict[EdgeKey, Edge] = field(default_factory=dict)
    ended: list[Node] = field(default_factory=list)


async def moved_of(connection: Connection, scope: int) -> Moved:
    """The same as ``moved``, of all that a scope holds."""
    rows = [node_from(record) for record in await connection.fetch(sql.NODES_OF, TENANT, scope, _KINDS)]
    stored: dict[EdgeKey, Edge] = {}
    for kind in DERIVED:
        records = await connection.fetch(sql.STORED_OF, TENANT, RELATION_CODES[kind], [scope])
        stored |= await edges_from(connection, records)
    return moved(Changes(Delta(added=rows), Delta(added=list(stored.values()))))


async def realizations(connection: Connection, what: Moved, who: Identities) -> list[tuple[Owner, Changes]]:
    """What differs of ``realized_as``, by scope. ``who`` says which roles were renamed or recreated meanwhile."""
    accounts = what.accounts
    if what.sets:
        rows = await connection.fetch(sql.ACCOUNTS_WITH, TENANT, list(what.sets), *_PAIRS[:2])
        accounts |= {row["account"] for row in rows}
    keys = [assignments_scope(AccountId(account)) for account in accounts]
    owners = _owners(await connection.fetch(sql.OWNERS_CALLED, TENANT, keys)) if keys else {}
    if not owners:
        return []
    found = await _stored(connection, sql.STORED_OF, RelationKind.REALIZED_AS, list(owners))
    pairs = await connection.fetch(sql.PAIRS, TENANT, list(owners), *_PAIRS)
    scopes = {row["native_id"]: row["scope_id"] for row in pairs}
    roles = await _roles(connection, accounts) if pairs else []
    for relation in realized_as([Pair(row["native_id"], row["set_name"]) for row in pairs], roles):
        found[scopes[relation.source]].wanted.append(relation)
    return list(_differences(owners, found, who))


async def reflections(connection: Connection, what: Moved) -> list[tuple[Owner, Changes]]:
    """What differs of ``mirrors``, by scope, with the SCIM users that end with their directory user."""
    if not what.users:
        return []
    ids = {node_id(TENANT, Kind.SCIM_USER, scim_user(user)): user for user in what.users}
    found = await _stored(connection, sql.STORED_FROM, RelationKind.MIRRORS, list(ids))
    records = await connection.fetch(sql.SCIM_USERS, TENANT, list(ids))
    seen = [(record["scope_id"], node_from(record)) for record in records]
    live, ended = await directory(connection, [directory_user(row.native_id) for _, row in seen])
    for scope, row in seen:
        user = directory_user(row.native_id)
        if user in live:
            found[scope].wanted.append(mirrors(user))
        elif user in ended:
            found[scope].ended.append(row)
    owners = _owners(await connection.fetch(sql.OWNERS, TENANT, list(found))) if found else {}
    return list(_differences(owners, found, Identities()))


async def directory(connection: Connection, users: Iterable[str]) -> tuple[set[str], set[str]]:
    """Which of these directory users count, and which have ended. Those that were never seen are neither."""
    ids = {node_id(TENANT, Kind.IDENTITY_USER, user): user for user in users}
    rows = await connection.fetch(sql.USERS, TENANT, list(ids)) if ids else []
    return {ids[row["id"]] for row in rows if row["live"]}, {ids[row["id"]] for row in rows if row["ended"]}


async def _stored(
    connection: Connection, statement: str, kind: RelationKind, of: Sequence[Any]
) -> defaultdict[int, _Found]:
    records = await connection.fetch(statement, TENANT, RELATION_CODES[kind], of)
    scopes = {(record["src"], record["dst"]): record["scope_id"] for record in records}
    found: defaultdict[int, _Found] = defaultdict(_Found)
    for key, edge in (await edges_from(connection, records)).items():
        sound = identity.content_hash((), edge.attributes) == edge.hash
        found[scopes[key[0], key[2]]].stored[key] = edge if sound else replace(edge, hash=_DAMAGED)
    return found


async def _roles(connection: Connection, accounts: Iterable[str]) -> list[Role]:
    rows = await connection.fetch(sql.ROLES, TENANT, list(accounts), KIND_CODES[Kind.IAM_ROLE], RESERVED)
    return [Role(**row) for row in rows]


def _owners(rows: Iterable[asyncpg.Record]) -> dict[int, Owner]:
    return {row["id"]: Owner(**row) for row in rows}


def _differences(
    owners: Mapping[int, Owner], found: Mapping[int, _Found], who: Identities
) -> Iterator[tuple[Owner, Changes]]:
    """The scopes of which something differs, by key."""
    for id, owner in owners.items():
        if id in found:
            changes = Changes(Delta(removed=found[id].ended), _relations(found[id], who))
            if changes.nodes.size or changes.edges.size:
                yield owner, changes


def _relations(found: _Found, who: Identities) -> Delta[Edge]:
    """Relations of a role that was renamed go with it; those of one that was recreated end and begin."""
    wanted = {edge.key: edge for edge in (edge_of(relation, TENANT) for relation in found.wanted)}
    comparison = Comparison(Content({}, wanted, []), _WHOLE, TENANT)
    comparison.identities = who
    stored, ids = found.stored, who.touched
    touched = {key: edge for key, edge in stored.items() if key[0] in ids or key[2] in ids}
    differing = [key for key in stored.keys() | wanted.keys() if _hash(stored, key) != _hash(wanted, key)]
    return comparison.edges(differences(sorted(differing), stored, wanted), touched)


def _hash(edges: Mapping[EdgeKey, Edge], key: EdgeKey) -> UUID | None:
    return edges[key].hash if key in edges else None
