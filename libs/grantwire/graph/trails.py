"""Who may knock where: the rules that turn trusts into steps, and the best trail to each thing. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

from grantwire.contracts.ids import TENANT
from grantwire.contracts.resources import Kind, RelationKind
from grantwire.graph.chains import Effect, better, conditions_of, effect_of, weakest
from grantwire.graph.identity import node_id

PRINCIPALS: Final = (Kind.IAM_USER, Kind.IAM_ROLE)
ANYONE: Final = node_id(TENANT, Kind.EXTERNAL_PRINCIPAL, "*")


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
    """How something is reached; ``effect`` is that of its weakest hop."""

    hops: tuple[Hop, ...] = ()

    @property
    def effect(self) -> Effect:
        return weakest(hop.fact.effect for hop in self.hops)

    @property
    def conditions(self) -> list[Any]:
        return [condition for hop in self.hops for condition in conditions_of(hop.fact.attributes)]

    def then(self, hop: Hop) -> "Trail":
        return Trail((*self.hops, hop))


@dataclass(slots=True)
class Reached:
    """The best trail to each thing reached so far: the strongest effect, and among equals the first found."""

    start: UUID
    trails: dict[UUID, Trail] = field(default_factory=dict)

    def offer(self, trail: Trail) -> bool:
        """Whether this trail is worth going on from: new or stronger, and not denied."""
        end = trail.hops[-1].arrives
        known = self.trails.get(end)
        if end == self.start or (known is not None and not better(trail.effect, known.effect)):
            return False
        self.trails[end] = trail
        return trail.effect != "denied"


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
