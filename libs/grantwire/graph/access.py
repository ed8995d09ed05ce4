"""Who can reach what: memberships and trusts, followed level by level in one unchanging state of the graph.

An answer says who may knock. Whether the principal's own policies let it in is policy evaluation, which is not claimed.
"""

from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import asdict, dataclass
from typing import Any, Final, Literal, TypeAlias
from uuid import UUID

from grantwire.contracts.ids import TENANT
from grantwire.contracts.resources import KIND_CODES, RELATION_CODES, Kind, RelationKind
from grantwire.graph.chains import CUT, DEPTH, OWN_POLICIES, Effect
from grantwire.graph.export import tenant_of
from grantwire.graph.identity import node_id
from grantwire.graph.names import Node, nodes
from grantwire.graph.pool import Connection, Graph
from grantwire.graph.statements import queries as sql
from grantwire.graph.stored import KINDS, RELATIONS
from grantwire.graph.trails import PRINCIPALS, Fact, Principal, Reached, Trail, account_names, backward, forward
from grantwire.graph.views import ScopeView, scopes_of

_FOLLOWED: Final = [RELATION_CODES[RelationKind.MEMBER_OF], RELATION_CODES[RelationKind.CAN_ASSUME]]
_Level: TypeAlias = dict[UUID, Trail]
_Expand: TypeAlias = Callable[[Connection, _Level], Awaitable[list[Trail]]]


@dataclass(frozen=True, slots=True)
class Step:
    """One step away from the subject. ``through`` is the account, or anyone, whose trust is used."""

    relation: RelationKind
    node: Node
    effect: Effect
    through: Node | None = None


@dataclass(frozen=True, slots=True)
class Path:
    """``end`` is what the subject reaches, or who reaches it. ``effect`` is that of the weakest step."""

    end: Node
    effect: Effect
    via: list[Step]
    conditions: list[Any]
    note: str | None


@dataclass(frozen=True, slots=True)
class Answer:
    """``freshness`` holds the scopes that the answer rests on; ``note`` says what was not followed."""

    question: Literal["can", "who_can"]
    subject: Node
    revision: int
    freshness: list[ScopeView]
    paths: list[Path]
    note: str | None = None

    def document(self) -> dict[str, Any]:
        """The answer as plain values, as faces print it: a path's end is its ``target``, or its ``source``."""
        end = "target" if self.question == "can" else "source"
        whole = asdict(self)
        whole["paths"] = [{end: path.pop("end"), **path} for path in whole["paths"]]
        return whole


async def can(graph: Graph, node: Node) -> Answer:
    """What a principal reaches: its groups, the roles that it may ask for, and the roles those may ask for."""
    return await _answer(graph, node, "can", _forwards)


async def who_can(graph: Graph, node: Node) -> Answer:
    """Who reaches a role or a group, outsiders included."""
    return await _answer(graph, node, "who_can", _backwards)


async def _answer(graph: Graph, subject: Node, question: Literal["can", "who_can"], expand: _Expand) -> Answer:
    async with graph.transaction(snapshot=True) as connection:
        revision = await connection.fetchval(sql.REVISION, TENANT)
        trails, cut = await _walk(connection, subject.id, expand)
        tenant = await tenant_of(connection)
        known = await nodes(connection, _named(subject, trails), tenant)
        accounts = {node.account for node in (subject, *known.values()) if node.account and node.owned}
        freshness = await scopes_of(connection, sorted(accounts))
    paths = [_path(subject, trail, known, question) for trail in trails]
    paths.sort(key=lambda path: (path.end.kind, path.end.native_id))
    return Answer(question, subject, revision, freshness, paths, CUT if cut else None)


async def _walk(connection: Connection, start: UUID, expand: _Expand) -> tuple[list[Trail], bool]:
    """The best trail to everything within reach, and whether longer ones were left."""
    reached = Reached(start)
    level: _Level = {start: Trail()}
    for _ in range(DEPTH):
        found = await expand(connection, level)
        # Two trails to one end may both be offered: only the better one is gone on from.
        ends = [trail.hops[-1].arrives for trail in found if reached.offer(trail)]
        level = {end: reached.trails[end] for end in ends}
        if not level:
            break
    return list(reached.trails.values()), bool(level) and bool(await expand(connection, level))


