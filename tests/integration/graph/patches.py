"""Patches for the tests: for each kind of part a small world in which somebody has something, or has it not."""

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from grantwire.contracts.chunks import relation_row, resource_row
from grantwire.contracts.resources import Facts, Kind, Relation, RelationKind, Resource
from grantwire.graph import Graph
from grantwire.graph.patching import Part, PartRead, Patch, Patched, apply_patch, mention_for
from tests.integration.graph.joined import Source, a_set, pairs
from tests.integration.graph.scenes import (
    ACCOUNT,
    BEGAN,
    TRACE,
    account_node,
    facts,
    fetch,
    group,
    link,
    member,
    role,
    user,
)

IAM, ASSIGNMENTS, MEMBERSHIPS = f"iam/{ACCOUNT}", f"assignments/{ACCOUNT}", "directory_memberships/d-1"
ADMIN_POLICY = Resource(
    Kind.IAM_POLICY, "arn:aws:iam::aws:policy/Admin", None, "Admin", {"managed_by": "aws", "unique_id": "ANPAadmin"}
)
ALICE, ADMINS, READERS, OPS = user("alice"), group("admins"), group("readers"), role("ops")
INLINE = Resource(Kind.INLINE_POLICY, f"{OPS.native_id}#all", ACCOUNT, "all", {"document": {"Version": "2012-10-17"}})
OTHER = Resource(Kind.INLINE_POLICY, f"{OPS.native_id}#some", ACCOUNT, "some", {"document": {}})


def person(id: str) -> Resource:
    return Resource(Kind.IDENTITY_USER, id, None, id, {})


def team(id: str) -> Resource:
    return Resource(Kind.IDENTITY_GROUP, id, None, id, {})


def pair(name: str, account: str = ACCOUNT) -> Resource:
    native_id = f"{account}/{a_set(name).native_id}"
    return Resource(Kind.PROVISIONED_PERMISSION_SET, native_id, account, native_id, {})


def in_team(who: str, of: str, membership: str = "m-1") -> Relation:
    return link(RelationKind.MEMBER_OF, person(who), team(of), membership_id=membership)


def assigned(who: str, name: str) -> Relation:
    return link(RelationKind.ASSIGNED, person(who), pair(name))


def attached(policy: Resource, holder: Resource) -> Relation:
    return link(RelationKind.ATTACHED, policy, holder)


def read_of(part: Part, *relations: Relation, **more: Any) -> PartRead:
    return PartRead(part, relations, **more)


def part(relation: RelationKind, holder: Resource, of: Kind | None = None) -> Part:
    return Part(relation, (holder.kind, holder.native_id), of)


def groups_of(who: Resource, *groups: Resource) -> PartRead:
    return read_of(part(RelationKind.MEMBER_OF, who), *(member(each, who) for each in groups))


def _iam(held: bool) -> Facts:
    """Alice is a reader; what she has besides is to be an admin."""
    more = [member(ADMINS, ALICE)] if held else []
    contains = [link(RelationKind.CONTAINS, account_node(), row) for row in (ALICE, ADMINS, READERS, OPS)]
    return facts([ALICE, ADMINS, READERS, OPS], [member(READERS, ALICE), *contains, *more], [account_node()])


def _managed(held: bool) -> Facts:
    own = Resource(Kind.IAM_POLICY, f"arn:aws:iam::{ACCOUNT}:policy/own", ACCOUNT, "own", {"managed_by": "customer"})
    links = [attached(own, OPS), attached(OTHER, OPS), *([attached(ADMIN_POLICY, OPS)] if held else [])]
    return facts([OPS, own, OTHER], links, [ADMIN_POLICY])


def _inline(held: bool) -> Facts:
    """The other one is attached in any case, as is a managed one."""
    more = [INLINE] if held else []
    links = [attached(row, OPS) for row in (OTHER, ADMIN_POLICY, *more)]
    return facts([OPS, OTHER, *more], links, [ADMIN_POLICY])


def _memberships(held: bool) -> Facts:
    return facts((), [in_team("u-1", "g-1"), in_team("u-2", "g-2", "m-2"), *([in_team("u-1", "g-2")] if held else [])])


def _assignments(held: bool) -> Facts:
    here = pairs("Admin", "Read")
    more = [assigned("u-1", "Admin")] if held else []
    return facts(here.resources, [*here.relations, assigned("u-2", "Admin"), *more], here.mentions)


