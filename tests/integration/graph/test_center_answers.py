"""Answers through Identity Center: who enters which account with which permission set, and as which role."""

from collections.abc import Mapping

import pytest

from grantwire.contracts.failures import NotFound
from grantwire.contracts.resources import Kind, Relation, Resource
from grantwire.contracts.snapshots import Outcome
from grantwire.graph import Graph, apply_seal, queries
from grantwire.graph.queries import Answer, Path
from grantwire.telemetry.clock import monotonic
from tests.integration.graph.centers import (
    INSTANCE,
    SHARED,
    STORE,
    Center,
    ScopeBus,
    assigned,
    gone,
    pair,
    permission_set,
    person,
    reserved,
    team,
)
from tests.integration.graph.scenes import (
    Bus,
    account_node,
    external,
    facts,
    member,
    organization_bus,
    organization_of,
    role,
    trust,
)
from tests.support.quickest import quickest

PROD, DEV = "111122223333", "444455556666"
ADMIN, READ = permission_set("Admin"), permission_set("ReadOnly")
IN_PROD, IN_DEV = f"team 1111 ({PROD})", f"team 4444 ({DEV})"


async def ask(graph: Graph, question: str, text: str) -> Answer:
    node = await queries.resolve(graph, text)
    return await (queries.can if question == "can" else queries.who_can)(graph, node)


def ends(answer: Answer) -> set[tuple[str, str]]:
    """Each end with how it is reached: the names of the steps, as people call them."""
    return {(path.end.display, " > ".join(step.node.display for step in path.via)) for path in answer.paths}


def by_end(answer: Answer) -> Mapping[str, Path]:
    return {path.end.display: path for path in answer.paths}


def keys(answer: Answer) -> list[str]:
    return [scope.key for scope in answer.freshness]


async def load(
    graph: Graph,
    people: list[Resource],
    teams: list[Resource],
    memberships: list[Relation],
    assignments: list[Relation],
    **more: list[Resource],
) -> Center:
    """Admin in both accounts and ReadOnly in prod, realized as roles; each account's IAM and the organization."""
    await organization_bus(graph).send(organization_of(PROD, DEV))
    provisioned = [(ADMIN, PROD), (ADMIN, DEV), (READ, PROD)]
    for account in (PROD, DEV):
        door = external(f"arn:aws:iam::{account}:saml-provider/AWSSSO_{account}_DO_NOT_DELETE", "saml")
        roles = [reserved(set_, where) for set_, where in provisioned if where == account]
        links = [trust(door, each, "conditional") for each in roles]
        if account == PROD:
            roles.append(deploy := role("deploy", account=PROD))
            links.append(trust(roles[0], deploy))
        await Bus(graph, account=account).send(facts(roles, links, [door]))
    center = Center(graph, people, teams, memberships, [ADMIN, READ], assignments, more.get("deleted", []))
    await center.load(provisioned)
    return center


async def test_a_user_reaches_permission_sets_in_accounts_and_what_their_roles_reach(graph: Graph) -> None:
    alice, admins = person("alice"), team("Admins")
    await load(
        graph, [alice], [admins], [member(admins, alice)], [assigned(admins, ADMIN, PROD), assigned(alice, READ, PROD)]
    )
    answer = await ask(graph, "can", "alice")
    acting, reading = reserved(ADMIN, PROD).name, reserved(READ, PROD).name
    way = f"Admins > Admin in {IN_PROD}"
    assert ends(answer) == {
        ("Admins", "Admins"),
        (f"Admin in {IN_PROD}", way),
        (IN_PROD, f"{way} > {IN_PROD}"),
        (acting, f"{way} > {acting}"),
        ("deploy", f"{way} > {acting} > deploy"),
        (f"ReadOnly in {IN_PROD}", f"ReadOnly in {IN_PROD}"),
        (IN_PROD, f"ReadOnly in {IN_PROD} > {IN_PROD}"),
        (reading, f"ReadOnly in {IN_PROD} > {reading}"),
    }
    assert {path.effect for path in answer.paths} == {"allow"}
    deploy = by_end(answer)["deploy"]
    assert deploy.provisioned == [pair(ADMIN, PROD).native_id], "by which permission set, in which account"
    described = {each.display: each for each in answer.provisioned}
    admin = described[f"Admin in {IN_PROD}"]
    assert (admin.permission_set_name, admin.account, admin.account_name, admin.role_name) == (
        "Admin", PROD, "team 1111", acting
    )  # fmt: skip
    assert (await ask(graph, "can", "Admins")).paths and not (await ask(graph, "can", DEV)).paths


