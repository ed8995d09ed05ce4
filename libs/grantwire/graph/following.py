"""Derived relations follow the rows that they are derived from, inside the transaction that changed those.

No reader ever sees a relation without its ends, and no crash falls between. Their messages have the same revision,
after those of what they follow; each names the scope that has the relation.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

from grantwire.contracts.changes import SYNC, Change
from grantwire.contracts.ids import TENANT
from grantwire.contracts.resources import Kind, RelationKind
from grantwire.contracts.snapshots import SnapshotSealed
from grantwire.graph import publishing
from grantwire.graph.changes import Entry, Teller
from grantwire.graph.delta import Changes
from grantwire.graph.derived import Moved, directory_user, moved
from grantwire.graph.deriving import Owner, directory, moved_of, realizations, reflections
from grantwire.graph.pool import Connection, Graph
from grantwire.graph.publishing import Cause
from grantwire.graph.renames import Identities, identities
from grantwire.graph.rows import Content
from grantwire.graph.statements import apply as apply_sql
from grantwire.graph.statements import deriving as sql
from grantwire.graph.writing import Writer

# One apply at a time derives relations of a kind, whatever its scope: it must see what the one before committed. Taken
# after the locks of scopes, in this order, and before the revision.
LOCKS: Final = (RelationKind.MIRRORS.value, RelationKind.REALIZED_AS.value)


@dataclass(frozen=True, slots=True)
class Followed:
    """What followed: the messages, and by scope what differs now."""

    entries: list[Entry] = field(default_factory=list)
    changes: list[tuple[Owner, Changes]] = field(default_factory=list)

    @property
    def messages(self) -> list[Change]:
        return [entry.change for entry in self.entries]

    @property
    def counts(self) -> tuple[int, int, int, int]:
        """Rows that came, changed and went; none ever conflicts."""
        found = [changes for _, changes in self.changes]
        return (
            sum(one.inserted for one in found),
            sum(one.changed for one in found),
            sum(one.removed for one in found),
            0,
        )


async def lock_all(connection: Connection) -> None:
    """For whoever is about to move whole scopes: all scopes are locked before."""
    for kind in LOCKS:
        await connection.execute(apply_sql.LOCK, TENANT, kind)


async def lock_with(connection: Connection, seal: SnapshotSealed) -> None:
    """Lock what the rows of the seal's scope follow: a directory's apply removes SCIM users, so an apply of SCIM's must
    not have begun to compare them."""
    if seal.source == "scim":
        await connection.execute(apply_sql.LOCK, TENANT, RelationKind.MIRRORS)


async def without_ended(connection: Connection, seal: SnapshotSealed, content: Content) -> Content:
    """A SCIM reading without the users that the directory no longer has: SCIM may still list one for a while."""
    users = {key: row for key, row in content.nodes.items() if row.kind is Kind.SCIM_USER}
    if seal.source != "scim" or not users:
        return content
    _, ended = await directory(connection, [directory_user(row.native_id) for row in users.values()])
    gone = {key for key, row in users.items() if directory_user(row.native_id) in ended}
    if not gone:
        return content
    nodes = {key: row for key, row in content.nodes.items() if key not in gone}
    edges = {key: row for key, row in content.edges.items() if key[0] not in gone and key[2] not in gone}
    return Content(nodes, edges, content.named)


async def lock_for(connection: Connection, changes: Changes) -> None:
    """Before rows are written that derived relations follow. Of what goes, the name is kept for those that name it
    still: one that another apply derives meanwhile would name nothing. A first load removes nothing, and need not
    wait before it has written."""
    await _lock(connection, moved(changes))


async def follow(connection: Connection, changes: Changes, apply_id: int, first: int, cause: str = SYNC) -> Followed:
    """Let derived relations follow what an apply has written; their messages are numbered from ``first``."""
    return await _follow(connection, moved(changes), identities(changes.nodes), apply_id, first, cause)


async def follow_all(connection: Connection, scope: int, apply_id: int, first: int) -> Followed:
    """The same when all that a scope holds began or ceased to count, or might be wrong."""
    return await _follow(connection, await moved_of(connection, scope), Identities(), apply_id, first)


async def amiss(connection: Connection, scope: int) -> list[str]:
    """The relations of a scope that do not follow from the rows as they are: missing, too many, or changed."""
    what = await moved_of(connection, scope)
    found = [*await reflections(connection, what), *await realizations(connection, what, Identities())]
    return sorted({label for owner, changes in found if owner.id == scope for label in _labels(changes)})


async def put_right(graph: Graph, scope_key: str) -> None:
    """Derive anew what a scope has of such relations, and tell what differs."""
    async with graph.transaction() as connection:
        await connection.execute(apply_sql.LOCK, TENANT, scope_key)
        await lock_all(connection)
        scope = await connection.fetchrow(apply_sql.SCOPE, TENANT, scope_key)
        if scope is None:
            return
        apply_id = await connection.fetchval(apply_sql.NEXT_APPLY)
        followed = await follow_all(connection, scope["id"], apply_id, 0)
        if not followed.entries:
            return
        cause = Cause(apply_id, scope["id"], "repaired", followed.counts, scope["at"])
        revision = await publishing.tell(connection, cause, followed.entries, followed.messages)
        await note(connection, followed, revision)


async def note(connection: Connection, followed: Followed, revision: int) -> None:
    """Let the scopes that have the relations know. After the revision was taken."""
    for owner, changes in followed.changes:
        thinned = bool(changes.nodes.size)
        await connection.execute(sql.FOLLOWED, TENANT, owner.id, changes.growth, thinned, revision)


async def _follow(
    connection: Connection, what: Moved, who: Identities, apply_id: int, first: int, cause: str = SYNC
) -> Followed:
    await _lock(connection, what)
    found = [*await reflections(connection, what), *await realizations(connection, what, who)] if what else []
    return await _write(connection, found, apply_id, first, cause)


async def _lock(connection: Connection, what: Moved) -> None:
    if what.users:
        await connection.execute(apply_sql.LOCK, TENANT, RelationKind.MIRRORS)
    if what.accounts or what.sets:
        await connection.execute(apply_sql.LOCK, TENANT, RelationKind.REALIZED_AS)


async def _write(
    connection: Connection, found: Iterable[tuple[Owner, Changes]], apply_id: int, first: int, cause: str
) -> Followed:
    followed = Followed()
    for owner, changes in found:
        await Writer(connection, owner.id, apply_id, owner.at).write(changes)
        teller = Teller(owner.at, owner.connector, owner.account, owner.key, cause)
        followed.entries.extend(teller.changes(changes, first=first + len(followed.entries)))
        followed.changes.append((owner, changes))
    return followed


def _labels(changes: Changes) -> Iterator[str]:
    yield from (row.label for row in changes.nodes.removed)
    edges = changes.edges
    yield from (row.label for row in (*edges.removed, *edges.added, *(new for _, new in edges.changed)))
