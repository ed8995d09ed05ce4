"""A small Identity Center for the tests: a directory, permission sets, and who is assigned where."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from grantwire.contracts.resources import Kind, Relation, RelationKind, Resource
from grantwire.graph import Graph
from tests.integration.graph.scenes import Bus, account_node, external, facts, link, role

INSTANCE, STORE = "ssoins-7223aabbccddeeff", "d-90670aabbc"
SHARED = "identity_center"
_RESERVED = "aws-reserved/sso.amazonaws.com/"
RESERVED = "/aws-reserved/sso.amazonaws.com/"


@dataclass
class ScopeBus(Bus):
    """Brings any one scope: ``key`` is its own."""

    key: str = ""
    of: str = SHARED

    @property
    def scope(self) -> str:
        return self.key

    def seal(self, content: Any, **changes: Any) -> Any:
        return super().seal(content, source=self.of, **changes)


def person(name: str, status: str = "ENABLED", **attributes: Any) -> Resource:
    about = {"identity_store": STORE, "user_name": name, "status": status, **attributes}
    return Resource(Kind.IDENTITY_USER, f"u-{name}", None, name, about)


def team(name: str, **attributes: Any) -> Resource:
    return Resource(
        Kind.IDENTITY_GROUP, f"g-{name}", None, name, {"identity_store": STORE, "display_name": name, **attributes}
    )


def permission_set(name: str) -> Resource:
    return Resource(
        Kind.PERMISSION_SET, f"arn:aws:sso:::permissionSet/{INSTANCE}/ps-{name.lower()}", None, name, {"name": name}
    )


def gone(native_id: str) -> Resource:
    """A principal that was deleted while it was assigned."""
    return external(native_id, "deleted")


def pair(set_: Resource, account: str) -> Resource:
    native_id = f"{account}/{set_.native_id}"
    return Resource(Kind.PROVISIONED_PERMISSION_SET, native_id, account, native_id, {"provisioning_status": "LATEST"})


def reserved(set_: Resource, account: str) -> Resource:
    """The role that AWS makes of a permission set in an account, of which ``realized_as`` is derived."""
    name = f"AWSReservedSSO_{set_.name}_0000{account}"
    made = role(f"{RESERVED[1:]}{name}", f"AROA{name}", account, role_class="sso_reserved", path=RESERVED)
    return replace(made, name=name)


def assigned(who: Resource, set_: Resource, account: str) -> Relation:
    return link(RelationKind.ASSIGNED, who, pair(set_, account))


@dataclass
class Center:
    """Facts of an instance as its scopes hold them."""

    graph: Graph
    people: Sequence[Resource] = ()
    teams: Sequence[Resource] = ()
    memberships: Sequence[Relation] = ()
    sets: Sequence[Resource] = ()
    assignments: Sequence[Relation] = ()
    deleted: Sequence[Resource] = ()
    connector: str = "prod"
    buses: dict[str, ScopeBus] = field(default_factory=dict)

    async def load(self, provisioned: Iterable[tuple[Resource, str]]) -> None:
        """Bring every scope once; ``provisioned`` are the pairs that there are, assigned or not."""
        pairs = list(provisioned)
        await self.bus(f"directory_users/{STORE}", ["identity_user"]).send(facts(self.people))
        await self.bus(f"directory_groups/{STORE}", ["identity_group"]).send(facts(self.teams))
        await self.bus(f"directory_memberships/{STORE}", ["member_of"]).send(facts((), self.memberships))
        await self.bus(f"permission_sets/{INSTANCE}", ["permission_set"]).send(facts(self.sets))
        for account in dict.fromkeys(account for _, account in pairs):
            await self.assign(account, [set_ for set_, where in pairs if where == account])

    async def assign(self, account: str, sets: Sequence[Resource]) -> None:
        """Bring one account's assignments scope. The roles that its sets are realized as come with its IAM."""
        here = [each for each in self.assignments if each.target.startswith(account)]
        links = [
            *(link(RelationKind.PROVISIONED_TO, pair(each, account), account_node(account)) for each in sets),
            *(link(RelationKind.INSTANCE_OF, pair(each, account), each) for each in sets),
        ]
        mentions = [account_node(account), *self.deleted]
        covers = ["provisioned_permission_set", "assigned", "provisioned_to", "instance_of"]
        bus = self.bus(f"assignments/{account}", covers, account)
        await bus.send(facts([pair(each, account) for each in sets], [*here, *links], mentions))

    def bus(self, key: str, covers: list[str], account: str | None = None) -> ScopeBus:
        made = ScopeBus(self.graph, connector=self.connector, account=account, key=key, covers=covers)
        return self.buses.setdefault(key, made)