async def test_every_assignment_that_gives_the_same_is_a_path_of_its_own(graph: Graph) -> None:
    """Each must be revoked, or the access stays."""
    bob, one, two = person("bob"), team("One"), team("Two")
    links = [member(one, bob), member(two, bob)]
    assignments = [assigned(who, ADMIN, PROD) for who in (bob, one, two)]
    await load(graph, [bob], [one, two], links, assignments)
    target = f"Admin in {IN_PROD}"
    found = {way for end, way in ends(await ask(graph, "can", "bob")) if end == target}
    assert found == {target, f"One > {target}", f"Two > {target}"}
    back = {way for end, way in ends(await ask(graph, "who_can", pair(ADMIN, PROD).native_id)) if end == "bob"}
    assert back == {"bob", "One > bob", "Two > bob"}


async def test_who_enters_an_account_with_which_permission_set(graph: Graph) -> None:
    alice, bob, admins = person("alice"), person("bob"), team("Admins")
    assignments = [
        assigned(admins, ADMIN, PROD),
        assigned(admins, READ, PROD),
        assigned(bob, ADMIN, DEV),
        assigned(gone("u-left"), READ, PROD),
    ]
    await load(graph, [alice, bob], [admins], [member(admins, alice)], assignments, deleted=[gone("u-left")])
    answer = await ask(graph, "who_can", PROD)
    both = [pair(ADMIN, PROD).native_id, pair(READ, PROD).native_id]
    assert {end: path.provisioned for end, path in by_end(answer).items()} == {
        "Admins": both, "alice": both, "deleted: u-left": both[1:]
    }  # fmt: skip
    assert [each.display for each in answer.provisioned] == [f"Admin in {IN_PROD}", f"ReadOnly in {IN_PROD}"]
    assert "who-can ROLE" in (answer.note or ""), "it is no answer about the account's IAM"
    assert set(by_end(await ask(graph, "who_can", "team 4444"))) == {"bob"}


async def test_where_a_permission_set_is_assigned_and_to_whom(graph: Graph) -> None:
    alice, bob, admins = person("alice"), person("bob"), team("Admins")
    assignments = [assigned(admins, ADMIN, PROD), assigned(admins, ADMIN, DEV), assigned(bob, ADMIN, DEV)]
    await load(graph, [alice, bob], [admins], [member(admins, alice)], assignments)
    answer = await ask(graph, "who_can", "admin")
    in_prod, in_dev = pair(ADMIN, PROD).native_id, pair(ADMIN, DEV).native_id
    assert {end: path.provisioned for end, path in by_end(answer).items()} == {
        "Admins": [in_prod, in_dev], "alice": [in_prod, in_dev], "bob": [in_dev]
    }  # fmt: skip
    assert [scope.key for scope in answer.freshness if scope.source == SHARED and scope.account] == [
        f"assignments/{PROD}",
        f"assignments/{DEV}",
    ]
    nobody = await ask(graph, "who_can", "ReadOnly")
    assert not nobody.paths and nobody.note == f"Provisioned, but nobody is assigned: ReadOnly in {IN_PROD}."
    asked_wrongly = await ask(graph, "can", "Admin")
    assert not asked_wrongly.paths and "`grantwire who-can Admin`" in (asked_wrongly.note or "")


async def test_one_permission_set_in_one_account_is_never_taken_for_another(graph: Graph) -> None:
    """The two halves apart would give Admin in prod to somebody who has Admin in dev and ReadOnly in prod."""
    bob = person("bob")
    await load(graph, [bob], [], [], [assigned(bob, ADMIN, DEV), assigned(bob, READ, PROD)])
    assert not (await ask(graph, "who_can", pair(ADMIN, PROD).native_id)).paths
    assert by_end(await ask(graph, "who_can", PROD))["bob"].provisioned == [pair(READ, PROD).native_id]
    assert "deploy" not in by_end(await ask(graph, "can", "bob"))


async def test_who_acts_as_a_reserved_role_and_as_what_trusts_it(graph: Graph) -> None:
    alice, admins = person("alice"), team("Admins")
    await load(graph, [alice], [admins], [member(admins, alice)], [assigned(admins, ADMIN, PROD)])
    door = f"arn:aws:iam::{PROD}:saml-provider/AWSSSO_{PROD}_DO_NOT_DELETE"
    found = by_end(await ask(graph, "who_can", reserved(ADMIN, PROD).name))
    assert set(found) == {"Admins", "alice", door}
    assert (found[door].effect, found["alice"].effect) == ("conditional", "allow")
    assert "Identity Center" in (found[door].note or "") and found["alice"].note is None
    deploy = by_end(await ask(graph, "who_can", "deploy"))
    assert {"Admins", "alice"} <= set(deploy)
    assert deploy["alice"].provisioned == [pair(ADMIN, PROD).native_id]
    assert [step.node.display for step in deploy["alice"].via] == [
        reserved(ADMIN, PROD).name, f"Admin in {IN_PROD}", "Admins", "alice"
    ]  # fmt: skip


