"""The graph's rows as values, and the rows of one snapshot."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias, TypeVar
from uuid import UUID

from grantwire.contracts.failures import Malformed
from grantwire.contracts.resources import (
    DERIVED,
    RELATION_CODES,
    Facts,
    Kind,
    Relation,
    RelationKind,
    Resource,
    facet_of,
)
from grantwire.graph import identity

EdgeKey: TypeAlias = tuple[UUID, RelationKind, UUID]


@dataclass(frozen=True, slots=True)
class Node:
    """A resource, with its id. ``hash`` covers what the key does not: account, name, attributes."""

    key: UUID
    kind: Kind
    native_id: str
    account: str | None
    name: str
    attributes: Mapping[str, Any]
    lineage: UUID
    hash: UUID

    @property
    def unique_id(self) -> str | None:
        return identity.unique_id(self.attributes)

    @property
    def label(self) -> str:
        if self.kind is Kind.FACET:
            kind, native_id = facet_of(self.name)
            return f"{', '.join(sorted(self.attributes))} of {kind} {native_id}"
        return f"{self.kind} {self.native_id}"


@dataclass(frozen=True, slots=True)
class Edge:
    """A relation, with the ids and the names of its ends. ``hash`` covers the attributes."""

    key: EdgeKey
    kind: RelationKind
    source: str
    source_kind: Kind
    target: str
    target_kind: Kind
    attributes: Mapping[str, Any]
    hash: UUID

    @property
    def label(self) -> str:
        return f"{self.kind} {self.source} -> {self.target}"


@dataclass(frozen=True, slots=True)
class Named:
    """Something that a scope names without owning it. ``mentioned`` ones are resources, others only names of ends."""

    key: UUID
    kind: Kind
    native_id: str
    account: str | None
    name: str
    attributes: Mapping[str, Any]
    mentioned: bool


@dataclass(frozen=True, slots=True)
class Content:
    """What one snapshot says."""

    nodes: dict[UUID, Node]
    edges: dict[EdgeKey, Edge]
    named: list[Named]

    def rows_digest(self) -> str:
        """What the scope's rows must add up to when they are exactly these."""
        edges = ((src, RELATION_CODES[kind], dst, row.hash) for (src, kind, dst), row in self.edges.items())
        return identity.rows_digest([*((row.key, row.hash) for row in self.nodes.values()), *edges])


Row = TypeVar("Row", Node, Edge)


def content_of(facts: Facts, tenant: int) -> Content:
    """The rows of a snapshot. Raises ``Malformed`` when it says two things about one key, or what is derived."""
    nodes = _unique(node_of(resource, tenant) for resource in facts.resources)
    edges = _unique(edge_of(relation, tenant) for relation in facts.relations)
    for edge in edges.values():
        if edge.kind in DERIVED:
            raise Malformed(
                f"The snapshot brings {edge.label}, which is derived and not read; is the collector of another version?"
            )
    named = {row.key: row for row in (_named(resource, tenant, True) for resource in facts.mentions)}
    for edge in edges.values():
        if edge.key[0] not in nodes and edge.key[0] not in named:
            named[edge.key[0]] = end_of(edge.source_kind, edge.source, tenant)
        if edge.key[2] not in nodes and edge.key[2] not in named:
            named[edge.key[2]] = end_of(edge.target_kind, edge.target, tenant)
    return Content(nodes, edges, [row for key, row in sorted(named.items()) if key not in nodes])


def node_of(resource: Resource, tenant: int) -> Node:
    return Node(
        identity.node_id(tenant, resource.kind, resource.native_id),
        resource.kind,
        resource.native_id,
        resource.account,
        resource.name,
        resource.attributes,
        identity.lineage(tenant, resource.kind, resource.native_id, resource.attributes),
        identity.content_hash((resource.account, resource.name), resource.attributes),
    )


def edge_of(relation: Relation, tenant: int) -> Edge:
    source = identity.node_id(tenant, relation.source_kind, relation.source)
    target = identity.node_id(tenant, relation.target_kind, relation.target)
    return Edge(
        (source, relation.kind, target),
        relation.kind,
        relation.source,
        relation.source_kind,
        relation.target,
        relation.target_kind,
        relation.attributes,
        identity.content_hash((), relation.attributes),
    )


def with_attributes(row: Row, attributes: Mapping[str, Any], tenant: int) -> Row:
    """The same thing with other attributes."""
    if isinstance(row, Node):
        return node_of(Resource(row.kind, row.native_id, row.account, row.name, attributes), tenant)
    return edge_of(Relation(row.kind, row.source, row.source_kind, row.target, row.target_kind, attributes), tenant)


def _unique(rows: Iterable[Row]) -> dict[Any, Row]:
    found: dict[Any, Row] = {}
    for row in rows:
        if found.setdefault(row.key, row).hash != row.hash:
            raise Malformed(f"The snapshot says two different things about {row.label}.")
    return found


def end_of(kind: Kind, native_id: str, tenant: int) -> Named:
    """An end of a relation, of which nothing else is known."""
    return _named(Resource(kind, native_id, None, _short(native_id)), tenant, False)


def _short(native_id: str) -> str:
    return native_id.rpartition("/")[2] or native_id


def _named(resource: Resource, tenant: int, mentioned: bool) -> Named:
    key = identity.node_id(tenant, resource.kind, resource.native_id)
    return Named(
        key, resource.kind, resource.native_id, resource.account, resource.name, dict(resource.attributes), mentioned
    )
