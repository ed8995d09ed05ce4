"""Names, answers and the export."""

import json
from collections.abc import Sequence
from itertools import pairwise

import pytest

from grantwire.contracts.chunks import relation_row, resource_row
from grantwire.contracts.failures import Ambiguous, NotFound
from grantwire.contracts.resources import Kind, Relation, RelationKind, Resource
from grantwire.graph import Graph, queries
from tests.integration.graph.scenes import (
    ACCOUNT,
    Bus,
    account_node,
    arn,
    external,
    facts,
    group,
    link,
    member,
    role,
    trust,
    user,
)
from tests.support.oracle import judge

OTHER = "444455556666"
MFA = {"sid": "s", "effect": "Allow", "actions": ["sts:AssumeRole"], "conditions": {"Bool": {"aws:mfa": "true"}}}


async def load(
    graph: Graph,
    *resources: Resource,
    links: Sequence[Relation] = (),
    mentions: Sequence[Resource] = (),
    account: str = ACCOUNT,
) -> None:
    await Bus(graph, account=account).send(facts(resources, links, mentions))


async def paths(graph: Graph, question: str, text: str) -> dict[str, queries.Path]:
    node = await queries.resolve(graph, text)
    answer = await (queries.can if question == "can" else queries.who_can)(graph, node)
    assert answer.revision == await queries.revision(graph)
    assert [scope.account for scope in answer.freshness]
    return {path.end.name: path for path in answer.paths}


async def test_resolve(graph: Graph) -> None:
    rows = [user("Alice", "AIDA1", emails=["Al@x.org"]), user("bob"), role("bob"), role("ops")]
    service = external("ec2.amazonaws.com")
    await load(graph, *rows, links=[trust(service, rows[3])], mentions=[service])
    for text in (arn("user", "Alice"), "alice", "ALICE", "AIDA1", "al@X.org"):
        assert (await queries.resolve(graph, text)).native_id == arn("user", "Alice")
    with pytest.raises(Ambiguous) as caught:
        await queries.resolve(graph, "bob")
    assert caught.value.candidates == [arn("user", "bob"), arn("role", "bob")]
    assert (await queries.resolve(graph, "bob", kinds=[Kind.IAM_ROLE])).kind is Kind.IAM_ROLE
    with pytest.raises(NotFound, match="Alice"):
        await queries.resolve(graph, "alcie")
    for nonsense in ("", "a\x00b", "%", "x" * 3000):
        with pytest.raises(NotFound):
            await queries.resolve(graph, nonsense)
    found = await queries.resolve(graph, "ec2.amazonaws.com")
    assert (found.owned, found.attributes["in_organization"]) == (False, None)


async def test_groups_chains_and_cycles(graph: Graph) -> None:
    alice, admins = user("alice"), group("admins")
    a, b, c = role("a"), role("b"), role("c")
    links = [
        member(admins, alice),
        trust(alice, a),
        trust(a, b, "conditional", statements=[MFA]),
        trust(b, c),
        trust(c, a),
        trust(a, a),
    ]
    await load(graph, alice, admins, a, b, c, links=links)
    found = await paths(graph, "can", "alice")
    assert {name: path.effect for name, path in found.items()} == {
        "admins": "allow", "a": "allow", "b": "conditional", "c": "conditional"
    }  # fmt: skip
    assert [step.node.name for step in found["c"].via] == ["a", "b", "c"]
    assert found["c"].conditions == [{"effect": "Allow", "sid": "s", "conditions": MFA["conditions"]}]
    back = await paths(graph, "who_can", "c")
    assert {name: path.effect for name, path in back.items()} == {
        "b": "allow",
        "a": "conditional",
        "alice": "conditional",
    }
    assert [step.node.name for step in back["alice"].via] == ["b", "a", "alice"]
    assert set(await paths(graph, "who_can", "admins")) == {"alice"}


async def test_the_strongest_of_several_ways_counts(graph: Graph) -> None:
    alice, a, b = user("alice"), role("a"), role("b")
    await load(graph, alice, a, b, links=[trust(alice, b, "unknown"), trust(alice, a), trust(a, b)])
    found = await paths(graph, "can", "alice")
    assert (found["b"].effect, len(found["b"].via)) == ("allow", 2)


