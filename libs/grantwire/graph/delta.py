"""What one snapshot changes: what subscribers hear and what is written are two readings of the same value."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Generic

from grantwire.contracts.resources import Kind
from grantwire.graph.rows import Edge, Node, Row


@dataclass(slots=True)
class Delta(Generic[Row]):
    """What happens to the rows of one table."""

    removed: list[Row] = field(default_factory=list)
    renamed: list[tuple[Row, Row]] = field(default_factory=list)  # old, new
    added: list[Row] = field(default_factory=list)
    changed: list[tuple[Row, Row]] = field(default_factory=list)  # old, new

    @property
    def recreated(self) -> set[Any]:
        """Keys that end and begin: the same name, another thing."""
        return {row.key for row in self.removed} & {row.key for row in self.added}

    @property
    def closing(self) -> dict[Any, Row]:
        """The versions that end."""
        ended = list(self.removed)
        ended += [old for pairs in (self.renamed, self.changed) for old, _ in pairs]
        return {row.key: row for row in ended}

    @property
    def opening(self) -> dict[Any, Row]:
        """The versions that begin."""
        begun = list(self.added)
        begun += [new for pairs in (self.renamed, self.changed) for _, new in pairs]
        return {row.key: row for row in begun}

    @property
    def size(self) -> int:
        return len(self.removed) + len(self.renamed) + len(self.added) + len(self.changed)

    def only(self, wanted: Callable[[Row], bool]) -> "Delta[Row]":
        """The part of it that is about some rows."""
        return Delta(
            [row for row in self.removed if wanted(row)],
            [pair for pair in self.renamed if wanted(pair[1])],
            [row for row in self.added if wanted(row)],
            [pair for pair in self.changed if wanted(pair[1])],
        )

    def without_removals(self, unwanted: Callable[[Row], bool]) -> None:
        """Keep rows that would have been removed, unless another takes their place."""
        reopened = self.opening.keys()
        self.removed = [row for row in self.removed if not unwanted(row) or row.key in reopened]

    def without_additions(self, refused: set[Any]) -> None:
        """Forget rows that another scope turned out to own; a rename onto one of them is a removal."""
        self.added = [row for row in self.added if row.key not in refused]
        self.removed += [old for old, new in self.renamed if new.key in refused]
        self.renamed = [pair for pair in self.renamed if pair[1].key not in refused]


@dataclass(frozen=True, slots=True)
class Differences(Generic[Row]):
    """The stored rows of a scope against those of a snapshot, by key alone."""

    added: dict[Any, Row]
    changed: dict[Any, tuple[Row, Row]]
    gone: dict[Any, Row]


@dataclass(slots=True)
class Changes:
    """Everything one snapshot changes."""

    nodes: Delta[Node] = field(default_factory=lambda: Delta[Node]())
    edges: Delta[Edge] = field(default_factory=lambda: Delta[Edge]())

    @property
    def resources(self) -> Delta[Node]:
        """The changes of rows that are resources."""
        return self.nodes.only(lambda row: row.kind is not Kind.FACET)

    @property
    def facets(self) -> Delta[Node]:
        """The changes of rows that are attributes of a resource of another scope."""
        return self.nodes.only(lambda row: row.kind is Kind.FACET)

    @property
    def size(self) -> int:
        return self.nodes.size + self.edges.size

    @property
    def inserted(self) -> int:
        return len(self.resources.added) + len(self.edges.added)

    @property
    def changed(self) -> int:
        """A facet that comes or goes changes a resource."""
        return self.facets.size + sum(len(delta.changed) + len(delta.renamed) for delta in (self.resources, self.edges))

    @property
    def removed(self) -> int:
        return len(self.resources.removed) + len(self.edges.removed)

    @property
    def growth(self) -> int:
        """How many more resources and relations there are."""
        return sum(len(delta.opening) - len(delta.closing) for delta in (self.resources, self.edges))
