"""Who is who over time: AWS's unique ids tell a rename from a removal, and a recreation from a change."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from uuid import UUID

from grantwire.contracts.resources import Kind
from grantwire.graph.delta import Delta, Differences
from grantwire.graph.rows import EdgeKey, Node, Row


@dataclass(frozen=True, slots=True)
class Identities:
    """``renamed`` maps an old id to the new one; at a ``replaced`` id another thing now has the same native id."""

    renamed: dict[UUID, UUID] = field(default_factory=dict)
    replaced: frozenset[UUID] = frozenset()

    @property
    def touched(self) -> set[UUID]:
        """Ids at which a thing left or arrived without its row merely being added, changed or removed."""
        return {*self.renamed, *self.renamed.values(), *self.replaced}

    def moved(self, key: EdgeKey) -> EdgeKey | None:
        """The relation's key after the renames, or None when one of its ends is no longer the same thing."""
        source, target = self._moved_end(key[0]), self._moved_end(key[2])
        return (source, key[1], target) if source is not None and target is not None else None

    def _moved_end(self, end: UUID) -> UUID | None:
        if end in self.renamed:
            return self.renamed[end]
        return None if end in self.replaced else end


def recognise(found: Differences[Node]) -> Identities:
    """Find what was renamed and what was recreated. A thing without a unique id is its native id."""
    replaced = frozenset(key for key, (old, new) in found.changed.items() if is_another(old, new))
    left = _by_unique_id((*found.gone.values(), *(found.changed[key][0] for key in replaced)))
    came = _by_unique_id((*found.added.values(), *(found.changed[key][1] for key in replaced)))
    renamed = {left[unique].key: came[unique].key for unique in left.keys() & came.keys()}
    for key in sorted(_cycle_breakers(renamed)):
        del renamed[key]
    return Identities(renamed, replaced)


def identities(delta: Delta[Node]) -> Identities:
    """The same of what came of it, after removals were held back and rows refused."""
    renamed = {old.key: new.key for old, new in delta.renamed}
    left = {*(row.key for row in delta.removed), *renamed}
    came = {*(row.key for row in delta.added), *renamed.values()}
    return Identities(renamed, frozenset(left & came))


def is_another(old: Node, new: Node) -> bool:
    """Whether two rows of one native id are two things. Not reading a unique id is no evidence of another thing."""
    return old.unique_id is not None and new.unique_id is not None and old.unique_id != new.unique_id


def in_order(renames: Iterable[tuple[Row, Row]]) -> list[tuple[Row, Row]]:
    """Renames such that each one's new name is free when its turn comes."""
    pending = {old.key: (old, new) for old, new in renames}
    ordered: list[tuple[Row, Row]] = []
    while pending:
        chain = [pending.pop(next(iter(pending)))]
        while (taken := chain[-1][1].key) in pending:
            chain.append(pending.pop(taken))
        ordered += reversed(chain)
    return ordered


def _by_unique_id(rows: Iterable[Node]) -> dict[tuple[Kind, str], Node]:
    return {(row.kind, row.unique_id): row for row in rows if row.unique_id is not None}


def _cycle_breakers(renamed: dict[UUID, UUID]) -> set[UUID]:
    """One member of each ring of swapped names: it is told as removed and added, or no order could tell the ring."""
    seen: set[UUID] = set()
    breakers: set[UUID] = set()
    for start in renamed:
        path: list[UUID] = []
        step: UUID | None = start
        while step is not None and step not in seen:
            seen.add(step)
            path.append(step)
            step = renamed.get(step)
        if step in path:
            breakers.add(min(path[path.index(step) :]))
    return breakers