async def test_whether_a_person_can_sign_in_is_said_beside_the_path(graph: Graph) -> None:
    people = [person("off", "DISABLED"), person("odd", "unknown"), person("on")]
    absent = person("absent")
    everybody = [assigned(who, ADMIN, PROD) for who in (*people, absent)]
    await load(graph, people, [], [], everybody)
    notes = {end: path.note for end, path in by_end(await ask(graph, "who_can", PROD)).items()}
    assert notes == {
        "off": "off is DISABLED in the directory",
        "odd": "whether odd is enabled is unknown",
        "on": None,
        "u-absent": "u-absent is not in the directory as last read",
    }
    assert {path.note for path in (await ask(graph, "can", "off")).paths} == {"off is DISABLED in the directory"}


async def test_an_answer_rests_on_the_directory_and_on_the_accounts(graph: Graph) -> None:
    alice = person("alice")
    center = await load(graph, [alice], [], [], [assigned(alice, ADMIN, PROD)])
    shared = [f"{name}/{STORE}" for name in ("directory_groups", "directory_memberships", "directory_users")]
    mine = [f"iam/{PROD}", f"permission_sets/{INSTANCE}"]
    everywhere = [f"assignments/{PROD}", f"assignments/{DEV}", *shared, *mine]
    assert keys(await ask(graph, "can", "alice")) == everywhere, "she may be assigned in an account that was not read"
    assert keys(await ask(graph, "who_can", PROD)) == [f"assignments/{PROD}", *shared, *mine]
    assert keys(await ask(graph, "who_can", DEV)) == [
        f"assignments/{DEV}", *shared, f"iam/{DEV}", f"permission_sets/{INSTANCE}"
    ]  # fmt: skip
    await center.buses[f"directory_users/{STORE}"].fail(Outcome.STALE)
    stale = {scope.key: scope.state for scope in (await ask(graph, "can", "alice")).freshness}
    assert stale[f"directory_users/{STORE}"] == "stale" and stale[f"assignments/{PROD}"] == "complete"


@pytest.mark.parametrize(
    ("text", "native_id"),
    [
        ("ALICE", "u-alice"),
        ("alice smith", "u-alice"),
        ("Al@X.org", "u-alice"),
        ("u-alice", "u-alice"),
        ("admins", "g-Admins"),
        ("readonly", READ.native_id),
        (f"{PROD}/{ADMIN.native_id}", f"{PROD}/{ADMIN.native_id}"),
        (f"{PROD}/Admin", f"{PROD}/{ADMIN.native_id}"),
        ("team 1111/admin", f"{PROD}/{ADMIN.native_id}"),
        (f"Admin in {IN_PROD}", f"{PROD}/{ADMIN.native_id}"),
        (f"Admin in {PROD}", f"{PROD}/{ADMIN.native_id}"),
        (IN_PROD, PROD),
        ("team 1111", PROD),
        ("deleted: u-left", "u-left"),
    ],
)
async def test_it_is_found_by_what_people_and_answers_call_it(graph: Graph, text: str, native_id: str) -> None:
    emails = [{"value": "al@x.org", "type": "work", "primary": True}]
    alice, admins = person("alice", display_name="Alice Smith", emails=emails), team("Admins")
    await load(graph, [alice], [admins], [], [assigned(gone("u-left"), READ, PROD)], deleted=[gone("u-left")])
    assert (await queries.resolve(graph, text)).native_id == native_id


async def test_a_person_whom_scim_shows_too_is_one_person(graph: Graph) -> None:
    alice = person("alice")
    await load(graph, [alice], [], [], [assigned(alice, READ, PROD)])
    shown = Resource(Kind.SCIM_USER, f"scim:{alice.native_id}", None, "alice", {"user_name": "alice", "active": True})
    stranger = Resource(Kind.SCIM_USER, "scim:u-other", None, "stranger", {"user_name": "stranger", "active": True})
    await ScopeBus(graph, account=None, key="scim/tenant", of="scim", covers=["scim_user"]).send(
        facts([shown, stranger])
    )
    assert (await queries.resolve(graph, "Alice")).native_id == alice.native_id
    assert (await queries.resolve(graph, "scim:u-alice")).kind is Kind.SCIM_USER
    assert (await queries.resolve(graph, "stranger")).kind is Kind.SCIM_USER, "there is nobody else of that name"


