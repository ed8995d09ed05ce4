"""Patches: what a reading after a write shows, part by part, and what of it is new. Pure.

A part is one relation kind of one holder, as one AWS list call gives it: all there is, absence included.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal
from uuid import UUID

from grantwire.contracts.failures import Malformed
from grantwire.contracts.ids import TENANT
from grantwire.contracts.resources import Facts, Kind, Relation, RelationKind, Resource
from grantwire.graph.delta import Changes
from grantwire.graph.identity import node_id
from grantwire.graph.rows import Content, Edge, EdgeKey, Named, Node, content_of, edge_of, end_of

_PAIR: Final = Kind.PROVISIONED_PERMISSION_SET
# Which kinds of policy a list of attached ones gives: there is one call for each.
_OF: Final = {RelationKind.ATTACHED: (Kind.IAM_POLICY, Kind.INLINE_POLICY)}
_HOLDERS: Final = {
    RelationKind.MEMBER_OF: (Kind.IAM_USER, Kind.IDENTITY_USER),
    RelationKind.ATTACHED: (Kind.IAM_USER, Kind.IAM_GROUP, Kind.IAM_ROLE),
    RelationKind.ASSIGNED: (_PAIR,),
}


@dataclass(frozen=True, slots=True)
class Part:
    """``holder``, by kind and native id, is the user of ``member_of``, the target of ``attached`` and ``assigned``.
    ``of`` is the kind of policy for ``attached``, and None for the others."""

    relation: RelationKind
    holder: tuple[Kind, str]
    of: Kind | None = None

    @property
    def holder_id(self) -> UUID:
        return node_id(TENANT, *self.holder)

    def has(self, edge: Edge) -> bool:
        """Whether a relation is of this part."""
        return is_of(edge, self.relation, self.holder_id, self.of)

    def __str__(self) -> str:
        what = f"{self.relation} {self.of}" if self.of else self.relation
        return f"{what} of {self.holder[0]} {self.holder[1]}"


@dataclass(frozen=True, slots=True)
class PartRead:
    """``relations`` are all of the part there is. ``resources`` and ``gone`` are what the reading shows to exist or to
    be gone besides: a provisioned pair with its assignments, inline policies with their holder. ``mentions`` are shared
    identities that the relations name. What a pair is an instance of, and where it is, follows from its native id."""

    part: Part
    relations: tuple[Relation, ...]
    resources: tuple[Resource, ...] = ()
    gone: tuple[tuple[Kind, str], ...] = ()
    mentions: tuple[Resource, ...] = ()

    @property
    def gone_ids(self) -> set[UUID]:
        return {node_id(TENANT, *key) for key in self.gone}

    @property
    def shown_ids(self) -> set[UUID]:
        return {node_id(TENANT, row.kind, row.native_id) for row in self.resources}


@dataclass(frozen=True, slots=True)
class Patch:
    """``fence`` is the sequence of a begin that was published after the write and before this reading. ``cause`` stands
    in the changes: ``command <id>``."""

    scope: str
    connector: str
    fence: int
    read_began_at: datetime
    cause: str
    parts: tuple[PartRead, ...]


@dataclass(frozen=True, slots=True)
class Patched:
    """What a patch did. ``revision`` is where a reader sees the parts as they are now (after ``older`` that is what a
    later reading said); None where nothing of the scope counts yet, or any more. Derived relations are not counted."""

    outcome: Literal["applied", "unchanged", "older", "unknown_scope", "retired"]
    revision: int | None
    inserted: int = 0
    changed: int = 0
    removed: int = 0


@dataclass(frozen=True, slots=True)
class Stored:
    """What a scope holds of some parts, with the resources of the scope that are their holders or their ends."""

    nodes: Mapping[UUID, Node]
    edges: Mapping[EdgeKey, Edge]

    def of(self, relation: RelationKind, holder: UUID, of: Kind | None) -> dict[EdgeKey, Edge]:
        return {key: row for key, row in self.edges.items() if is_of(row, relation, holder, of)}


def holding_end(edge: Edge) -> UUID:
    """The end of a relation whose part it is of."""
    return edge.key[0] if edge.kind is RelationKind.MEMBER_OF else edge.key[2]


def is_of(edge: Edge, relation: RelationKind, holder: UUID, of: Kind | None) -> bool:
    """Whether a relation is of the part of this holder."""
    return edge.kind is relation and holding_end(edge) == holder and of in (None, edge.source_kind)


def content(patch: Patch) -> Content:
    """All rows that a patch brings. Raises ``Malformed`` when it says two things about one row, or a reading something
    that its part does not show."""
    for read in patch.parts:
        _verify(read)
    if len({read.part for read in patch.parts}) < len(patch.parts):
        raise Malformed(f"The patch of {patch.scope} by {patch.cause} reads one part twice.")
    resources = [row for read in patch.parts for row in read.resources]
    relations = [row for read in patch.parts for row in (*read.relations, *_of_pairs(read.resources))]
    mentions = [row for read in patch.parts for row in read.mentions]
    return content_of(Facts(tuple(resources), tuple(relations), tuple(mentions)), TENANT)


def named(read: PartRead, ends: Iterable[tuple[Kind, str]]) -> list[Named]:
    """What a reading names without owning it, and these ends of relations."""
    found = {end_of(*key, TENANT).key: end_of(*key, TENANT) for key in ends}
    found |= {row.key: row for row in content_of(Facts(read.resources, read.relations, read.mentions), TENANT).named}
    return [row for _, row in sorted(found.items())]


def changes_of(reads: Iterable[PartRead], stored: Stored) -> Changes:
    """What these readings change of what is stored. A resource that is there already stays as it is: a list shows that
    it exists, and not what it is like."""
    changes = Changes()
    for read in reads:
        rows = content_of(Facts(read.resources, read.relations), TENANT)
        old = stored.of(read.part.relation, read.part.holder_id, read.part.of)
        new = _as_known(rows.edges, old)
        changes.edges.added += [row for key, row in new.items() if key not in old]
        changes.edges.changed += [
            (old[key], row) for key, row in new.items() if key in old and old[key].hash != row.hash
        ]
        changes.edges.removed += [row for key, row in old.items() if key not in new]
        _resources(changes, read, rows, stored)
    return changes


def inside(reads: Iterable[PartRead], edges: Iterable[EdgeKey]) -> set[UUID]:
    """The resources that exist only where these relations attach them: IAM keeps an inline policy inside its holder."""
    holders = {read.part.holder_id for read in reads if read.part.of is Kind.INLINE_POLICY}
    return {key[0] for key in edges if key[1] is RelationKind.ATTACHED and key[2] in holders}


def _resources(changes: Changes, read: PartRead, rows: Content, stored: Stored) -> None:
    came = [row for key, row in rows.nodes.items() if key not in stored.nodes]
    links = [edge_of(link, TENANT) for link in _of_pairs(read.resources)]
    changes.nodes.added += came
    changes.edges.added += [row for row in links if row.key not in stored.edges]
    gone = read.gone_ids
    gone |= inside([read], (row.key for row in changes.edges.removed if read.part.has(row)))
    went = [stored.nodes[key] for key in sorted(gone & stored.nodes.keys())]
    known = {row.key for row in changes.edges.removed}
    changes.nodes.removed += went
    changes.edges.removed += [row for key, row in stored.edges.items() if key not in known and gone & {key[0], key[2]}]


def _as_known(new: Mapping[EdgeKey, Edge], old: Mapping[EdgeKey, Edge]) -> dict[EdgeKey, Edge]:
    """With assignments as they are stored of principals that were deleted: the list does not tell that they were."""
    deleted = {row.source: row for row in old.values() if row.source_kind is Kind.EXTERNAL_PRINCIPAL}
    rows = (deleted.get(row.source, row) for row in new.values())
    return {row.key: row for row in rows}


def _of_pairs(resources: Iterable[Resource]) -> Iterator[Relation]:
    for row in resources:
        if row.kind is _PAIR:
            account, _, permission_set = row.native_id.partition("/")
            yield Relation(RelationKind.PROVISIONED_TO, row.native_id, _PAIR, account, Kind.ACCOUNT)
            yield Relation(RelationKind.INSTANCE_OF, row.native_id, _PAIR, permission_set, Kind.PERMISSION_SET)


def _verify(read: PartRead) -> None:
    part = read.part
    if part.holder[0] not in _HOLDERS.get(part.relation, ()) or part.of not in _OF.get(part.relation, (None,)):
        raise Malformed(f"There is no part {part}: no single list call shows it.")
    for row in read.relations:
        if not part.has(edge_of(row, TENANT)):
            raise Malformed(f"A reading of {part} cannot show {row.kind} {row.source} -> {row.target}.")
    shown = [(row.kind, row.native_id) for row in read.resources]
    for key in (*shown, *read.gone):
        if not _shows(part, *key):
            raise Malformed(f"A reading of {part} cannot show whether {key[0]} {key[1]} exists.")
    named = {end for row in read.relations for end in ((row.source_kind, row.source), (row.target_kind, row.target))}
    if both := {*shown, *named} & set(read.gone):
        raise Malformed(f"A reading of {part} says that {min(both)[1]} exists and that it is gone.")


def _shows(part: Part, kind: Kind, native_id: str) -> bool:
    """Whether a list of this part shows that such a resource exists or not."""
    if part.of is Kind.INLINE_POLICY:
        return kind is Kind.INLINE_POLICY and native_id.startswith(f"{part.holder[1]}#")
    return part.relation is RelationKind.ASSIGNED and (kind, native_id) == part.holder