async def test_a_trust_of_the_account_is_everybody_s_but_who_is_named_apart(graph: Graph) -> None:
    alice, bob, ops = user("alice"), user("bob"), role("ops")
    root = account_node()
    await load(graph, alice, bob, ops, links=[trust(root, ops), trust(bob, ops, "denied")], mentions=[root])
    found = await paths(graph, "who_can", "ops")
    assert {name: path.effect for name, path in found.items()} == {ACCOUNT: "allow", "alice": "allow", "bob": "denied"}
    assert "sts:AssumeRole" in (found["alice"].note or "") and found["bob"].note is None
    assert (await paths(graph, "can", "alice"))["ops"].via[0].through is not None
    assert (await paths(graph, "can", "bob"))["ops"].effect == "denied"


async def test_anyone_and_other_accounts(graph: Graph) -> None:
    alice, open_role = user("alice"), role("open")
    far, shared = role("far", account=OTHER), role("shared", account=OTHER)
    anyone, us, her = (
        external("*", "anyone"),
        external(ACCOUNT, "account"),
        external(arn("user", "alice"), "unresolved"),
    )
    await load(graph, alice, open_role, links=[trust(anyone, open_role)], mentions=[anyone])
    await load(graph, far, shared, links=[trust(us, far), trust(her, shared)], mentions=[us, her], account=OTHER)
    found = await paths(graph, "can", "alice")
    assert set(found) == {"open", "far", "shared"} and all(path.note for path in found.values())
    assert {
        path.end.native_id for path in (await queries.who_can(graph, await queries.resolve(graph, "open"))).paths
    } == {"*"}
    ends = (await queries.who_can(graph, await queries.resolve(graph, "far"))).paths
    assert {path.end.native_id for path in ends} >= {ACCOUNT, alice.native_id, open_role.native_id}
    assert next(path.end for path in ends if path.end.native_id == ACCOUNT).attributes["in_organization"] is True


async def test_very_long_chains_are_cut_and_say_so(graph: Graph) -> None:
    roles = [role(f"r{n:02}") for n in range(12)]
    await load(graph, *roles, links=[trust(one, other) for one, other in pairwise(roles)])
    answer = await queries.can(graph, await queries.resolve(graph, "r00"))
    assert len(answer.paths) == 8 and "8 steps" in (answer.note or "")
    document = answer.document()
    assert document["paths"][0]["target"]["name"] == "r01" and document["subject"]["name"] == "r00"
    assert (await queries.can(graph, await queries.resolve(graph, "r03"))).note is None


async def test_the_export_is_what_was_sent(graph: Graph) -> None:
    alice, ops, account = user("alice"), role("ops"), account_node()
    outsider, unused = external(f"arn:aws:iam::{OTHER}:root", "unresolved"), external("gone", "service")
    policy = Resource(
        Kind.IAM_POLICY, "arn:aws:iam::aws:policy/Admin", None, "Admin", {"managed_by": "aws", "path": "/"}
    )
    unseen = user("unseen")
    relations = [
        trust(outsider, ops),
        trust(unseen, ops),
        link(RelationKind.ATTACHED, policy, alice),
        link(RelationKind.CONTAINS, account, alice),
    ]
    await load(graph, alice, ops, links=relations, mentions=[account, outsider, policy, unused])
    lines = [line async for line in queries.export(graph)]
    rows = [resource_row(one) for one in (alice, ops, account, outsider, policy)]
    rows[3]["attributes"]["in_organization"] = None
    rows += [relation_row(one) for one in relations]
    assert judge([json.dumps(row) for row in rows], lines).equal
    assert lines == sorted(lines)
    first = '{"type":"relation","kind":"attached","source":"arn:aws:iam::aws:policy/Admin","source_kind":"iam_policy",'
    assert lines[0].startswith(first)
    assert await queries.counts(graph) == queries.Counts(
        {"account": 1, "external_principal": 1, "iam_policy": 1, "iam_role": 1, "iam_user": 1},
        {"attached": 1, "can_assume": 2, "contains": 1},
    )


async def test_an_owned_row_wins_over_a_named_one(graph: Graph) -> None:
    far = role("far", account=OTHER)
    stub = Resource(Kind.IAM_ROLE, far.native_id, OTHER, "stub", {})
    await load(graph, role("ops"), links=[trust(stub, role("ops"))], mentions=[stub])
    await load(graph, far, account=OTHER)
    lines = [json.loads(line) async for line in queries.export(graph)]
    assert [row["name"] for row in lines if row.get("native_id") == far.native_id] == ["far"]
