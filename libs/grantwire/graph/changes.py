"""What subscribers hear about one apply: a message for each changed row, in an order that can be replayed. Pure."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, TypeAlias

from grantwire.contracts import changes as told
from grantwire.contracts import subjects
from grantwire.contracts.outcomes import CommandTold
from grantwire.contracts.resources import Kind, facet_of
from grantwire.contracts.text import canonical
from grantwire.graph.delta import Changes, Delta
from grantwire.graph.facets import NOTHING, Surroundings
from grantwire.graph.renames import in_order
from grantwire.graph.rows import Edge, Node, Row

Counts: TypeAlias = tuple[Mapping[str, int], Mapping[str, int]]  # of resources and of relations, by kind
About: TypeAlias = tuple[str, list[str], Mapping[str, Any]]  # a resource's name, fields of it, and their values
Op: TypeAlias = Literal["i", "u", "d", "r"]  # added, changed, removed, renamed


@dataclass(frozen=True, slots=True)
class Entry:
    """One message and the row it is about; ``previous`` is the version before a change or a rename."""

    change: told.Change
    op: Op
    row: Node | Edge
    previous: Node | Edge | None


@dataclass(frozen=True, slots=True)
class Teller:
    """What all messages of one apply have in common."""

    at: datetime
    connector: str
    account: str | None
    scope: str
    cause: str = told.SYNC

    def loaded(self, changes: Changes) -> told.ScopeLoaded:
        """The one message of a first load."""
        resources, relations = _count(changes.nodes.added), _count(changes.edges.added)
        return told.ScopeLoaded(kind="scope", resources=resources, relations=relations, **self._common(0, self.account))

    def retired(self, why: str, purged_after: datetime, counts: Counts) -> told.ScopeRetired:
        """The one message of a scope's rows that no longer count."""
        return told.ScopeRetired(
            kind="scope", why=why, purged_after=purged_after, **_by_kind(counts), **self._common(0, self.account)
        )

    def returned(self, counts: Counts) -> told.ScopeReturned:
        """The one message of rows that count again."""
        return told.ScopeReturned(kind="scope", **_by_kind(counts), **self._common(0, self.account))

    def facets(self, rows: Iterable[Node], around: Surroundings, *, live: bool) -> Iterator[told.Change]:
        """Messages after the first one, for attributes that come or go with a whole scope."""
        steps = ((row, row.attributes, sorted(row.attributes)) for row in rows if row.name in around.owners)
        for n, (row, values, fields) in enumerate(steps, start=1):
            yield self._facet(n, row, (around.owners[row.name], fields, values if live else {}))

    def changes(self, changes: Changes, around: Surroundings = NOTHING, first: int = 0) -> Iterator["Entry"]:
        """What ends before what begins, resources around their relations: each message can be applied as it comes.
        They are numbered from ``first``."""
        n = first
        for op, make, arguments in self._steps(changes, around):
            change = make(n, *arguments)
            if op == "u" and not change.fields:  # the row was damaged in a way that nobody could see
                continue
            yield Entry(change, op, *_versions(arguments))
            n += 1

    def _steps(self, changes: Changes, around: Surroundings) -> Iterator[tuple[Op, Any, tuple[Any, ...]]]:
        nodes, edges = changes.resources, changes.edges
        again, links_again = nodes.recreated, edges.recreated
        yield from (("d", self._unlinked, (edge, links_again)) for edge in edges.removed)
        yield from (("d", self._removed, (node, again)) for node in nodes.removed)
        yield from (("r", self._renamed, pair) for pair in in_order(nodes.renamed))
        yield from (("i", self._added, (node, (again, around.complete(node)))) for node in nodes.added)
        yield from (("u", self._changed, pair) for pair in nodes.changed)
        yield from ((op, self._facet, (row, about)) for op, row, about in _told_facets(changes.facets, around))
        yield from (("r", self._moved, pair) for pair in in_order(edges.renamed))
        yield from (("i", self._linked, (edge, links_again)) for edge in edges.added)
        yield from (("u", self._altered, pair) for pair in edges.changed)

    def _removed(self, n: int, node: Node, again: set[Any]) -> told.Change:
        return told.ResourceRemoved(**self._resource(n, node), mark=_mark(node, again))

    def _renamed(self, n: int, old: Node, new: Node) -> told.Change:
        return told.ResourceRenamed(
            **self._resource(n, new), previous_native_id=old.native_id, fields=differing(old, new)
        )

    def _added(self, n: int, node: Node, more: tuple[set[Any], dict[str, Any]]) -> told.Change:
        again, attributes = more
        values = told.tellable(attributes)
        return told.ResourceAdded(**self._resource(n, node), mark=_mark(node, again), values=values)

    def _changed(self, n: int, old: Node, new: Node) -> told.Change:
        fields = differing(old, new)
        return told.ResourceChanged(**self._resource(n, new), fields=fields, values=_values(new, fields))

    def _facet(self, n: int, row: Node, about: About) -> told.Change:
        (kind, native_id), (name, fields, values) = facet_of(row.name), about
        known = {field: values[field] for field in fields if field in values}
        which = {"kind": kind.value, "native_id": native_id, "name": name}
        return told.ResourceChanged(**self._common(n, row.account), **which, fields=fields, values=told.tellable(known))

    def _unlinked(self, n: int, edge: Edge, again: set[Any]) -> told.Change:
        return told.RelationRemoved(**self._relation(n, edge), mark=_mark(edge, again))

    def _moved(self, n: int, old: Edge, new: Edge) -> told.Change:
        return told.RelationRenamed(**self._relation(n, new), previous_source=old.source, previous_target=old.target)

    def _linked(self, n: int, edge: Edge, again: set[Any]) -> told.Change:
        values = told.tellable(dict(edge.attributes))
        return told.RelationAdded(**self._relation(n, edge), mark=_mark(edge, again), values=values)

    def _altered(self, n: int, old: Edge, new: Edge) -> told.Change:
        fields = differing(old, new)
        return told.RelationChanged(**self._relation(n, new), fields=fields, values=_values(new, fields))

    def _common(self, n: int, account: str | None) -> dict[str, Any]:
        # The revision is not known yet: it is taken last, and ``body`` puts it in.
        return {
            "revision": 0,
            "n": n,
            "at": self.at,
            "connector": self.connector,
            "account": account,
            "scope": self.scope,
            "cause": self.cause,
        }

    def _resource(self, n: int, node: Node) -> dict[str, Any]:
        return {
            **self._common(n, node.account),
            "kind": node.kind.value,
            "native_id": node.native_id,
            "name": node.name,
        }

    def _relation(self, n: int, edge: Edge) -> dict[str, Any]:
        return {
            **self._common(n, self.account),
            "kind": edge.kind.value,
            "source": edge.source,
            "source_kind": edge.source_kind.value,
            "target": edge.target,
            "target_kind": edge.target_kind.value,
        }