async def _forwards(connection: Connection, level: _Level) -> list[Trail]:
    principals = await _principals(connection, level)
    names = {name for one in principals for name in one.names()}
    facts: dict[UUID, list[Fact]] = defaultdict(list)
    for fact in await _facts(connection, sql.STEPS_FROM, names):
        facts[fact.source].append(fact)
    return [level[one.id].then(hop) for one in principals for hop in forward(one, facts)]


async def _backwards(connection: Connection, level: _Level) -> list[Trail]:
    facts = await _facts(connection, sql.STEPS_TO, level)
    insiders = await _insiders(connection, {fact.source for fact in facts})
    by_target: dict[UUID, list[Fact]] = defaultdict(list)
    for fact in facts:
        by_target[fact.target].append(fact)
    return [level[target].then(hop) for target, found in by_target.items() for hop in backward(target, found, insiders)]


async def _facts(connection: Connection, statement: str, ids: Iterable[UUID]) -> list[Fact]:
    rows = await connection.fetch(statement, TENANT, list(ids), _FOLLOWED)
    return [Fact(row["src"], RELATIONS[row["kind"]], row["dst"], row["attributes"]) for row in rows]


async def _principals(connection: Connection, ids: Iterable[UUID]) -> list[Principal]:
    rows = await connection.fetch(sql.NODES, TENANT, list(ids))
    return [Principal(row["id"], KINDS[row["kind"]], row["native_id"], row["account"]) for row in rows]


async def _insiders(connection: Connection, sources: set[UUID]) -> dict[UUID, list[Principal]]:
    """The known principals that accounts and outsiders' names stand for."""
    named = await _principals(connection, sources)
    accounts = {one.native_id for one in named if one.kind in (Kind.ACCOUNT, Kind.EXTERNAL_PRINCIPAL)}
    codes = [KIND_CODES[kind] for kind in PRINCIPALS]
    rows = await connection.fetch(sql.PRINCIPALS_OF, TENANT, list(accounts), codes)
    outsiders = [one.native_id for one in named if one.kind is Kind.EXTERNAL_PRINCIPAL]
    ids = [node_id(TENANT, kind, name) for name in outsiders for kind in PRINCIPALS]
    theirs = await connection.fetch(sql.PRINCIPALS_CALLED, TENANT, ids)
    found: dict[UUID, list[Principal]] = defaultdict(list)
    for row in (*rows, *theirs):
        one = Principal(row["id"], KINDS[row["kind"]], row["native_id"], row["account"])
        for name in (*one.names()[1:2], *account_names(one.account)):
            if name in sources and one not in found[name]:
                found[name].append(one)
    return found


def _named(subject: Node, trails: list[Trail]) -> set[UUID]:
    hops = [hop for trail in trails for hop in trail.hops]
    return {subject.id, *(hop.arrives for hop in hops), *(hop.through for hop in hops if hop.through)}


def _path(subject: Node, trail: Trail, known: dict[UUID, Node], question: str) -> Path:
    steps = [
        Step(hop.fact.kind, known[hop.arrives], hop.fact.effect, known[hop.through] if hop.through else None)
        for hop in trail.hops
    ]
    note = OWN_POLICIES if _needs_own_policies([subject, *(step.node for step in steps)], steps) else None
    return Path(steps[-1].node, trail.effect, steps, trail.conditions, note)


def _needs_own_policies(stops: list[Node], steps: list[Step]) -> bool:
    """A trust of an account, or of another account's principal, only opens the door from one side."""
    return any(
        step.relation is RelationKind.CAN_ASSUME and (step.through is not None or _crosses(before, step.node))
        for before, step in zip(stops, steps, strict=False)
    )


def _crosses(one: Node, other: Node) -> bool:
    return one.account is not None and other.account is not None and one.account != other.account
