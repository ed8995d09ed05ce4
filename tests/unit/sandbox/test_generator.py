"""The plan of an account: repeatable, within AWS's bounds where they bind, and with every planted case in it."""

from __future__ import annotations

import json
import re
from collections import Counter

import pytest

from grantwire.sandbox import messes
from grantwire.sandbox.blueprint import CASES, plan
from grantwire.sandbox.facts import CLOSE, OPEN, Drop, Group, Inline, Policy, Put, Role, User
from grantwire.sandbox.plan import Plan, Sizes
from grantwire.sandbox.truth import UNREAD, Line, Truth, Unexpected, jsonl, now
from grantwire.sandbox.wire.requests import check
from grantwire.sandbox.wire.services import load


def sorted_line(line: Line) -> Line:
    """With the attributes in the order of the export."""
    return line | {"attributes": json.loads(json.dumps(line["attributes"], sort_keys=True))}


def truth_of(planned: Plan, *effects: Put | Drop) -> Truth:
    return Truth(planned.account, now(planned.rows, effects), planned.expectations, {})


@pytest.fixture(scope="module")
def planned() -> Plan:
    return plan(1)


def test_a_seed_always_gives_the_same_account() -> None:
    assert plan(7) == plan(7)
    assert plan(7).rows != plan(8).rows


def test_a_bigger_account_keeps_what_the_smaller_has() -> None:
    small = {row.name for row in plan(3, Sizes(100, 20, 50)).rows if isinstance(row, User)}
    large = {row.name for row in plan(3, Sizes(200, 40, 90)).rows if isinstance(row, User)}
    assert small < large


@pytest.mark.parametrize("sizes", [Sizes(), Sizes(30, 5, 12), Sizes(1, 0, 2), Sizes(250, 40, 120)], ids=str)
def test_sizes_are_totals(sizes: Sizes) -> None:
    counts = Counter(type(row) for row in plan(2, sizes).rows)
    assert (counts[User], counts[Group], counts[Role]) == (sizes.users, sizes.groups, sizes.roles)


@pytest.mark.parametrize("seed", range(1, 6))
def test_names_and_paths_are_what_iam_accepts(seed: int) -> None:
    iam, names = load("iam").model, Counter[tuple[str, str]]()
    for row in plan(seed).rows:
        if isinstance(row, User | Group | Role | Policy):
            kind = type(row).__name__
            shape = iam.operation_model(f"Create{kind}").input_shape
            assert shape is not None
            check(shape.members[f"{kind}Name"], row.name)
            check(shape.members["Path"], row.path)
            names[kind, row.name.lower()] += 1
    assert set(names.values()) == {1}  # unique without regard to letter case


@pytest.mark.parametrize("seed", range(1, 6))
def test_documents_stay_within_aws_limits(seed: int) -> None:
    rows = plan(seed).rows
    limit = {User: 2_048, Group: 5_120, Role: 10_240}
    holders = {row.unique_id: type(row) for row in rows if isinstance(row, User | Group | Role)}
    held = Counter[str]()
    for row in rows:
        if isinstance(row, Inline):
            held[row.holder_id] += len("".join(row.document.split()))
        if isinstance(row, Policy):
            assert len(row.versions) <= 5
            assert all(len("".join(version.document.split())) <= 6_144 for version in row.versions)
    assert all(size <= limit[holders[holder]] for holder, size in held.items())


def test_every_planted_case_is_in_an_account_of_the_default_size(planned: Plan) -> None:
    names = {row.name for row in planned.rows if isinstance(row, Role)}
    assert len({case.__name__ for case in CASES} - names) == 1  # one of them carries the longest name instead
    assert "R" * 64 in names


def test_the_mess_is_there(planned: Plan) -> None:
    rows = planned.rows
    values = {value for row in rows if isinstance(row, User | Role) for _, value in row.tags}
    assert values & set(messes.TAG_VALUES) >= {"<script>alert('tag')</script>", "=cmd()|'/c calc'!A0", "\u202egnp.exe"}
    assert any(
        len(row.versions) > 1 and row.default != row.versions[-1].version_id for row in rows if isinstance(row, Policy)
    )
    assert any(row.boundary for row in rows if isinstance(row, Role))
    assert any(re.fullmatch(r"AWSReservedSSO_.+_[0-9a-f]{16}", row.name) for row in rows if isinstance(row, Role))


def test_no_export_line_is_said_twice_and_marks_never_show(planned: Plan) -> None:
    for name in UNREAD:
        lines = truth_of(planned).lines(name)
        keys = [(each["kind"], each.get("native_id"), each.get("source"), each.get("target")) for each in lines]
        assert len(set(keys)) == len(keys)
        text = jsonl(lines)
        assert OPEN not in text
        assert CLOSE not in text
        assert text.splitlines() == sorted(text.splitlines())
        assert sorted(map(repr, map(json.loads, text.splitlines()))) == sorted(map(repr, map(sorted_line, lines)))


def test_the_minimum_plan_reads_less(planned: Plan) -> None:
    hidden = set(UNREAD["minimum"])
    for line in truth_of(planned).lines("minimum"):
        assert line["kind"] not in hidden
        assert not {f"{line['kind']}.{name}" for name in line["attributes"]} & hidden


def test_documents_show_what_cannot_be_stored_as_replacement(planned: Plan) -> None:
    _, shown = messes.unstorable()
    found = [line for line in truth_of(planned).lines() if line.get("name") == "unstorable"]
    assert [line["attributes"]["document"] for line in found] == [shown]


def test_a_renamed_user_is_followed_by_trust_and_a_deleted_one_leaves_an_id(planned: Plan) -> None:
    # `one_user` trusts one own user, whoever the seed chose.
    role = next(row for row in planned.rows if isinstance(row, Role) and row.name == "one_user")
    unique_id = re.findall(f"{OPEN}(.*?){CLOSE}", role.trust)[0]
    user = next(row for row in planned.rows if isinstance(row, User) and row.unique_id == unique_id)
    renamed = User(user.unique_id, "renamed", "/new/", user.created_at)

    def sources(truth: Truth) -> list[tuple[str, str]]:
        lines = [line for line in truth.lines() if line["kind"] == "can_assume"]
        return [(line["source_kind"], line["source"]) for line in lines if line["target"].endswith("/one_user")]

    assert sources(truth_of(planned, Put(renamed))) == [
        ("iam_user", f"arn:aws:iam::{planned.account}:user/new/renamed")
    ]
    lone = plan(1, Sizes(100, 20, 12))  # no case that would need a new expectation
    held = [Drop(row) for row in lone.rows if unique_id in row.key and not isinstance(row, User)]
    assert sources(truth_of(lone, *held, Drop(user))) == [("external_principal", unique_id)]


def test_an_unknown_trust_policy_has_no_truth(planned: Plan) -> None:
    role = next(row for row in planned.rows if isinstance(row, Role) and row.name == "one_user")
    changed = Role(role.unique_id, role.name, role.path, role.created_at, '{"Statement": []}')
    with pytest.raises(Unexpected, match="one_user"):
        truth_of(planned, Put(changed)).lines()
