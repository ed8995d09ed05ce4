"""Small worlds for the tests: facts of one account, and the seals that bring them."""

import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import asyncpg

from grantwire.contracts import chunks
from grantwire.contracts.resources import Facts, Kind, Relation, RelationKind, Resource
from grantwire.contracts.snapshots import Body, Outcome, Reason, SnapshotSealed, Unread
from grantwire.graph import Applied, Graph, apply_seal

ACCOUNT = "111122223333"
COVERS = [
    *("iam_user", "iam_group", "iam_role", "iam_policy", "inline_policy"),
    *("contains", "member_of", "attached", "bounded_by", "can_assume"),
]
BEGAN = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def arn(kind: str, name: str, account: str = ACCOUNT) -> str:
    return f"arn:aws:iam::{account}:{kind}/{name}"


def user(name: str, unique_id: str | None = None, account: str = ACCOUNT, **attributes: Any) -> Resource:
    unique = {"unique_id": unique_id or f"AIDA{name}"}
    return Resource(
        Kind.IAM_USER, arn("user", name, account), account, name.split("/")[-1], {**unique, "path": "/", **attributes}
    )


def group(name: str, account: str = ACCOUNT) -> Resource:
    return Resource(
        Kind.IAM_GROUP, arn("group", name, account), account, name, {"unique_id": f"AGPA{name}", "path": "/"}
    )


def role(name: str, unique_id: str | None = None, account: str = ACCOUNT, **attributes: Any) -> Resource:
    unique = {"unique_id": unique_id or f"AROA{name}"}
    return Resource(Kind.IAM_ROLE, arn("role", name, account), account, name, {**unique, "path": "/", **attributes})


def external(native_id: str, principal_class: str = "service") -> Resource:
    return Resource(
        Kind.EXTERNAL_PRINCIPAL, native_id, None, native_id, {"principal_class": principal_class, "issuer": None}
    )


def account_node(account: str = ACCOUNT) -> Resource:
    return Resource(Kind.ACCOUNT, account, account, account, {})


def link(kind: RelationKind, source: Resource, target: Resource, **attributes: Any) -> Relation:
    return Relation(kind, source.native_id, source.kind, target.native_id, target.kind, attributes)


def member(of: Resource, who: Resource) -> Relation:
    return link(RelationKind.MEMBER_OF, who, of)


def trust(source: Resource, target: Resource, effect: str = "allow", **more: Any) -> Relation:
    return link(RelationKind.CAN_ASSUME, source, target, effect=effect, statements=more.get("statements", []))


def facts(
    resources: Iterable[Resource] = (), relations: Iterable[Relation] = (), mentions: Iterable[Resource] = ()
) -> Facts:
    return Facts(tuple(resources), tuple(relations), tuple(mentions))


@dataclass
class Bus:
    """Makes seals as a collector would: each begin gets the next sequence of the stream."""

    graph: Graph
    connector: str = "prod"
    account: str | None = ACCOUNT
    sequence: int = 0
    covers: list[str] = field(default_factory=lambda: list(COVERS))
    organization: str | None = None

    @property
    def scope(self) -> str:
        return f"organization/{self.organization}" if self.organization else f"iam/{self.account}"

    def seal(self, content: Facts | None, **changes: Any) -> tuple[SnapshotSealed, list[bytes] | None]:
        """A complete seal with ``content``; ``content=None`` makes one without a body."""
        self.sequence += 1
        body = chunks.encode(content) if content is not None else None
        plan = changes.get("plan", "bulk")
        seal = SnapshotSealed(
            snapshot=str(uuid.uuid4()),
            run=str(uuid.uuid4()),
            connector=self.connector,
            source="organization" if self.organization else "iam",
            scope=self.scope,
            account=self.account,
            fence=self.sequence,
            last_read=self.sequence,
            read_began_at=BEGAN,
            plan=plan,
            outcome=Outcome.COMPLETE,
            covers=self.covers,
            body=Body.CHUNKS if body is not None else Body.NONE,
            chunks=len(body or ()),
            digest=chunks.digest(body, plan) if body is not None else None,
            calls={"iam:ListUsers": 1},
            seconds=0.5,
        )
        return seal.model_copy(update=changes), body

    async def send(self, content: Facts, *, unread: Mapping[str, str] | None = None, **changes: Any) -> Applied:
        named = [Unread(what=what, why=why) for what, why in (unread or {}).items()]
        seal, body = self.seal(content, unread=named, **changes)
        return await apply_seal(self.graph, seal, body, traceparent=TRACE)

    async def same(self, content: Facts, **changes: Any) -> Applied:
        """A seal that says: what you have."""
        seal, _ = self.seal(content, body=Body.UNCHANGED, chunks=0, **changes)
        return await apply_seal(self.graph, seal, None, traceparent=TRACE)

    async def fail(self, outcome: Outcome = Outcome.STALE) -> Applied:
        reason = Reason(code="denied", text="iam:ListUsers was denied.")
        seal, _ = self.seal(None, outcome=outcome, reason=reason)
        return await apply_seal(self.graph, seal, None, traceparent=TRACE)


def organization_bus(graph: Graph, **more: Any) -> Bus:
    """What brings the organization o-x."""
    covers = ["organization", "organizational_unit", "account", "contains"]
    return Bus(graph, account=None, covers=covers, organization="o-x", **more)


def organization_of(*accounts: str, **attributes: Any) -> Facts:
    """An organization with these accounts below its root."""
    top = Resource(Kind.ORGANIZATION, "o-x", None, "o-x", {"management_account": accounts[0] if accounts else None})
    root = Resource(Kind.ORGANIZATIONAL_UNIT, "r-1", None, "Root", {"is_root": True})
    rows = [Resource(Kind.ACCOUNT, one, one, f"team {one[:4]}", {"state": "ACTIVE", **attributes}) for one in accounts]
    return facts(
        [top, root, *rows],
        [link(RelationKind.CONTAINS, top, root), *(link(RelationKind.CONTAINS, root, row) for row in rows)],
    )


async def fetch(graph: Graph, statement: str, *values: Any) -> list[asyncpg.Record]:
    async with graph.connection() as connection:
        return list(await connection.fetch(statement, *values))


async def value(graph: Graph, statement: str, *values: Any) -> Any:
    async with graph.connection() as connection:
        return await connection.fetchval(statement, *values)


async def writes(graph: Graph) -> dict[str, int]:
    """Rows inserted, updated and deleted so far, by table."""
    await value(graph, "SELECT pg_stat_force_next_flush()")
    rows = await fetch(graph, "SELECT relname, n_tup_ins + n_tup_upd + n_tup_del AS n FROM pg_stat_user_tables")
    return {row["relname"]: row["n"] for row in rows}


def with_attributes(resource: Resource, **attributes: Any) -> Resource:
    return replace(resource, attributes={**resource.attributes, **attributes})