def _pairs(held: bool) -> Facts:
    """The pair is there with its one assignment, or not at all."""
    here = pairs("Read", *(["Admin"] if held else []))
    more = [assigned("u-1", "Admin")] if held else []
    return facts(here.resources, [*here.relations, assigned("u-2", "Read"), *more], here.mentions)


def _of(world: Callable[[bool], Facts], part: Part, **more: Callable[[bool], Any]) -> Callable[[bool], PartRead]:
    """The reading of a part of that world."""

    def read(held: bool) -> PartRead:
        rows = [row for row in world(held).relations if _is_of(part, row)]
        return PartRead(part, tuple(rows), **{name: made(held) for name, made in more.items()})

    return read


def _is_of(part: Part, row: Relation) -> bool:
    end = (row.source_kind, row.source) if part.relation is RelationKind.MEMBER_OF else (row.target_kind, row.target)
    return row.kind is part.relation and end == part.holder and part.of in (None, row.source_kind)


@dataclass(frozen=True)
class Case:
    """A scope with and without the fact in question, and what the part's own list says then."""

    scope: str
    world: Callable[[bool], Facts]
    read: Callable[[bool], PartRead]


def _policies(of: Kind) -> Part:
    return part(RelationKind.ATTACHED, OPS, of)


_ADMIN = part(RelationKind.ASSIGNED, pair("Admin"))
CASES = {
    "group of a user": Case(IAM, _iam, _of(_iam, part(RelationKind.MEMBER_OF, ALICE))),
    "managed policy": Case(
        IAM, _managed, _of(_managed, _policies(Kind.IAM_POLICY), mentions=lambda _: (ADMIN_POLICY,))
    ),
    "inline policy": Case(
        IAM,
        _inline,
        _of(_inline, _policies(Kind.INLINE_POLICY), resources=lambda held: (OTHER, *([INLINE] if held else []))),
    ),
    "group of the directory": Case(
        MEMBERSHIPS, _memberships, _of(_memberships, part(RelationKind.MEMBER_OF, person("u-1")))
    ),
    "assignment": Case(ASSIGNMENTS, _assignments, _of(_assignments, _ADMIN, resources=lambda _: (pair("Admin"),))),
    "first or last assignment": Case(
        ASSIGNMENTS,
        _pairs,
        _of(
            _pairs,
            _ADMIN,
            resources=lambda held: (pair("Admin"),) if held else (),
            gone=lambda held: () if held else ((Kind.PROVISIONED_PERMISSION_SET, pair("Admin").native_id),),
        ),
    ),
}


async def patch(
    graph: Graph, bus: Source, *reads: PartRead, fence: int | None = None, cause: str = "command 1"
) -> Patched:
    """What a command read, at its own place in the stream, or at another."""
    if fence is None:
        bus.sequence += 1
    made = Patch(bus.scope, bus.connector, fence or bus.sequence, BEGAN, cause, reads)
    await mention_for(graph, made)
    async with graph.transaction() as connection:
        return await apply_patch(connection, made, traceparent=TRACE)


async def two_minutes_pass(graph: Graph) -> None:
    await fetch(graph, "UPDATE part_fence SET patched_at = patched_at - interval '2 minutes'")


async def member_of(graph: Graph, who: str = "alice") -> set[str]:
    rows = await fetch(
        graph,
        """SELECT g.name FROM edge e JOIN node u ON u.id = e.src JOIN node g ON g.id = e.dst
           WHERE e.kind = 2 AND u.name = $1""",
        who,
    )
    return {row["name"] for row in rows}


def rows(lines: Iterable[str]) -> dict[tuple[str, ...], Any]:
    """Attributes by key, without what is merely mentioned."""
    found: dict[tuple[str, ...], Any] = {}
    for row in map(json.loads, lines):
        if row["type"] == "relation":
            found[row["kind"], row["source_kind"], row["source"], row["target_kind"], row["target"]] = row["attributes"]
        elif row["native_id"] not in ("111122223333", "arn:aws:iam::aws:policy/Admin"):
            found[row["kind"], row["native_id"]] = row["attributes"]
    return found


def of(facts: Facts) -> dict[tuple[str, ...], Any]:
    made = [resource_row(row) for row in facts.resources] + [relation_row(row) for row in facts.relations]
    return rows(json.dumps(row) for row in made)
