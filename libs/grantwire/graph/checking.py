"""Whether the stored rows are still those that were applied: `grantwire db check`.

Each row is held against its own id and hash, and all rows of a scope against the digest that was noted when they were
applied. The digest of the body itself cannot be computed again: what a scope merely mentions is shared with others.
Derived relations are held against the rows that they follow from, and put right at once.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias
from uuid import UUID

import asyncpg

from grantwire.contracts.ids import TENANT
from grantwire.contracts.resources import Resource
from grantwire.graph import following, identity
from grantwire.graph.derived import has_derived
from grantwire.graph.outages import repeated
from grantwire.graph.pool import Connection, Graph
from grantwire.graph.rows import node_of
from grantwire.graph.statements import apply as apply_sql
from grantwire.graph.statements import checking as sql
from grantwire.graph.stored import KINDS, RELATIONS

_ROWS: Final = 2_000  # fetched at a time
_EXACT: Final = 10**16  # floats from here on are written with an exponent
_Edge: TypeAlias = tuple[UUID, int, UUID]


@dataclass(frozen=True, slots=True)
class Finding:
    """A scope whose rows are not those that were applied. ``row`` names the first damaged one; None when each row is
    sound and some are too many or missing. ``damaged`` counts them. ``repaired``: the next run reads the scope whole
    and writes what differs; derived relations are right already."""

    scope: str
    connector: str
    row: str | None
    damaged: int
    repaired: bool
    text: str


@dataclass(slots=True)
class _Damage:
    """What was found in one scope."""

    scope: str
    connector: str
    nodes: list[UUID] = field(default_factory=list)
    edges: list[_Edge] = field(default_factory=list)
    derived: list[str] = field(default_factory=list)  # relations that there should or should not be
    first: str | None = None
    whole: bool = True  # the rows add up to what was noted

    def note(self, label: str) -> None:
        self.first = self.first or label

    def __bool__(self) -> bool:
        return bool(self.derived or self.of_reading)

    @property
    def of_reading(self) -> bool:
        """Whether only another reading can put it right."""
        return bool(self.nodes or self.edges or not self.whole)


async def check(graph: Graph, *, repair: bool = False) -> list[Finding]:
    """Compare every scope, retired ones too, by key. With ``repair`` the next run of each damaged scope reads it whole.
    Raises ``DependencyDown``."""
    async with graph.connection() as connection:
        scopes = [row["id"] for row in await connection.fetch(sql.SCOPES, TENANT)]
    findings = []
    for scope in scopes:
        damage = await _look(graph, scope)
        if damage:
            if repair:
                await _repair(graph, damage)
            findings.append(_finding(damage, repair))
    return findings


async def _look(graph: Graph, scope: int) -> _Damage | None:
    """One scope in one unchanging state. None: it was purged a moment ago."""
    async with graph.transaction(snapshot=True) as connection:
        said = await connection.fetchrow(sql.SCOPE, TENANT, scope)
        if said is None:
            return None
        damage = _Damage(said["key"], said["connector"])
        rows = [*await _nodes(connection, scope, damage), *await _edges(connection, scope, damage)]
        damage.derived = await following.amiss(connection, scope) if has_derived(damage.scope) else []
    if said["digest"] is not None and said["rows_digest"] is not None:
        damage.whole = identity.rows_digest(rows) == said["rows_digest"]
    return damage


async def _nodes(connection: Connection, scope: int, damage: _Damage) -> list[tuple[UUID, UUID]]:
    rows = []
    async for row in connection.cursor(sql.NODES, TENANT, scope, prefetch=_ROWS):
        rows.append((row["id"], row["hash"]))
        if not _is_sound(row):
            damage.nodes.append(row["id"])
            kind = KINDS.get(row["kind"])
            damage.note(f"{kind.value if kind else row['kind']} {row['native_id']}")
    return rows


async def _edges(connection: Connection, scope: int, damage: _Damage) -> list[tuple[UUID, int, UUID, UUID]]:
    rows = []
    async for row in connection.cursor(sql.EDGES, TENANT, scope, prefetch=_ROWS):
        rows.append((row["src"], row["kind"], row["dst"], row["hash"]))
        named = row["source_named"] and row["target_named"]
        if not (named and row["kind"] in RELATIONS and _has_hash(row, ())):
            damage.edges.append((row["src"], row["kind"], row["dst"]))
    if damage.edges and damage.first is None:
        damage.note(await _label(connection, damage.edges[0]))
    return rows


def _is_sound(row: asyncpg.Record) -> bool:
    """Whether a resource's id, hash and lineage follow from its content."""
    kind = KINDS.get(row["kind"])
    if kind is None:
        return False
    true = node_of(Resource(kind, row["native_id"], row["account"], row["name"], row["attributes"]), TENANT)
    return (true.key, true.lineage) == (row["id"], row["lineage"]) and _has_hash(row, (row["account"], row["name"]))


def _has_hash(row: asyncpg.Record, names: tuple[str | None, ...]) -> bool:
    return any(identity.content_hash(names, said) == row["hash"] for said in _as_sent(row["attributes"]))


def _as_sent(attributes: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """What may have been sent: Postgres writes very large numbers without an exponent; they come back as integers."""
    yield attributes
    yield _with_floats(attributes)


def _with_floats(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _with_floats(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_with_floats(item) for item in value]
    large = isinstance(value, int) and abs(value) >= _EXACT
    return float(value) if large and float(value) == value else value


async def _label(connection: Connection, edge: _Edge) -> str:
    source, kind, target = edge
    rows = await connection.fetch(apply_sql.NAMES, TENANT, [source, target])
    names = {row["id"]: row["native_id"] for row in rows}
    word = RELATIONS[kind].value if kind in RELATIONS else kind
    return f"{word} {names.get(source, source)} -> {names.get(target, target)}"


async def _repair(graph: Graph, damage: _Damage) -> None:
    if damage.derived:
        await repeated(lambda: following.put_right(graph, damage.scope))
    if damage.of_reading:
        await _read_again(graph, damage)


async def _read_again(graph: Graph, damage: _Damage) -> None:
    async with graph.transaction() as connection:
        await connection.execute(apply_sql.LOCK, TENANT, damage.scope)
        await connection.execute(sql.READ_WHOLE, TENANT, damage.scope)
        await connection.execute(sql.SPOIL_NODES, TENANT, damage.nodes)
        columns = [[edge[part] for edge in damage.edges] for part in range(3)]
        await connection.execute(sql.SPOIL_EDGES, TENANT, *columns)


def _finding(damage: _Damage, repaired: bool) -> Finding:
    count, first = len(damage.nodes) + len(damage.edges), damage.first
    said = []
    if first:
        said.append(f"{count} rows of {damage.scope} are not what was applied, {first} the first of them.")
    elif not damage.whole:
        said.append(
            f"Each row of {damage.scope} is sound, but rows were added, deleted or replaced since they were applied."
        )
    if damage.of_reading:
        step = "The next run reads the scope whole."
        said.append(step if repaired else "Have it read again: `grantwire db check --repair`.")
    said += _of_derived(damage, repaired)
    row = first or (damage.derived[0] if damage.derived else None)
    return Finding(damage.scope, damage.connector, row, count + len(damage.derived), repaired, " ".join(said))


def _of_derived(damage: _Damage, repaired: bool) -> list[str]:
    if not damage.derived:
        return []
    what = f"{len(damage.derived)} derived relations of {damage.scope} do not follow from the rows, {damage.derived[0]}"
    step = "They were derived anew." if repaired else "Have them derived anew: `grantwire db check --repair`."
    return [f"{what} the first of them. {step}"]
