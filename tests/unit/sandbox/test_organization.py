"""The plan of an organization, its partitions, and its truth, without a server."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

import pytest

from grantwire.sandbox import ids
from grantwire.sandbox.blueprint import newcomer, plan
from grantwire.sandbox.facts import Drop, Put, Role, User
from grantwire.sandbox.organization.facts import Account, Change, Unit, after, status_shown
from grantwire.sandbox.organization.neighbours import NEIGHBOURS
from grantwire.sandbox.organization.tree import Tree
from grantwire.sandbox.partitions import PARTITIONS, home_of, spelled
from grantwire.sandbox.plan import OrganizationPlan, Plan, Sizes, facts_line, trust_key, unreachable
from grantwire.sandbox.sources import account_in
from grantwire.sandbox.state import Options, State
from grantwire.sandbox.wire.requests import check
from grantwire.sandbox.wire.services import load

SMALL = Sizes(8, 3, 16)


def organized(seed: int = 1, accounts: int = 12, partition: str = "aws", calm: bool = False) -> Plan:
    return plan(seed, SMALL, None, accounts, partition, calm)


def of(planned: Plan) -> OrganizationPlan:
    assert planned.organization is not None
    return planned.organization


def tree_of(planned: Plan) -> Tree:
    return Tree(planned.partition, of(planned).rows)


def test_a_seed_always_gives_the_same_organization() -> None:
    assert organized(7) == organized(7)
    assert of(organized(7)).rows != of(organized(8)).rows


def test_the_management_account_is_the_account_of_the_flags() -> None:
    alone, many = plan(3, SMALL), organized(3)
    assert (many.account, many.bulk, many.credentials) == (alone.account, alone.bulk, alone.credentials)
    assert of(plan(3, SMALL, "111122223333", 4)).management == "111122223333"


def test_one_account_has_no_organization() -> None:
    assert plan(3, SMALL, None, 1).organization is None
    assert "organization" not in facts_line(plan(3, SMALL), "")


def test_a_bigger_organization_keeps_the_accounts_of_the_smaller() -> None:
    small, large = of(organized(2, 9)), of(organized(2, 14))
    # The neighbour of the last account is the first: its roles differ, its users do not.
    assert [each.account for each in small.members] == [each.account for each in large.members[:9]]
    assert small.members[:8] == large.members[:8]


@pytest.mark.parametrize("sizes", [SMALL, Sizes(1, 0, 5), Sizes(40, 6, 60)], ids=str)
def test_sizes_are_those_of_each_account(sizes: Sizes) -> None:
    for each in of(plan(2, sizes, None, 8)).members:
        counts = Counter(type(row) for row in each.rows)
        assert (counts[User], counts[Role]) == (sizes.users, sizes.roles)


def test_names_repeat_across_accounts_and_ids_do_not() -> None:
    members = of(plan(1, Sizes(40, 3, 16), None, 8)).members
    names = Counter(row.name for each in members for row in each.rows if isinstance(row, User))
    ids = Counter(row.unique_id for each in members for row in each.rows if isinstance(row, User | Role))
    assert names["sandbox-admin"] == len(members)
    assert set(ids.values()) == {1}
    assert len({frozenset(row.name for row in each.rows if isinstance(row, User)) for each in members}) > 1


def test_accounts_are_up_to_five_units_deep_and_names_are_what_organizations_accepts() -> None:
    planned = organized(accounts=30)
    tree, shape = tree_of(planned), load("organizations").model.shape_for
    depths = Counter(_depth(tree, each) for each in tree.accounts)
    assert {0, 5} <= depths.keys()
    for row in of(planned).rows:
        if isinstance(row, Account):
            check(shape("Account"), {"Id": row.id, "Name": row.name, "Email": row.email, "Arn": tree.arn(row.id)})
        if isinstance(row, Unit):
            check(shape("Root" if row.parent is None else "OrganizationalUnit"), {"Id": row.id, "Name": row.name})
    assert len({row.email for row in tree.accounts.values()}) == len(tree.accounts)


def _depth(tree: Tree, native_id: str) -> int:
    above = tree.parent_of(native_id)
    return 0 if above is None or above.parent is None else 1 + _depth(tree, above.id)


def test_every_trouble_is_planted_once() -> None:
    planned = of(organized())
    assert Counter(unreachable(planned, planned.rows).values()) == {
        "the account is SUSPENDED": 1,
        "the account is PENDING_CLOSURE": 1,
        "the child role does not exist": 1,
        "the child role trusts another account": 1,
    }
    assert sum(each.external_id is not None for each in planned.members) == 1
    assert planned.management in unreachable(planned, planned.rows, "delegated")
    calm = of(organized(calm=True))
    assert unreachable(calm, calm.rows) == {}


def test_the_line_of_facts_names_every_account() -> None:
    line = facts_line(organized(), "http://x")
    numbers = {line["organization"]["management_account"], *line["organization"]["member_accounts"]}
    assert line["admin_of"].keys() == numbers
    assert len(numbers) == 12
    assert line["connectors"].keys() == {
        "bulk",
        "minimum",
        "organization",
        "organization_minimum",
        "delegated",
        "delegated_minimum",
    }
    assert f":{line['organization']['delegated_administrator']}:" in line["connectors"]["delegated"]["role_arn"]


def lines(planned: Plan, read: str = "bulk") -> list[dict[str, Any]]:
    state = State(planned, Options())
    return state.truth_lines("bulk" if read == "bulk" else "minimum", state.reachable())


def assumed(found: list[dict[str, Any]], name: str) -> list[tuple[str, str, str]]:
    held = [line for line in found if line["kind"] == "can_assume" and line["target"].endswith(f"/{name}")]
    return [(line["source_kind"], line["source"], line["attributes"]["effect"]) for line in held]


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_what_was_written_by_hand_of_inside_and_outside_is_what_is_shown(seed: int) -> None:
    planned = plan(seed, Sizes(8, 3, 60), None, 6)
    shown = {line["native_id"]: line["attributes"] for line in lines(planned) if line["kind"] == "external_principal"}
    said = [claim for each in of(planned).members for meant in each.expectations.values() for claim in meant.claims]
    told = [each for each in said if each.in_organization is not None]
    assert {each.in_organization for each in told} == {True, False}
    for each in told:
        assert shown.get(each.source, {"in_organization": each.in_organization})["in_organization"] == (
            each.in_organization
        )
    for each in said:  # what was planted with no organization in mind: by the account in the id
        if each.source in shown and account_in(each.source) is None:
            assert shown[each.source]["in_organization"] is None
    numbers = {each.account for each in of(planned).members}
    assert not [native_id for native_id in shown if native_id in numbers]


def test_a_principal_of_another_account_of_the_organization_is_that_resource() -> None:
    found, numbers = lines(organized()), {each.account for each in of(organized()).members}
    for name, kind in (("neighbour_role", "iam_role"), ("neighbour_user", "iam_user"), ("neighbour_root", "account")):
        sources = assumed(found, name)
        assert sources
        assert {each[0] for each in sources} == {kind}
        assert {account_in(each[1]) for each in sources} <= numbers
    assert {each[0] for each in assumed(found, "neighbour_and_stranger")} == {"account", "external_principal"}
    assert {each[2] for each in assumed(found, "neighbour_denies_its_user")} == {"denied"}
    assert len(NEIGHBOURS) == 7


def test_an_account_that_leaves_takes_its_principals_outside() -> None:
    planned = organized()
    state = State(planned, Options())
    holder, gone = of(planned).members[7].account, of(planned).members[8].account  # 8 is the neighbour of 7
    state.leave(gone)
    found = state.truth_lines("bulk", state.reachable())
    held = [line for line in found if line["kind"] == "can_assume" and f":{holder}:" in line["target"]]
    kinds = {line["source_kind"] for line in held if account_in(line["source"]) == gone}
    assert kinds == {"external_principal"}
    external = {line["native_id"]: line["attributes"] for line in found if line["kind"] == "external_principal"}
    assert external[gone] == {"principal_class": "account", "issuer": None, "in_organization": False}
    assert gone not in {line["native_id"] for line in found if line["kind"] == "account"}
    state.join(gone, None)
    assert {line["native_id"] for line in state.truth_lines("bulk", []) if line["kind"] == "account"} >= {gone}
    assert gone not in {
        line["native_id"]
        for line in state.truth_lines("bulk", state.reachable())
        if line["kind"] == "external_principal"
    }


def test_an_account_that_was_never_here_can_join() -> None:
    planned = organized()
    state = State(planned, Options())
    state.join("999988887777", newcomer(planned, "999988887777"))
    found = state.truth_lines("bulk", state.reachable())
    assert sum(line["account"] == "999988887777" for line in found if line["type"] == "resource") > 30
    with pytest.raises(ValueError, match="is a member"):
        state.join("999988887777", None)


def test_a_stranger_that_joins_brings_its_principals_inside() -> None:
    planned = organized()
    state, vendor, partner = State(planned, Options()), ids.digits(1, "vendor"), ids.digits(1, "partner")
    arn = f"arn:aws:iam::{vendor}:role/vendor/reader"
    assert {each[:2] for each in assumed(lines_of(state), "outside_role")} == {("external_principal", arn)}
    for number in (vendor, partner):
        state.join(number, newcomer(planned, number))
    found = lines_of(state)
    assert {each[:2] for each in assumed(found, "outside_role") if vendor in each[1]} == {("iam_role", arn)}
    assert {each[0] for each in assumed(found, "neighbour_and_stranger")} == {"account"}


def test_a_principal_of_another_account_is_followed_and_leaves_its_id() -> None:
    planned = organized()
    state = State(planned, Options())
    role = next(row for row in of(planned).members[7].rows if isinstance(row, Role) and row.name == "neighbour_user")
    unique_id = re.findall("\ue000(.*?)\ue001", role.trust)[0]
    world = state.worlds[of(planned).members[8].account]
    user = world.users.get(unique_id)
    assert user is not None
    world.apply(Put(User(unique_id, "renamed-elsewhere", "/", user.created_at)))
    arn = f"{world.iam}user/renamed-elsewhere"
    assert ("iam_user", arn, "conditional") in assumed(lines_of(state), "neighbour_user")
    assert arn in state.worlds[of(planned).members[7].account].trust(role)
    world.apply(Drop(user))
    assert unique_id in state.worlds[of(planned).members[7].account].trust(role)


def lines_of(state: State) -> list[dict[str, Any]]:
    return state.truth_lines("bulk", state.reachable())


def test_accounts_outside_the_readable_ones_keep_their_line_and_nothing_else() -> None:
    planned = organized()
    state = State(planned, Options())
    only = {of(planned).management}
    found = state.truth_lines("bulk", only)
    assert {line["account"] for line in found if line["kind"] == "iam_user"} == only
    accounts = [line for line in found if line["kind"] == "account"]
    assert len(accounts) == 12
    assert {line["native_id"] for line in accounts if "aliases" in line["attributes"]} == only


def test_the_minimum_plan_reads_no_aliases() -> None:
    state = State(organized(), Options())
    assert "account.aliases" in state.unread("minimum")
    assert "account.aliases" not in state.unread("bulk")
    assert "account.aliases" not in State(plan(1, SMALL), Options()).unread("minimum")
    found = state.truth_lines("minimum", state.reachable())
    assert not [line for line in found if line["kind"] == "account" and "aliases" in line["attributes"]]


@pytest.mark.parametrize("partition", ["aws-us-gov", "aws-cn"])
def test_another_partition_is_the_same_organization_spelled_otherwise(partition: str) -> None:
    here, there = organized(), organized(partition=partition)
    assert there.region == PARTITIONS[partition].region
    assert home_of(there.region) == there.partition == partition
    assert "arn:aws:" not in repr(there)
    assert not re.search(r"\b(us-east-1|eu-west-1|ap-southeast-2)\b", repr(there))
    assert [each.account for each in of(here).members] == [each.account for each in of(there).members]
    for each in of(there).members:
        assert all(trust_key(row.trust) in each.expectations for row in each.rows if isinstance(row, Role))
    assert len(lines(here)) == len(lines(there))
    assert "arn:aws:" not in repr(lines(there))


def test_the_suffix_of_china_stands_where_aws_uses_it() -> None:
    text = '{"Service":["ec2.amazonaws.com","lambda.amazonaws.com"]}'
    assert spelled(text, "aws-cn") == '{"Service":["ec2.amazonaws.com.cn","lambda.amazonaws.com"]}'
    assert spelled(text, "aws-us-gov") == text
    assert spelled("oidc.eks.eu-west-1.amazonaws.com/id/X", "aws-cn") == "oidc.eks.cn-north-1.amazonaws.com.cn/id/X"
    planned = plan(1, Sizes(8, 3, 60), None, 2, "aws-cn")
    sources = {source for _, source, _ in assumed(lines(planned), "one_service")}
    assert sources == {"ec2.amazonaws.com.cn"}


def test_the_journal_replayed_is_the_tree() -> None:
    planned = organized()
    tree = tree_of(planned)
    first, second = of(planned).members[7].account, of(planned).members[8].account
    tree.move(first, tree.root.id)
    tree.set_state(second, "SUSPENDED")
    tree.leave(first)
    assert set(after(tree.start, tree.journal)) == set(tree.as_of(0).facts()) == set(tree.facts())
    assert first in tree.as_of(1).accounts
    assert tree.as_of(99).facts() == Tree("aws", tree.start).facts()
    assert Change(tree.accounts[second]) in tree.journal


@pytest.mark.parametrize(
    ("state", "shown", "expected"),
    [
        ("ACTIVE", "both", {"State": "ACTIVE", "Status": "ACTIVE"}),
        ("CLOSED", "both", {"State": "CLOSED", "Status": "SUSPENDED"}),
        ("PENDING_ACTIVATION", "both", {"State": "PENDING_ACTIVATION"}),
        ("SUSPENDED", "state", {"State": "SUSPENDED"}),
        ("PENDING_CLOSURE", "status", {"Status": "PENDING_CLOSURE"}),
        ("ACTIVE", "none", {}),
    ],
)
def test_state_and_status(state: str, shown: str, expected: dict[str, str]) -> None:
    assert status_shown(state, shown) == expected
