"""Small worlds with Identity Center: its scopes, what they hold, and a subscriber that follows all of them."""

import json
from dataclasses import dataclass, field
from typing import Any

from grantwire.contracts.resources import Facts, Kind, RelationKind, Resource
from grantwire.contracts.snapshots import SnapshotSealed
from grantwire.graph import Applied, Graph, queries
from grantwire.telemetry import utc_now
from tests.integration.graph.scenes import ACCOUNT, COVERS, Bus, account_node, facts, fetch, link, role
from tests.integration.graph.telling import told
from tests.support.oracle import Told, check_order, keys

INSTANCE, STORE, SCIM = "permission_sets/ssoins-1", "directory_users/d-1", "scim/t-1"
PATH = "/aws-reserved/sso.amazonaws.com/eu-west-1/"
ADMIN, READ = "Admin", "Read_Only"
MADE = "2026-01-01T00:00:00Z"
_COVERS = {
    "iam": COVERS,
    "assignments": ["provisioned_permission_set", "provisioned_to", "instance_of", "assigned"],
    "permission_sets": ["permission_set"],
    "directory_users": ["identity_user"],
    "directory_memberships": ["member_of"],
    "scim": [],  # it adds, and never shows that somebody is gone
}


@dataclass
class Source(Bus):
    """What brings one scope, ``key``."""

    key: str = ""

    def __post_init__(self) -> None:
        kind, _, id = self.key.partition("/")
        self.account = id if kind in ("iam", "assignments") else None
        self.covers = list(_COVERS[kind])

    @property
    def scope(self) -> str:
        return self.key

    def seal(self, content: Facts | None, **changes: Any) -> tuple[SnapshotSealed, list[bytes] | None]:
        kind = self.key.partition("/")[0]
        source = kind if kind in ("iam", "scim") else "identity_center"
        now = {"read_began_at": utc_now(), "seconds": 0.0}
        return super().seal(content, **{"source": source, **now, **changes})


@dataclass
class World:
    """All scopes of one account and of one Identity Center. Whatever is read or done, what was told adds up."""

    graph: Graph
    account: str = ACCOUNT
    buses: dict[str, Source] = field(default_factory=dict)
    told: Told = field(default_factory=lambda: Told(set()))
    heard: int = 0

    @property
    def iam(self) -> Source:
        return self.bus(f"iam/{self.account}")

    @property
    def assignments(self) -> Source:
        return self.bus(f"assignments/{self.account}")

    @property
    def sets(self) -> Source:
        return self.bus(INSTANCE)

    @property
    def users(self) -> Source:
        return self.bus(STORE)

    @property
    def scim(self) -> Source:
        return self.bus(SCIM)

    def bus(self, key: str) -> Source:
        return self.buses.setdefault(key, Source(self.graph, key=key))

    async def roles(self, *names: str, **more: Any) -> Applied:
        """Read IAM: the roles of these permission sets."""
        return await self.iam.send(roles(*names, account=self.account), **more)

    async def pairs(self, *names: str, **more: Any) -> Applied:
        """Read what is provisioned in the account: these permission sets."""
        return await self.assignments.send(pairs(*names, account=self.account), **more)

    async def realized(self) -> dict[str, str]:
        """By permission set, the name of the role that it is in the account."""
        return {permission_set(source): target.rpartition("/")[2] for source, target in await self.all("realized_as")}

    async def mirrored(self) -> set[str]:
        """The directory users that SCIM's mirror."""
        return {target for source, target in await self.all("mirrors") if source == f"scim:{target}"}

    async def all(self, kind: str) -> list[tuple[str, str]]:
        """The ends of all relations of a kind, after checking that what was told adds up to the export."""
        rows = [json.loads(line) for line in await self.hear()]
        return [(row["source"], row["target"]) for row in rows if row["type"] == "relation" and row["kind"] == kind]

    async def hear(self) -> list[str]:
        """The export, to which everything told so far must add up."""
        export = [line async for line in queries.export(self.graph)]
        news = [
            {"type": row.type().split(".", 2)[2].removesuffix(".v1"), **row.model_dump()}
            for row in await told(self.graph)
        ]
        check_order([{**one, "id": f"{one['revision']}:{one['n']}"} for one in news])
        for one in news[self.heard :]:
            if one["type"] == "scope.loaded":
                self.told.load(one, export)
            else:
                self.told.hear(one)
        self.heard = len(news)
        assert self.told.now == keys(export), f"the changes do not add up to the graph: {self.told.now ^ keys(export)}"
        return export


def roles(*names: str, account: str = ACCOUNT) -> Facts:
    return facts([reserved(name, account=account) for name in names])


def reserved(name: str, suffix: str = "0123456789abcdef", account: str = ACCOUNT, **more: Any) -> Resource:
    """The role of a permission set in an account."""
    path = more.pop("path", PATH)
    full = f"AWSReservedSSO_{name}_{suffix}"
    row = role(
        f"{path[1:]}{full}", more.pop("unique_id", f"AROA{name}{suffix}"), account, **{"created_at": MADE, **more}
    )
    return Resource(row.kind, row.native_id, row.account, full, {**row.attributes, "path": path})


def role_of(name: str, suffix: str = "0123456789abcdef") -> str:
    return f"AWSReservedSSO_{name}_{suffix}"


def sets(*names: str) -> Facts:
    return facts([a_set(name) for name in names])


def a_set(name: str, called: str | None = None) -> Resource:
    """The permission set of which the ARN ends in ``name``."""
    return Resource(Kind.PERMISSION_SET, f"arn:aws:sso:::permissionSet/ssoins-1/ps-{name}", None, called or name, {})


def pairs(*names: str, account: str = ACCOUNT) -> Facts:
    """What is provisioned in an account."""
    resources: list[Resource] = []
    relations = []
    for name in names:
        one = a_set(name)
        native_id = f"{account}/{one.native_id}"
        resources.append(Resource(Kind.PROVISIONED_PERMISSION_SET, native_id, account, native_id, {}))
        relations.append(link(RelationKind.INSTANCE_OF, resources[-1], one))
        relations.append(link(RelationKind.PROVISIONED_TO, resources[-1], account_node(account)))
    return facts(resources, relations, [account_node(account)])


def permission_set(pair: str) -> str:
    return pair.rpartition("/ps-")[2]


def people(*ids: str, **attributes: Any) -> Facts:
    return facts([Resource(Kind.IDENTITY_USER, id, None, f"user {id}", attributes) for id in ids])


def mirrored(*ids: str, **attributes: Any) -> Facts:
    """Users as SCIM shows them."""
    return facts([Resource(Kind.SCIM_USER, f"scim:{id}", None, f"user {id}", attributes) for id in ids])


async def scope(graph: Graph, key: str) -> Any:
    return (await fetch(graph, "SELECT * FROM scope WHERE key = $1", key))[0]


async def sizes(graph: Graph) -> None:
    """Each scope knows how many rows it has."""
    counted = await fetch(
        graph,
        """SELECT s.key, s.rows, (SELECT count(*) FROM node n WHERE n.scope_id = s.id AND n.kind <> 16)
                                 + (SELECT count(*) FROM edge e WHERE e.scope_id = s.id) AS n FROM scope s""",
    )
    assert [row["key"] for row in counted if row["rows"] != row["n"]] == []
