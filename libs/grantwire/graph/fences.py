"""Part fences: what a whole reading may say about parts that a command changed meanwhile. Pure.

A reading that began before the patch says nothing about its part, neither of what is there nor of what is not. One that
began later is believed, unless it contradicts the patch while AWS may still answer from before the write: then the fact
is *disputed*, and stays as the patch said. See docs/decisions/0013-part-fences.md.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

from grantwire.contracts.resources import Kind, RelationKind
from grantwire.graph.coverage import Coverage
from grantwire.graph.parts import Stored, holding_end, is_of
from grantwire.graph.rows import Content, Edge, EdgeKey, Node

DISPUTABLE_FOR: Final = timedelta(minutes=2)  # after a patch, by the database's clock
CLOCKS_DIFFER: Final = timedelta(seconds=10)  # a collector's and the database's, at most
_NAMED: Final = 3  # facts that a reason names


@dataclass(frozen=True, slots=True)
class Fence:
    """A part that a patch brought. ``fresh``: AWS may have answered the reading from before the write. ``disputed``: a
    reading that began later contradicted it already."""

    relation: RelationKind
    holder: UUID
    of: Kind | None
    began: int
    cause: str
    patched_at: datetime
    disputed: bool
    fresh: bool

    @property
    def decided_at(self) -> datetime:
        """From when on a reading that begins is believed, whatever it says."""
        return self.patched_at + DISPUTABLE_FOR

    def has(self, edge: Edge) -> bool:
        return is_of(edge, self.relation, self.holder, self.of)


@dataclass(frozen=True, slots=True)
class Dispute:
    """A fence that a later reading contradicts, and what that reading said: ``lacks member_of …``."""

    fence: Fence
    said: list[str]


@dataclass(frozen=True, slots=True)
class Amended:
    """A reading without what it must not say. ``late`` are the fences that it is older than."""

    content: Content
    late: list[Fence]
    disputes: list[Dispute]

    def overlaps(self, last_read: int) -> bool:
        """Whether it cannot be known which was read later: this reading was still asking AWS when a patch began."""
        return any(fence.began <= last_read for fence in self.late)

    def sentence(self) -> str:
        """For a person: what is disputed, and when it is decided."""
        said = [words for dispute in self.disputes for words in dispute.said]
        causes = sorted({dispute.fence.cause for dispute in self.disputes})
        until = max(dispute.fence.decided_at for dispute in self.disputes)
        more = f" and {len(said) - _NAMED} more" if len(said) > _NAMED else ""
        return (
            f"Disputed: the last reading {', '.join(said[:_NAMED])}{more}, unlike the reading right after the write of "
            f"{', '.join(causes)}. It stays as that one said; a reading that begins after "
            f"{until.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC decides, and one was asked for."
        )


@dataclass(slots=True)
class _Difference:
    """How a reading differs from what is stored of one part. ``came`` and ``went`` are resources that the part's own
    list shows: a provisioned pair, inline policies."""

    extra: list[Edge] = field(default_factory=list)
    missing: list[Edge] = field(default_factory=list)
    changed: list[Edge] = field(default_factory=list)  # as stored
    came: list[Node] = field(default_factory=list)
    went: list[Node] = field(default_factory=list)

    def said(self) -> list[str]:
        """What the reading says, in words."""
        shown = [row.label for row in self.extra] + [row.label for row in self.came]
        lacking = [row.label for row in self.missing] + [row.label for row in self.went]
        found = [f"shows {label}" for label in shown] + [f"lacks {label}" for label in lacking]
        return found + [f"says something else of {row.label}" for row in self.changed]


def amended(content: Content, began: int, coverage: Coverage, fences: Sequence[Fence], stored: Stored) -> Amended:
    """The reading that began at ``began``, as far as it counts."""
    work = _Amending(content, coverage, stored, {fence.holder for fence in fences})
    late, disputes = [], []
    for fence in fences:
        found = work.difference(fence)
        if fence.began > began:
            late.append(fence)
            work.hold(found)
            work.keep(fence.holder)
        elif fence.fresh and (said := (doubtful := work.doubtful(fence, found)).said()):
            disputes.append(Dispute(fence, said))
            work.hold(doubtful)
    return Amended(Content(work.nodes, work.edges, content.named), late, disputes)


def inside(content: Content, fences: Sequence[Fence]) -> set[UUID]:
    """The inline policies that the reading shows in the parts."""
    holders = {fence.holder for fence in fences if fence.of is Kind.INLINE_POLICY}
    found = (row for row in content.edges.values() if row.source_kind is Kind.INLINE_POLICY) if holders else ()
    return {row.key[0] for row in found if row.key[2] in holders}


def absent(content: Content, stored: Stored) -> list[UUID]:
    """The resources of the parts that the reading lacks: were they held, so would be the relations that they need."""
    return sorted(stored.nodes.keys() - content.nodes.keys())


class _Amending:
    def __init__(self, content: Content, coverage: Coverage, stored: Stored, holders: set[UUID]) -> None:
        self._content, self._coverage, self._stored = content, coverage, stored
        self.nodes, self.edges = dict(content.nodes), dict(content.edges)
        self._said = _by_holder(content.edges.values(), holders)
        self._held = _by_holder(stored.edges.values(), holders)

    def difference(self, fence: Fence) -> _Difference:
        said = {row.key: row for row in self._said[fence.holder] if fence.has(row)}
        mine = {row.key: row for row in self._held[fence.holder] if fence.has(row)}
        found = _Difference(
            extra=[row for key, row in said.items() if key not in mine],
            missing=[row for key, row in mine.items() if key not in said and self._coverage.whole(row)],
            # Not by their hashes: `db check --repair` spoils those.
            changed=[row for key, row in mine.items() if key in said and said[key].attributes != row.attributes],
        )
        self._resources(fence, found, mine)
        return found

    def _resources(self, fence: Fence, found: _Difference, mine: Mapping[EdgeKey, Edge]) -> None:
        if fence.relation is RelationKind.ASSIGNED:  # somebody is assigned to it, so it is there
            shown, held = set() if mine else {fence.holder}, {fence.holder}
        elif fence.of is Kind.INLINE_POLICY:
            shown, held = {row.key[0] for row in found.extra}, {row.key[0] for row in found.missing}
        else:
            return
        here, stored = self._content.nodes, self._stored.nodes
        found.came = [here[key] for key in sorted(shown) if key in here and key not in stored]
        lacking = [stored[key] for key in sorted(held) if key in stored and key not in here]
        found.went = [row for row in lacking if self._coverage.whole(row)]

    def doubtful(self, fence: Fence, found: _Difference) -> _Difference:
        """The part of a difference that only a reading from before the write explains. What is gone because one of its
        ends is gone is none of it, nor is a pair that the patch left without assignments."""
        own = {row.key for row in found.went}
        missing = [row for row in found.missing if not any(self._is_gone(end) for end in _ends(row) - own)]
        kept = {end for row in missing for end in _ends(row)}
        went = [row for row in found.went if row.key in kept]
        return _Difference(found.extra, missing, found.changed, found.came, went)

    def _is_gone(self, key: UUID) -> bool:
        row = self._stored.nodes.get(key)
        return row is not None and key not in self._content.nodes and self._coverage.whole(row)

    def hold(self, found: _Difference) -> None:
        """Leave the part as it is stored."""
        for row in found.extra:
            self.edges.pop(row.key, None)
        for node in found.came:
            self._drop(node.key)
        for node in found.went:
            self._restore(node)
        for row in found.missing:
            for end in sorted(_ends(row)):
                if self._is_gone(end):
                    self._restore(self._stored.nodes[end])
        self.edges |= {row.key: row for row in (*found.missing, *found.changed)}

    def keep(self, pair: UUID) -> None:
        """What is known of a pair that both have. Of other holders the reading tells more than the part."""
        row = self._stored.nodes.get(pair)
        if row is not None and row.kind is Kind.PROVISIONED_PERMISSION_SET and pair in self.nodes:
            self.nodes[pair] = row

    def _drop(self, key: UUID) -> None:
        """A resource, with its relations."""
        self.nodes.pop(key, None)
        for edge in [edge for edge in self.edges if key in (edge[0], edge[2])]:
            del self.edges[edge]

    def _restore(self, node: Node) -> None:
        """A resource, with those of its relations of which the other end is there."""
        self.nodes[node.key] = node
        for key, row in self._stored.edges.items():
            if node.key in _ends(row) and all(end in self.nodes or end not in self._stored.nodes for end in _ends(row)):
                self.edges.setdefault(key, row)


def _by_holder(rows: Iterable[Edge], holders: set[UUID]) -> Mapping[UUID, list[Edge]]:
    found: defaultdict[UUID, list[Edge]] = defaultdict(list)
    for row in rows:
        if (end := holding_end(row)) in holders:
            found[end].append(row)
    return found


def _ends(row: Edge) -> set[UUID]:
    return {row.key[0], row.key[2]}
