"""What a snapshot may say: which kinds it holds completely, and which attributes it could not read."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from grantwire.contracts.resources import Kind, RelationKind, facet_of
from grantwire.contracts.snapshots import SnapshotSealed
from grantwire.graph.rows import Edge, Node, Row, with_attributes


@dataclass(slots=True)
class Kept:
    """What stays as last known because this snapshot says nothing about it: how many rows, and of how many rows an
    attribute (``iam_user.tags``)."""

    rows: Counter[str] = field(default_factory=Counter)
    attributes: Counter[str] = field(default_factory=Counter)

    def __bool__(self) -> bool:
        return bool(self.rows or self.attributes)

    def sentence(self, plan: str) -> str:
        """For a person: what is older than the rest, and what to do."""
        parts = [f"{name} of {count}" for name, count in sorted(self.attributes.items())]
        parts += [f"{count} {name}" for name, count in sorted(self.rows.items())]
        return (
            f"Kept from an earlier reading, because the plan {plan!r} could not read it this time: {', '.join(parts)}. "
            "Give the connector role the missing permissions and sync again."
        )

    def note(self, row: Node | Edge) -> None:
        """A row that stays."""
        if isinstance(row, Node) and row.kind is Kind.FACET:
            self.attributes.update(f"{_told_kind(row)}.{name}" for name in row.attributes)
        else:
            self.rows[row.kind.value] += 1


@dataclass(frozen=True, slots=True)
class Coverage:
    """``complete`` names resource and relation kinds; ``unread`` maps a kind to its attributes that were not read."""

    complete: frozenset[str]
    unread: Mapping[str, frozenset[str]]

    @classmethod
    def of(cls, seal: SnapshotSealed) -> "Coverage":
        unread: dict[str, set[str]] = {}
        for item in seal.unread:
            kind, dot, attribute = item.what.partition(".")
            if dot:
                unread.setdefault(kind, set()).add(attribute)
        return cls(frozenset(seal.covers), {kind: frozenset(names) for kind, names in unread.items()})

    def whole(self, row: Node | Edge) -> bool:
        """Whether the snapshot holds all rows like this one, so that it is gone if absent.

        What an account contains is only known of the kinds that were listed.
        """
        if isinstance(row, Edge) and row.kind is RelationKind.CONTAINS and row.target_kind not in self.complete:
            return False
        return row.kind in self.complete

    def carried(self, old: Row, new: Row, tenant: int, kept: Kept) -> Row:
        """``new`` with the attributes that only ``old`` knows because this plan cannot read them."""
        names = self.unread.get(_told_kind(new), frozenset()) & old.attributes.keys() - new.attributes.keys()
        if not names:
            return new
        kept.attributes.update(f"{_told_kind(new)}.{name}" for name in names)
        return with_attributes(new, {**new.attributes, **{name: old.attributes[name] for name in names}}, tenant)


def _told_kind(row: Node | Edge) -> str:
    """The kind that a row's attributes are of: a facet's are those of the resource that it is about."""
    return facet_of(row.name)[0].value if isinstance(row, Node) and row.kind is Kind.FACET else row.kind.value
