"""Who may knock where: the rules that turn relations into steps, and the best trail to each thing. Pure.

Being assigned a permission set in an account is one thing of three: the principal, the set, the account. A trail passes
it as the provisioned permission set, and never as a set or an account alone.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, TypeAlias
from uuid import UUID

from grantwire.contracts.ids import TENANT
from grantwire.contracts.resources import Kind, RelationKind
from grantwire.graph.chains import Effect, better, conditions_of, effect_of, weakest
from grantwire.graph.identity import node_id

PRINCIPALS: Final = (Kind.IAM_USER, Kind.IAM_ROLE)
ANYONE: Final = node_id(TENANT, Kind.EXTERNAL_PRINCIPAL, "*")
_ENTRANCE: Final = (RelationKind.MEMBER_OF, RelationKind.ASSIGNED, RelationKind.REALIZED_AS)
FORWARDS: Final = (*_ENTRANCE, RelationKind.CAN_ASSUME, RelationKind.PROVISIONED_TO)
BACKWARDS: Final = (*_ENTRANCE, RelationKind.CAN_ASSUME)
# Asked for itself, an account or a permission set stands for what is provisioned there or of it. An account that is
# met on the way is a principal that some trust names: who may enter it is another question.
BACKWARDS_FROM_SUBJECT: Final = (*BACKWARDS, RelationKind.PROVISIONED_TO, RelationKind.INSTANCE_OF)
Key: TypeAlias = tuple[UUID, UUID | None]


@dataclass(frozen=True, slots=True)
class Principal:
    """Enough of a resource to know under which names a trust may mean it."""

    id: UUID
    kind: Kind
    native_id: str
    account: str | None

    def names(self) -> list[UUID]:
        """From the most to the least specific: itself, as another account writes it, its account, anyone.

        The relation of a more specific name already takes the statements of the less specific ones into account, so
        only the first that a role has counts.
        """
        itself = [self.id, node_id(TENANT, Kind.EXTERNAL_PRINCIPAL, self.native_id)]
        if self.kind not in PRINCIPALS:
            return itself[:1]
        return [*itself, *account_names(self.account), ANYONE]


@dataclass(frozen=True, slots=True)
class Fact:
    """A stored relation, by ids."""

    source: UUID
    kind: RelationKind
    target: UUID
    attributes: Mapping[str, Any]

    @property
    def effect(self) -> Effect:
        return effect_of(self.attributes)


@dataclass(frozen=True, slots=True)
class Hop:
    """One step of a trail. ``through`` is the account or the anyone whose trust was used, where the fact does not name
    the principal itself."""

    fact: Fact
    arrives: UUID
    through: UUID | None


@dataclass(frozen=True, slots=True)
class Trail:
    """How something is reached; ``effect`` is that of its weakest hop.

    ``pairs`` are the provisioned permission sets that it passes: several where the same holds of each of them. ``way``
    tells apart trails to the same end that a person must know of one by one: by which assignment, into which account
    with which permission set.
    """

    hops: tuple[Hop, ...] = ()
    way: UUID | None = None
    pairs: tuple[UUID, ...] = ()

    @property
    def end(self) -> UUID:
        return self.hops[-1].arrives

    @property
    def key(self) -> Key:
        return (self.end, self.way)

    @property
    def effect(self) -> Effect:
        return weakest(hop.fact.effect for hop in self.hops)

    @property
    def conditions(self) -> list[Any]:
        return [condition for hop in self.hops for condition in conditions_of(hop.fact.attributes)]

    def then(self, hop: Hop) -> "Trail":
        hops, fact = (*self.hops, hop), hop.fact
        match fact.kind:
            case RelationKind.ASSIGNED:
                return Trail(hops, fact.source, (fact.target,))
            case RelationKind.PROVISIONED_TO:
                return Trail(hops, fact.source, (fact.source,))
            case RelationKind.MEMBER_OF:
                return Trail(hops, self.way, self.pairs)
            case _:
                return Trail(hops, None, self.pairs)

    def leads_on(self) -> bool:
        """Not past a denial; and whoever enters an account is not that account, which trusts may name."""
        hop = self.hops[-1]
        enters = hop.fact.kind is RelationKind.PROVISIONED_TO and hop.arrives == hop.fact.target
        return not enters and self.effect != "denied"

    def is_another_assignment_of(self, known: "Trail") -> bool:
        """Whether the same principal is assigned one more permission set in an account, both without any condition."""
        assigned = self.hops[-1].fact.kind is known.hops[-1].fact.kind is RelationKind.ASSIGNED
        plain = all(hop.fact.kind is not RelationKind.CAN_ASSUME for hop in (*self.hops, *known.hops))
        return assigned and plain and self.pairs[0] not in known.pairs


@dataclass(slots=True)
class Reached:
    """The best trail to each thing reached so far, by each way: the strongest effect, and among equals the first."""

    start: UUID
    trails: dict[Key, Trail] = field(default_factory=dict)

    def offer(self, trail: Trail) -> bool:
        """Whether this trail is worth going on from: new or stronger, and not denied."""
        known = self.trails.get(trail.key)
        if trail.end == self.start:
            return False
        if known is not None and trail.is_another_assignment_of(known):
            self.trails[trail.key] = replace(known, pairs=(*known.pairs, *trail.pairs))
            return False
        if known is not None and not better(trail.effect, known.effect):
            return False
        self.trails[trail.key] = trail
        return trail.leads_on()

    def is_settled(self, end: UUID) -> bool:
        """Whether no trust can lead there any better. In an account whose roles trust all of it, every role leads to
        every other: what is settled need not be tried from each."""
        known = self.trails.get((end, None))
        return known is not None and known.effect == "allow"


def account_names(account: str | None) -> list[UUID]:
    """An account as its own roles and as those of other accounts name it."""
    if account is None:
        return []
    return [node_id(TENANT, Kind.ACCOUNT, account), node_id(TENANT, Kind.EXTERNAL_PRINCIPAL, account)]


def forward(principal: Principal, facts: Mapping[UUID, list[Fact]]) -> list[Hop]:
    """Where a principal gets in one step. ``facts`` are by source."""
    hops: dict[tuple[RelationKind, UUID], Hop] = {}
    for number, name in enumerate(principal.names()):
        for fact in facts.get(name, ()):
            if number == 0 or fact.kind is RelationKind.CAN_ASSUME:
                through = name if number > 1 else None
                hops.setdefault((fact.kind, fact.target), Hop(fact, fact.target, through))
    return list(hops.values())


def backward(target: UUID, facts: Iterable[Fact], insiders: Mapping[UUID, list[Principal]]) -> list[Hop]:
    """Who gets to ``target`` in one step. ``insiders`` are the known principals that a source stands for: all of an
    account's, or the one that another account calls an outsider."""
    direct = [fact for fact in facts if fact.target == target]
    hops = {fact.source: Hop(fact, fact.source, None) for fact in direct}
    for fact in direct:
        if fact.kind is RelationKind.CAN_ASSUME:
            for one in insiders.get(fact.source, ()):
                through = fact.source if fact.source in account_names(one.account) else None
                if one.id != target:
                    hops.setdefault(one.id, Hop(fact, one.id, through))
    return list(hops.values())