async def test_nobody_is_found_by_half_a_name(graph: Graph) -> None:
    await load(graph, [person("alice", display_name="Alice Smith")], [], [], [])
    for nonsense in (
        "smith",
        "Nothing in " + PROD,
        f"{PROD}/",
        "/Admin",
        "x/y",
        "@",
        "Admin in nowhere",
        f"{DEV}/ReadOnly",
    ):
        with pytest.raises(NotFound):
            await queries.resolve(graph, nonsense)


async def test_an_answer_about_iam_rests_on_nothing_else(graph: Graph) -> None:
    await load(graph, [], [], [], [])
    credentials = Bus(graph, account=PROD)
    seal, body = credentials.seal(facts(), source="credentials", scope=f"credentials/{PROD}")
    await apply_seal(graph, seal, body, traceparent=None)
    assert keys(await ask(graph, "can", "deploy")) == [f"iam/{PROD}"]


async def test_without_identity_center_an_account_says_so(graph: Graph) -> None:
    await organization_bus(graph).send(organization_of(PROD))
    assert "identity_center" in ((await ask(graph, "who_can", PROD)).note or "")


async def test_a_document_names_each_permission_set_once(graph: Graph) -> None:
    alice = person("alice")
    await load(graph, [alice], [], [], [assigned(alice, ADMIN, PROD)])
    document = (await ask(graph, "who_can", PROD)).document()
    (path,) = document["paths"]
    assert (path["source"]["name"], path["source"]["display"]) == ("alice", "alice")
    assert path["provisioned"] == [each["native_id"] for each in document["provisioned"]]
    assert path["via"][0]["node"]["name"] == pair(ADMIN, PROD).native_id, "a name stays what it is in the export"
    assert path["via"][0]["node"]["display"] == f"Admin in {IN_PROD}"


async def test_a_group_of_500_in_50_accounts_is_answered_quickly(
    graph: Graph, capsys: pytest.CaptureFixture[str]
) -> None:
    accounts = [f"{n:012}" for n in range(1, 51)]
    people, everybody = [person(f"p{n:03}") for n in range(500)], team("Everybody")
    await organization_bus(graph).send(organization_of(*accounts))
    for account in accounts:
        await Bus(graph, account=account).send(facts([reserved(ADMIN, account)]))
    links = [member(everybody, each) for each in people]
    assignments = [assigned(everybody, ADMIN, account) for account in accounts]
    await Center(graph, people, [everybody], links, [ADMIN], assignments).load([(ADMIN, each) for each in accounts])
    took = {}
    for question, text, count in (
        ("can", "p007", 1 + 3 * 50),
        ("can", "Everybody", 3 * 50),
        ("who_can", "Admin", 501),
        ("who_can", accounts[7], 501),
        ("who_can", reserved(ADMIN, accounts[7]).native_id, 501),
    ):

        async def asked(question: str = question, text: str = text, count: int = count) -> float:
            begun = monotonic()
            answer = await ask(graph, question, text)
            document = answer.document()
            seconds = monotonic() - begun
            assert len(document["paths"]) == count
            return seconds

        took[f"{question} {text}"] = await quickest(asked, 5)
    with capsys.disabled():
        print("\n" + "\n".join(f"{name}: {seconds * 1000:.0f} ms" for name, seconds in took.items()))
    assert max(took.values()) < 5


async def test_accounts_whose_roles_all_trust_the_account_are_answered_quickly(
    graph: Graph, capsys: pytest.CaptureFixture[str]
) -> None:
    """Every role there leads to every other: four hundred thousand steps, if each were tried."""
    accounts, alice = [f"{n:012}" for n in range(1, 11)], person("alice")
    await organization_bus(graph).send(organization_of(*accounts))
    for account in accounts:
        roles = [role(f"r{n:03}", f"AROA{account}{n:03}", account) for n in range(200)]
        links = [trust(account_node(account), each) for each in roles]
        await Bus(graph, account=account).send(facts([reserved(ADMIN, account), *roles], links))
    assignments = [assigned(alice, ADMIN, account) for account in accounts]
    await Center(graph, [alice], [], [], [ADMIN], assignments).load([(ADMIN, each) for each in accounts])
    took = {}
    for question, text, count in (
        ("can", "alice", 10 * (3 + 200)),
        ("who_can", role("r007", account=accounts[0]).native_id, 1 + 200 + 1),
    ):

        async def asked(question: str = question, text: str = text, count: int = count) -> float:
            begun = monotonic()
            answer = await ask(graph, question, text)
            seconds = monotonic() - begun
            assert len(answer.paths) == count
            return seconds

        took[f"{question} {text}"] = await quickest(asked, 8)
    with capsys.disabled():
        print("\n" + "\n".join(f"{name}: {seconds * 1000:.0f} ms" for name, seconds in took.items()))
    assert max(took.values()) < 8