def _told_facets(delta: Delta[Node], around: Surroundings) -> Iterator[tuple[Op, Node, About]]:
    """What facets do to the resources that they are about: what a removed one said is named, without a value."""
    steps: list[tuple[Op, Node, list[str], Mapping[str, Any]]] = [
        *(("d", row, sorted(row.attributes), {}) for row in delta.removed),
        *(("i", row, sorted(row.attributes), row.attributes) for row in delta.added),
        *(("u", new, differing(old, new), new.attributes) for old, new in delta.changed),
    ]
    for op, row, fields, values in steps:
        if row.name in around.owners:
            yield op, row, (around.owners[row.name], fields, values)


def _versions(arguments: tuple[Any, ...]) -> tuple[Node | Edge, Node | Edge | None]:
    first, second = arguments
    return (second, first) if isinstance(second, Node | Edge) else (first, None)


def subject(change: told.Change) -> str:
    """Where subscribers hear it."""
    return subjects.change(change.connector, change.account, change.kind)


def unrevised(change: told.Change | CommandTold) -> bytes:
    """The message's JSON without its revision, so that little is left to do while the revision is locked."""
    return change.model_dump_json(exclude={"revision"}).encode()


def body(unrevised: bytes, revision: int) -> bytes:
    """The message's JSON."""
    return b'{"revision":%d,%s' % (revision, unrevised[1:])


def differing(old: Row, new: Row) -> list[str]:
    """The names of the attributes that differ, and of the resource's own fields."""
    names = {
        name for name in old.attributes.keys() | new.attributes.keys() if _differs(old.attributes, new.attributes, name)
    }
    if isinstance(old, Node) and isinstance(new, Node):
        names |= {name for name in ("name", "account") if getattr(old, name) != getattr(new, name)}
    return sorted(names)


def _differs(old: Mapping[str, Any], new: Mapping[str, Any], name: str) -> bool:
    # As JSON text: to Python, 1, 1.0 and True are equal.
    return (name in old) != (name in new) or canonical(old.get(name)) != canonical(new.get(name))


def _values(row: Row, fields: list[str]) -> dict[str, Any]:
    return told.tellable({name: row.attributes[name] for name in fields if name in row.attributes})


def _mark(row: Row, again: set[Any]) -> told.Mark | None:
    return "recreated" if row.key in again else None


def _count(rows: Iterable[Row]) -> dict[str, int]:
    return dict(sorted(Counter(row.kind.value for row in rows if row.kind is not Kind.FACET).items()))


def _by_kind(counts: Counts) -> dict[str, dict[str, int]]:
    return {name: dict(sorted(found.items())) for name, found in zip(("resources", "relations"), counts, strict=True)}
