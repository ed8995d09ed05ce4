"""What people type becomes the two ends of a command, in one account of one connector; or a sentence says why not."""

import pytest
import pytest_asyncio

from grantwire.contracts.connectors import Connector, ConnectorState
from grantwire.contracts.failures import Ambiguous, Conflict, Invalid, NotFound
from grantwire.contracts.resources import Kind, Resource
from grantwire.graph import Graph, connectors
from grantwire.graph.ends import Ends, name_ends
from tests.integration.graph.centers import STORE, Center, pair, permission_set, person, team
from tests.integration.graph.scenes import Bus, arn, facts, group, organization_bus, organization_of, role, user

PROD, DEV = "111122223333", "444455556666"
ADMIN, READ = permission_set("Admin"), permission_set("ReadOnly")
POLICY = Resource(Kind.IAM_POLICY, f"arn:aws:iam::{PROD}:policy/Deploy", PROD, "Deploy", {"managed_by": "customer"})
INLINE = Resource(Kind.INLINE_POLICY, f"{arn('user', 'bob', PROD)}#Extra", PROD, "Extra", {})


@pytest_asyncio.fixture
async def read(graph: Graph) -> Graph:
    """Two accounts with a bob and an admins each; a directory with an ann and an admins of its own."""
    settings = Connector(id="prod", role_arn=f"arn:aws:iam::{PROD}:role/G", identity_center=True)
    await connectors.put(graph, settings, account=PROD, state=ConnectorState.CONNECTED, reason=None)
    await organization_bus(graph).send(organization_of(PROD, DEV))
    here = [user("bob", "AIDABOBPROD", PROD), group("admins", PROD), role("deployer", "AROADEPLOYER", PROD)]
    await Bus(graph, account=PROD, covers=["iam_user", "iam_group", "iam_role", "iam_policy", "inline_policy"]).send(
        facts([*here, POLICY, INLINE])
    )
    await Bus(graph, account=DEV).send(facts([user("bob", "AIDABOBDEV", DEV), group("admins", DEV)]))
    center = Center(graph, [person("ann", emails=[{"value": "ann@example.com"}])], [team("staff")], [], [ADMIN, READ])
    await center.load([(ADMIN, PROD)])
    return graph


def shown(ends: Ends) -> tuple[str, str, str, str]:
    return ends.principal.native_id, ends.target.native_id, ends.account, ends.connector


async def test_a_permission_set_in_an_account_as_answers_call_it(read: Graph) -> None:
    wanted = ("u-ann", pair(ADMIN, PROD).native_id, PROD, "prod")
    for target in (f"{PROD}/Admin", "team 1111/admin", f"Admin in team 1111 ({PROD})", pair(ADMIN, PROD).native_id):
        assert shown(await name_ends(read, "ann@example.com", target)) == wanted, target


async def test_a_permission_set_by_its_name_and_the_account(read: Graph) -> None:
    for account in (PROD, "team 1111"):
        assert shown(await name_ends(read, "ann", "Admin", account=account))[1:3] == (pair(ADMIN, PROD).native_id, PROD)


async def test_one_that_is_not_provisioned_there_yet(read: Graph) -> None:
    wanted = ("u-ann", pair(READ, DEV).native_id, DEV, "prod")
    assert shown(await name_ends(read, "ann", "ReadOnly", account=DEV)) == wanted
    assert shown(await name_ends(read, "ann", f"{DEV}/ReadOnly")) == wanted
    assert shown(await name_ends(read, "ann", "team 4444/readonly")) == wanted


async def test_a_permission_set_without_its_account_says_so(read: Graph) -> None:
    with pytest.raises(Invalid, match="given in an account; next: name the account") as caught:
        await name_ends(read, "ann", "Admin")
    assert caught.value.field == "account"


async def test_a_name_in_several_accounts_is_ambiguous_until_one_is_named(read: Graph) -> None:
    with pytest.raises(Ambiguous) as caught:
        await name_ends(read, "bob", "admins")
    assert caught.value.candidates == [arn("user", "bob", PROD), arn("user", "bob", DEV)]
    ends = await name_ends(read, "bob", "admins", account=DEV)
    assert shown(ends) == (arn("user", "bob", DEV), arn("group", "admins", DEV), DEV, "prod")
    assert ends.unique_id == "AIDABOBDEV", "nobody else of that name is meant"


async def test_the_other_end_decides_which_of_several_is_meant(read: Graph) -> None:
    assert shown(await name_ends(read, "bob", "Deploy"))[:2] == (arn("user", "bob", PROD), POLICY.native_id)
    assert shown(await name_ends(read, "bob", "Extra"))[:2] == (arn("user", "bob", PROD), INLINE.native_id)


async def test_with_an_account_named_what_is_in_it_goes_before_the_directory(read: Graph) -> None:
    for key, kind, twin in (("users", "identity_user", person("bob")), ("groups", "identity_group", team("admins"))):
        bus = Center(read).bus(f"directory_{key}/{STORE}", [kind])
        bus.sequence = 10
        await bus.send(facts([twin]))
    with pytest.raises(Ambiguous) as caught:
        await name_ends(read, "bob", "admins")
    assert caught.value.candidates == [arn("user", "bob", PROD), arn("user", "bob", DEV), "u-bob"]
    assert (await name_ends(read, "bob", "admins", account=DEV)).target.native_id == arn("group", "admins", DEV)


async def test_a_group_of_the_directory_is_changed_in_the_connectors_own_account(read: Graph) -> None:
    assert shown(await name_ends(read, "ann", "staff")) == ("u-ann", "g-staff", PROD, "prod")


@pytest.mark.parametrize(
    ("principal", "target"), [("ann", "Deploy"), ("bob", "staff"), ("deployer", "admins"), ("staff", "staff")]
)
async def test_what_does_not_go_together_is_refused(read: Graph, principal: str, target: str) -> None:
    with pytest.raises(Invalid, match="cannot be given"):
        await name_ends(read, principal, target, account=PROD)


async def test_nothing_of_that_name_is_said_with_close_ones(read: Graph) -> None:
    with pytest.raises(NotFound, match="Did you mean deployer"):
        await name_ends(read, "deployr", "Deploy")
    with pytest.raises(NotFound, match="Nothing is called"):
        await name_ends(read, "ann", f"{PROD}/Nothing")
    with pytest.raises(NotFound, match="Nothing is called 'nowhere'"):
        await name_ends(read, "ann", "Admin", account="nowhere")
    with pytest.raises(NotFound, match="No connector reads account 999999999999"):
        await name_ends(read, "ann", "Admin", account="999999999999")


async def test_two_accounts_contradict_each_other(read: Graph) -> None:
    with pytest.raises(Invalid, match=f"names account {DEV}, and account {PROD}"):
        await name_ends(read, "ann", f"{DEV}/ReadOnly", account=PROD)


async def test_several_connectors_are_told_apart_by_name(read: Graph) -> None:
    await Center(read, [], [], [], [READ], connector="other").bus(f"assignments/{DEV}", [], DEV).send(facts([]))
    with pytest.raises(Conflict, match="Several connectors read account"):
        await name_ends(read, "ann", "ReadOnly", account=DEV)
    assert (await name_ends(read, "ann", "ReadOnly", account=DEV, connector="prod")).connector == "prod"
