"""How trails pass permission sets in accounts, what people call them, and what an answer rests on."""

import pytest

from grantwire.contracts.ids import TENANT
from grantwire.contracts.resources import Kind, RelationKind
from grantwire.graph.grounds import grounds
from grantwire.graph.identity import node_id
from grantwire.graph.labels import labelled, named_by, spelt
from grantwire.graph.nodes import Node
from grantwire.graph.trails import Fact, Hop, Reached, Trail

SET = "arn:aws:sso:::permissionSet/ssoins-1/ps-1"
PROD, DEV = "111122223333", "444455556666"


def node(kind: Kind, native_id: str, name: str = "", account: str | None = None, **attributes: object) -> Node:
    return Node(node_id(TENANT, kind, native_id), kind, native_id, account, name or native_id, attributes, True)


def pair(account: str) -> Node:
    return node(Kind.PROVISIONED_PERMISSION_SET, f"{account}/{SET}", account=account)


ALICE, TEAM = node(Kind.IDENTITY_USER, "u-1", identity_store="d-1"), node(Kind.IDENTITY_GROUP, "g-1")
ROLE = node(Kind.IAM_ROLE, "arn:role", account=PROD)


def hop(kind: RelationKind, source: Node, target: Node, *, back: bool = True, effect: str = "allow") -> Hop:
    arrives = source if back else target
    return Hop(Fact(source.id, kind, target.id, {"effect": effect}), arrives.id, None)


def trail(*hops: Hop) -> Trail:
    found = Trail()
    for each in hops:
        found = found.then(each)
    return found


def from_account(account: str) -> Hop:
    return hop(RelationKind.PROVISIONED_TO, pair(account), node(Kind.ACCOUNT, account))


def test_one_more_assignment_of_the_same_principal_joins_the_first() -> None:
    reached = Reached(node(Kind.PERMISSION_SET, SET).id)
    first, second = (
        trail(from_account(account), hop(RelationKind.ASSIGNED, TEAM, pair(account))) for account in (PROD, DEV)
    )
    assert (reached.offer(first), reached.offer(second)) == (True, False)
    joined = reached.trails[first.key]
    assert joined.pairs == (pair(PROD).id, pair(DEV).id)
    assert joined.then(hop(RelationKind.MEMBER_OF, ALICE, TEAM)).pairs == joined.pairs


def test_an_assignment_behind_a_trust_joins_nothing() -> None:
    """What holds of the one under a condition need not hold of the other."""
    reached = Reached(ROLE.id)
    first, second = (
        trail(
            hop(RelationKind.CAN_ASSUME, node(Kind.IAM_ROLE, account), ROLE, effect=effect),
            hop(RelationKind.REALIZED_AS, pair(account), node(Kind.IAM_ROLE, account)),
            hop(RelationKind.ASSIGNED, TEAM, pair(account)),
        )
        for account, effect in ((PROD, "conditional"), (DEV, "allow"))
    )
    assert (reached.offer(first), reached.offer(second)) == (True, True)
    assert reached.trails[first.key].pairs == (pair(DEV).id,)


def test_who_enters_an_account_is_not_that_account() -> None:
    enters = hop(RelationKind.PROVISIONED_TO, pair(PROD), node(Kind.ACCOUNT, PROD), back=False)
    assert not trail(enters).leads_on()
    assert trail(from_account(PROD)).leads_on()


def test_a_direct_assignment_does_not_hide_that_of_a_group() -> None:
    direct = trail(from_account(PROD), hop(RelationKind.ASSIGNED, ALICE, pair(PROD)))
    through = trail(
        from_account(PROD), hop(RelationKind.ASSIGNED, TEAM, pair(PROD)), hop(RelationKind.MEMBER_OF, ALICE, TEAM)
    )
    assert direct.end == through.end and direct.key != through.key


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("prod (111122223333)", [(None, PROD)]),
        ("Admin in prod (111122223333)", [("Admin", PROD), (None, PROD)]),
        ("Admin in 111122223333", [("Admin", PROD)]),
        ("111122223333/Admin", [("Admin", PROD)]),
        ("team/prod/Admin", [("Admin", "team/prod")]),
        ("111122223333", []),
        ("alice", []),
        ("Admin in prod", []),
        ("/Admin", []),
        ("prod/", []),
    ],
)
def test_a_label_says_what_it_may_mean(text: str, found: list[tuple[str | None, str]]) -> None:
    assert spelt(text) == found


def test_names_are_lent_by_the_set_and_the_account() -> None:
    one, set_, account = pair(PROD), node(Kind.PERMISSION_SET, SET, "Admin"), node(Kind.ACCOUNT, PROD, "prod")
    assert named_by([one, ALICE]) == {set_.id, account.id}
    assert labelled({one.id: one, set_.id: set_, account.id: account})[one.id].display == f"Admin in prod ({PROD})"
    assert labelled({one.id: one})[one.id].display == f"ps-1 in {PROD}", "nothing is known but their ids"
    deleted = node(Kind.EXTERNAL_PRINCIPAL, "u-9", principal_class="deleted")
    assert labelled({deleted.id: deleted})[deleted.id].display == "deleted: u-9"


def test_what_an_answer_rests_on() -> None:
    reached = grounds("can", ALICE, [ALICE, pair(PROD), ROLE])
    assert reached.everywhere and reached.keys == {
        f"iam/{PROD}", f"assignments/{PROD}", "directory_users/d-1", "permission_sets/ssoins-1"
    }  # fmt: skip
    assert reached.center == reached.keys - {f"iam/{PROD}"}
    alone = grounds("can", ROLE, [ROLE])
    assert (alone.keys, alone.center, alone.everywhere) == ({f"iam/{PROD}"}, set(), False)
    acting = node(Kind.IAM_ROLE, "arn:reserved", account=PROD, role_class="sso_reserved")
    assert not grounds("can", acting, [acting]).center, "what a role may assume is its accounts' IAM alone"
    assert grounds("who_can", acting, [acting]).center == {f"assignments/{PROD}"}
    account = node(Kind.ACCOUNT, PROD)
    assert grounds("who_can", account, [account]).center == {f"assignments/{PROD}"}
    assert grounds("who_can", node(Kind.PERMISSION_SET, SET), []).everywhere
