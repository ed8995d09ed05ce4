"""Who can reach what: memberships and trusts, followed level by level in one unchanging state of the graph.

An answer says who may knock. Whether the principal's own policies let it in is policy evaluation, which is not claimed.
"""

from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Final, TypeAlias
from uuid import UUID

from grantwire.contracts.ids import TENANT
from grantwire.contracts.resources import KIND_CODES, RELATION_CODES, Kind, RelationKind
from grantwire.graph.answers import Answer, Path, Question, Step
from grantwire.graph.chains import DEPTH
from grantwire.graph.export import Tenant, tenant_of
from grantwire.graph.grounds import grounds
from grantwire.graph.identity import node_id
from grantwire.graph.labels import labelled, named_by
from grantwire.graph.names import nodes
from grantwire.graph.nodes import Node
from grantwire.graph.pool import Connection, Graph
from grantwire.graph.provisioned import described
from grantwire.graph.remarks import of_answer, of_path
from grantwire.graph.statements import queries as sql
from grantwire.graph.stored import KINDS, RELATIONS
from grantwire.graph.trails import (
    BACKWARDS,
    BACKWARDS_FROM_SUBJECT,
    FORWARDS,
    PRINCIPALS,
    Fact,
    Principal,
    Reached,
    Trail,
    account_names,
    backward,
    forward,
)
from grantwire.graph.views import scopes_under

_Level: TypeAlias = dict[UUID, list[Trail]]
_Expand: TypeAlias = Callable[[Connection, _Level, Reached], Awaitable[list[Trail]]]
_PAIR: Final = Kind.PROVISIONED_PERMISSION_SET


async def can(graph: Graph, node: Node) -> Answer:
    """What a principal reaches: its groups, the roles that it may ask for, and the roles those may ask for."""
    return await _answer(graph, node, "can", _forwards)


async def who_can(graph: Graph, node: Node) -> Answer:
    """Who reaches a role or a group, outsiders included."""
    return await _answer(graph, node, "who_can", _backwards)


async def _answer(graph: Graph, subject: Node, question: Question, expand: _Expand) -> Answer:
    async with graph.transaction(snapshot=True) as connection:
        revision = await connection.fetchval(sql.REVISION, TENANT)
        trails, cut = await _walk(connection, subject.id, expand)
        known = await _known(connection, subject, trails, await tenant_of(connection))
        subject = known[subject.id]
        # Nobody is a permission set in an account: it is on the way to who is assigned.
        ends = [trail for trail in trails if question == "can" or known[trail.end].kind is not _PAIR]
        freshness = await scopes_under(connection, grounds(question, subject, _met(subject, trails, known)))
        provisioned = await described(connection, [known[id] for id in _pairs(ends)], known)
    unheld = _unheld(trails, ends, known) if question == "who_can" else []
    read = any(scope.source == "identity_center" for scope in freshness)
    note = of_answer(subject, question, cut=cut, unheld=unheld, read=read)
    paths = sorted((_path(subject, trail, known) for trail in ends), key=_order)
    return Answer(question, subject, revision, freshness, paths, note, provisioned)


async def _walk(connection: Connection, start: UUID, expand: _Expand) -> tuple[list[Trail], bool]:
    """The best trail to everything within reach, and whether longer ones were left."""
    reached = Reached(start)
    level: _Level = {start: [Trail()]}
    for _ in range(DEPTH):
        found = await expand(connection, level, reached)
        # Two trails to one end may both be offered: only the better one is gone on from.
        keys = dict.fromkeys(trail.key for trail in found if reached.offer(trail))
        level = defaultdict(list)
        for key in keys:
            level[key[0]].append(reached.trails[key])
        if not level:
            break
    trails = list(reached.trails.values())
    return trails, bool(level) and any(map(reached.offer, await expand(connection, level, reached)))


async def _forwards(connection: Connection, level: _Level, reached: Reached) -> list[Trail]:
    principals = await _principals(connection, level)
    names = {name for one in principals for name in one.names()}
    facts: dict[UUID, list[Fact]] = defaultdict(list)
    for fact in await _facts(connection, sql.STEPS_FROM, names, FORWARDS):
        if fact.kind is not RelationKind.CAN_ASSUME or not reached.is_settled(fact.target):
            facts[fact.source].append(fact)
    return [trail.then(hop) for one in principals for hop in forward(one, facts) for trail in level[one.id]]


async def _backwards(connection: Connection, level: _Level, reached: Reached) -> list[Trail]:
    first = any(not trail.hops for trails in level.values() for trail in trails)
    facts = await _facts(connection, sql.STEPS_TO, level, BACKWARDS_FROM_SUBJECT if first else BACKWARDS)
    trusted = {fact.source for fact in facts if fact.kind is RelationKind.CAN_ASSUME}
    found = await _insiders(connection, trusted)
    insiders = {name: [one for one in ones if not reached.is_settled(one.id)] for name, ones in found.items()}
    by_target: dict[UUID, list[Fact]] = defaultdict(list)
    for fact in facts:
        by_target[fact.target].append(fact)
    return [
        trail.then(hop)
        for target, theirs in by_target.items()
        for hop in backward(target, theirs, insiders)
        for trail in level[target]
    ]


async def _facts(
    connection: Connection, statement: str, ids: Iterable[UUID], followed: Iterable[RelationKind]
) -> list[Fact]:
    rows = await connection.fetch(statement, TENANT, list(ids), [RELATION_CODES[kind] for kind in followed])
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


async def _known(connection: Connection, subject: Node, trails: list[Trail], tenant: Tenant) -> dict[UUID, Node]:
    """Everything that the trails name, and what lends its name to a permission set in an account."""
    hops = [hop for trail in trails for hop in trail.hops]
    stops = {subject.id, *(hop.arrives for hop in hops), *(hop.through for hop in hops if hop.through)}
    known = await nodes(connection, stops, tenant)
    lenders = named_by(known.values()) - known.keys()
    return labelled(known | await nodes(connection, lenders, tenant))


def _met(subject: Node, trails: list[Trail], known: Mapping[UUID, Node]) -> list[Node]:
    """What an answer is about, without what only lends its name."""
    hops = [hop for trail in trails for hop in trail.hops]
    met = {subject.id, *(hop.arrives for hop in hops), *(hop.through for hop in hops if hop.through)}
    return [known[id] for id in met]


def _pairs(trails: Iterable[Trail]) -> list[UUID]:
    return list(dict.fromkeys(pair for trail in trails for pair in trail.pairs))


def _unheld(trails: list[Trail], ends: list[Trail], known: Mapping[UUID, Node]) -> list[Node]:
    """Permission sets in accounts that were met and that lead to nobody."""
    held = set(_pairs(ends))
    met = {trail.end: known[trail.end] for trail in trails if known[trail.end].kind is _PAIR}
    return sorted((node for id, node in met.items() if id not in held), key=lambda node: node.display)


def _path(subject: Node, trail: Trail, known: Mapping[UUID, Node]) -> Path:
    steps = [
        Step(hop.fact.kind, known[hop.arrives], hop.fact.effect, known[hop.through] if hop.through else None)
        for hop in trail.hops
    ]
    trusts = {number for number, step in enumerate(steps) if step.through is not None}
    note = of_path([subject, *(step.node for step in steps)], [step.relation for step in steps], trusts=trusts)
    pairs = sorted(known[pair].native_id for pair in trail.pairs)
    return Path(steps[-1].node, trail.effect, steps, trail.conditions, note, pairs)


def _order(path: Path) -> tuple[str, str, list[str], list[str]]:
    return path.end.kind, path.end.native_id, path.provisioned, [step.node.native_id for step in path.via]
