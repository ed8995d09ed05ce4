"""The removal guard: which of the things that a complete snapshot lacks may really be removed now."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Final
from uuid import UUID

from grantwire.contracts.resources import Kind, RelationKind
from grantwire.graph.delta import Changes
from grantwire.graph.identity import content_hash
from grantwire.graph.rows import Edge, EdgeKey

FREE: Final = 20  # so many removals of a kind never wait
SHARE: Final = 0.10  # nor does this share of a kind
SMALL: Final = 5  # a kind with fewer rows may become empty


@dataclass(frozen=True, slots=True)
class Loss:
    """What a kind had in the scope, and how many of those the snapshot lacks."""

    before: int
    lost: int


@dataclass(frozen=True, slots=True)
class Held:
    """Removals that wait for a person. ``fingerprint`` names exactly these rows: a confirmation is for them alone."""

    losses: Mapping[str, Loss]
    nodes: Mapping[UUID, Kind]
    edges: frozenset[EdgeKey]
    fingerprint: UUID

    @property
    def rows(self) -> int:
        return len(self.nodes) + len(self.edges)

    def counts(self) -> dict[str, dict[str, int]]:
        """The losses as they are stored."""
        return {kind: asdict(loss) for kind, loss in self.losses.items()}

    def sentence(self) -> str:
        return (
            f"{self.rows} removals wait for confirmation, because the last reading lacks "
            f"{losses_in_words(self.counts())}. Additions and changes were applied. See `grantwire removals list`."
        )


def losses_in_words(losses: Mapping[str, Mapping[str, int]]) -> str:
    """``30 of 100 iam_user, 10 of 10 member_of``."""
    return ", ".join(f"{loss['lost']} of {loss['before']} {kind}" for kind, loss in sorted(losses.items()))


def held_losses(before: Mapping[str, int], lost: Mapping[str, int], gained: Mapping[str, int]) -> dict[str, Loss]:
    """The kinds that lose too much at once: more than 20 and more than a tenth, or from five or more to none."""
    return {
        kind: Loss(before.get(kind, 0), count)
        for kind, count in lost.items()
        if count > max(FREE, SHARE * before.get(kind, 0))
        or (before.get(kind, 0) >= SMALL and before.get(kind, 0) - count + gained.get(kind, 0) <= 0)
    }


def hold_back(changes: Changes, before: Mapping[str, int], allowed: UUID | None) -> Held | None:
    """Take the removals that must wait out of ``changes``, with relations and inline policies of what stays.

    ``before`` counts the scope's rows by kind. ``allowed`` is the set a person confirmed: exactly that set passes.
    Facets never wait: they are attributes.
    """
    losses = held_losses(before, _counts(_vanished(changes)), _counts(_appeared(changes)))
    if not losses:
        return None
    again = changes.nodes.opening.keys()
    staying = {row.key: row.kind for row in changes.nodes.removed if row.kind in losses and row.key not in again}
    staying |= _embedded(changes, staying)
    relations = frozenset(
        row.key
        for row in changes.edges.removed
        if not losses.keys().isdisjoint(_names(row)) or row.key[0] in staying or row.key[2] in staying
    ) - frozenset(changes.edges.opening)
    if not staying and not relations:
        return None
    held = Held(losses, staying, relations, fingerprint_of(staying, relations))
    if held.fingerprint == allowed:
        return None
    changes.nodes.without_removals(lambda row: row.key in staying)
    changes.edges.without_removals(lambda row: row.key in relations)
    return held


def _embedded(changes: Changes, staying: Mapping[UUID, Kind]) -> dict[UUID, Kind]:
    """Inline policies that vanish with a holder that stays: IAM keeps them inside it, so they are as doubtful as it."""
    inside = {row.key[0] for row in changes.edges.removed if row.key[2] in staying}
    return {
        row.key: row.kind
        for row in changes.nodes.removed
        if row.kind == Kind.INLINE_POLICY and row.key in inside and row.key not in changes.nodes.opening
    }


def fingerprint_of(nodes: Iterable[UUID], edges: Iterable[EdgeKey]) -> UUID:
    """Names exactly these rows."""
    names = sorted(map(str, nodes)) + sorted(f"{source} {kind} {target}" for source, kind, target in edges)
    return content_hash(names, {})


def _vanished(changes: Changes) -> Iterable[str]:
    nodes, edges = changes.nodes.opening, changes.edges.opening
    yield from (row.kind for row in changes.resources.removed if row.key not in nodes)
    yield from (name for row in changes.edges.removed if row.key not in edges for name in _names(row))


def _appeared(changes: Changes) -> Iterable[str]:
    nodes, edges = changes.nodes.closing, changes.edges.closing
    yield from (row.kind for row in changes.resources.added if row.key not in nodes)
    yield from (name for row in changes.edges.added if row.key not in edges for name in _names(row))


def _names(row: Edge) -> tuple[str, ...]:
    """As which kinds the loss of a relation counts."""
    return (row.kind, attached_as(row.source_kind)) if row.kind is RelationKind.ATTACHED else (row.kind,)


def attached_as(policy: Kind) -> str:
    """What attachments of one kind of policy are called: calls of their own tell them in a permission set, so that one
    of them may suddenly be empty."""
    return f"{RelationKind.ATTACHED} {policy}"


def _counts(kinds: Iterable[str]) -> Counter[str]:
    return Counter(kinds)
