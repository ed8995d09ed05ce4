"""The rules of the graph, without a database."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grantwire.contracts.connectors import ConnectorState
from grantwire.contracts.ids import TENANT
from grantwire.contracts.resources import Facts, Kind, Resource
from grantwire.graph import identity
from grantwire.graph.chains import better, effect_of, weakest
from grantwire.graph.delta import Differences
from grantwire.graph.freshness import due_at, is_overdue
from grantwire.graph.outsiders import account_in, in_organization
from grantwire.graph.removals import Loss, held_losses
from grantwire.graph.renames import in_order, recognise
from grantwire.graph.rows import Node, content_of, node_of
from grantwire.graph.runs import PartState, RunState, state_of
from grantwire.graph.standing import state_from

NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("before", "lost", "gained", "held"),
    [
        (100, 20, 0, False),  # twenty are always free
        (100, 21, 0, True),
        (1000, 100, 0, False),  # and so is a tenth
        (1000, 101, 0, True),
        (4, 4, 0, False),  # a small kind may become empty
        (5, 5, 0, True),
        (5, 5, 1, False),  # replaced, not emptied
        (5, 4, 0, False),
    ],
)
def test_the_removal_guard(before: int, lost: int, gained: int, held: bool) -> None:
    found = held_losses({"iam_user": before, "iam_role": 1}, {"iam_user": lost}, {"iam_user": gained})
    assert found == ({"iam_user": Loss(before, lost)} if held else {})


def test_each_kind_is_judged_alone() -> None:
    assert set(held_losses({"assigned": 40, "iam_user": 5000}, {"assigned": 40, "iam_user": 40}, {})) == {"assigned"}


def person(name: str, unique_id: str | None) -> Node:
    return node_of(Resource(Kind.IAM_USER, name, None, name, {"unique_id": unique_id} if unique_id else {}), TENANT)


def differences(before: Mapping[str, str | None], after: Mapping[str, str | None]) -> Differences[Node]:
    old = {row.key: row for row in (person(name, unique) for name, unique in before.items())}
    new = {row.key: row for row in (person(name, unique) for name, unique in after.items())}
    return Differences(
        {key: row for key, row in new.items() if key not in old},
        {key: (old[key], row) for key, row in new.items() if key in old and old[key].hash != row.hash},
        {key: row for key, row in old.items() if key not in new},
    )


def test_a_unique_id_that_was_not_read_is_no_recreation() -> None:
    assert not recognise(differences({"a": "1"}, {"a": None})).replaced
    assert not recognise(differences({"a": None}, {"a": "1"})).replaced


names = st.dictionaries(st.sampled_from("abcdef"), st.sampled_from("123456"), max_size=6).filter(
    lambda held: len(set(held.values())) == len(held)
)


@given(before=names, after=names)
def test_renames_can_be_told_in_their_order(before: dict[str, str], after: dict[str, str]) -> None:
    """Replayed one by one, no rename ever arrives at a name that a later one still has to leave."""
    found = differences(before, after)
    who = recognise(found)
    rows = {person(name, unique).key: person(name, unique) for name, unique in (before | after).items()}
    pairs = in_order([(rows[old], rows[new]) for old, new in who.renamed.items()])
    assert {old.key: new.key for old, new in pairs} == who.renamed
    waiting = set(who.renamed)
    for old, new in pairs:
        waiting.remove(old.key)
        assert new.key not in waiting
    unique_before = {unique: name for name, unique in before.items()}
    for name, unique in after.items():
        if unique_before.get(unique, name) != name:
            moved = who.renamed.get(person(unique_before[unique], unique).key) == person(name, unique).key
            assert moved or person(name, unique).key in who.replaced


def test_ids_do_not_run_into_each_other() -> None:
    assert identity.node_id(1, "a", "bc") != identity.node_id(1, "ab", "c")
    assert identity.lineage(1, "iam_user", "x", {}) != identity.lineage(1, "iam_user", "y", {"unique_id": "x"})
    assert identity.node_id(1, "iam_user", "x") == identity.node_id(1, Kind.IAM_USER, "x")


def test_equal_rows_have_equal_hashes_whatever_the_order_of_their_keys() -> None:
    one = Resource(Kind.IAM_USER, "x", None, "x", {"a": 1, "b": {"c": [1], "d": None}})
    other = Resource(Kind.IAM_USER, "x", None, "x", {"b": {"d": None, "c": [1]}, "a": 1})
    assert node_of(one, TENANT) == node_of(other, TENANT)
    assert content_of(Facts((one, other)), TENANT).nodes.keys() == {node_of(one, TENANT).key}


@pytest.mark.parametrize(
    ("minutes", "late", "overdue"), [(10, 899, False), (10, 901, True), (0.05, 7.9, False), (0.05, 8.1, True)]
)
def test_overdue(minutes: float, late: float, overdue: bool) -> None:
    assert is_overdue(NOW + timedelta(seconds=late), NOW, timedelta(minutes=minutes)) is overdue


def test_what_was_never_read_is_not_overdue() -> None:
    assert not is_overdue(NOW, None, timedelta(seconds=1)) and due_at(None, timedelta(1)) is None


def test_a_chain_is_as_good_as_its_weakest_step() -> None:
    assert weakest(["allow", "conditional", "unknown"]) == "unknown"
    assert weakest(["unknown", "denied"]) == "denied" and weakest([]) == "allow"
    assert effect_of({"effect": "perhaps"}) == "unknown" and effect_of({}) == "allow"
    assert better("conditional", "unknown") and not better("allow", "allow")


@pytest.mark.parametrize(
    ("native_id", "account"),
    [
        ("111122223333", "111122223333"),
        ("arn:aws-cn:iam::111122223333:user/x", "111122223333"),
        ("arn:aws:sts::111122223333:assumed-role/a/b", "111122223333"),
        ("ec2.amazonaws.com", None),
        ("AIDAEXAMPLE", None),
        ("arn:aws:iam::aws:policy/x", None),
    ],
)
def test_the_account_in_a_principal(native_id: str, account: str | None) -> None:
    assert account_in(native_id) == account


def test_who_is_inside() -> None:
    ours = {"111122223333"}
    assert in_organization("111122223333", ours, False) is True
    assert in_organization("444455556666", ours, False) is None
    assert in_organization("444455556666", ours, True) is False
    assert in_organization("*", ours, True) is None


@pytest.mark.parametrize(
    ("parts", "state"),
    [
        (["requested", "requested"], "requested"),
        (["requested", "complete"], "running"),
        (["published"], "running"),
        (["complete", "unchanged", "unreachable"], "complete"),
        (["complete", "failed"], "partial"),
        (["stale"], "partial"),
        (["failed", "failed"], "failed"),
    ],
)
def test_the_state_of_a_run(parts: list[PartState], state: RunState) -> None:
    assert state_of(parts) == state


@pytest.mark.parametrize(
    ("parts", "state"),
    [
        (["requested"], "requested"),
        (["published"], "running"),
        (["complete"], "running"),
        (["failed"], "running"),
    ],
)
def test_a_run_goes_on_until_all_of_its_parts_are_known(parts: list[PartState], state: RunState) -> None:
    assert state_of(parts, expanded=False) == state


@pytest.mark.parametrize(
    ("standing", "state", "reason"),
    [
        ({"failing": 0, "unread": False}, ConnectorState.CONNECTED, None),
        ({"failing": 0, "unread": True}, ConnectorState.SYNCING, None),
        ({"failing": 1, "unread": True}, ConnectorState.DEGRADED, "iam/1: No."),
        ({"failing": 1, "reason": None}, ConnectorState.DEGRADED, "iam/1: stale"),
        ({"failing": 3}, ConnectorState.DEGRADED, "3 of 12 scopes are stale; first iam/1: No."),
        (
            {"failing": 2, "states": ["stale", "held"]},
            ConnectorState.DEGRADED,
            "2 of 12 scopes are stale or held; first iam/1: No.",
        ),
    ],
)
def test_the_state_of_a_connector(standing: dict[str, Any], state: ConnectorState, reason: str | None) -> None:
    first = {"key": "iam/1", "state": "stale", "reason": {"code": "denied", "text": "No."}}
    assert state_from({"scopes": 12, "states": ["stale"], "unread": False, **first, **standing}) == (state, reason)
