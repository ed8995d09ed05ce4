"""The oracle catches what it must: each planted fault is seen, and equal is equal."""

import json
from typing import Any

import pytest

from tests.support.oracle import Told, check_order, fold, judge, keys


def user(name: str, **attributes: Any) -> str:
    row = {"type": "resource", "kind": "iam_user", "native_id": f"arn:u/{name}", "account": "1" * 12, "name": name}
    return json.dumps({**row, "attributes": {"path": "/", **attributes}}, sort_keys=True)


def member(name: str, group: str) -> str:
    row = {"type": "relation", "kind": "member_of", "source": f"arn:u/{name}", "source_kind": "iam_user"}
    return json.dumps({**row, "target": group, "target_kind": "iam_group", "attributes": {}}, sort_keys=True)


ANN, BO, MEMBER = user("ann", tags={"a": "1"}), user("bo", tags={}), member("ann", "arn:g/x")
TRUTH = sorted([ANN, BO, MEMBER])


def test_equal_is_equal() -> None:
    assert judge(TRUTH, TRUTH).equal


@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param(sorted([ANN, MEMBER]), id="an omitted resource"),
        pytest.param(sorted([ANN, BO]), id="an omitted relation"),
        pytest.param(sorted([*TRUTH, member("bo", "arn:g/x")]), id="an invented relation"),
        pytest.param(sorted([user("ann", tags={"a": "2"}), BO, MEMBER]), id="a wrong attribute"),
        pytest.param(sorted([user("ann"), BO, MEMBER]), id="an absent attribute"),
        pytest.param(sorted([user("ann", tags={"a": "1"}, extra=None), BO, MEMBER]), id="an extra attribute"),
        pytest.param(sorted([*TRUTH, ANN]), id="a repeated row"),
        pytest.param(list(reversed(TRUTH)), id="unsorted lines"),
    ],
)
def test_a_planted_fault_is_caught(wrong: list[str]) -> None:
    assert not judge(TRUTH, wrong).equal


def test_what_is_named_unread_is_left_out_and_nothing_else_is() -> None:
    without_tags = sorted([MEMBER, user("ann"), user("bo")])
    assert judge(TRUTH, without_tags, unread=["iam_user.tags"]).equal
    assert not judge(TRUTH, without_tags, unread=["iam_role.tags"]).equal
    assert judge(TRUTH, [row for row in TRUTH if "member_of" not in row], unread=["member_of"]).equal


def test_a_policy_of_aws_that_only_an_unread_relation_names_is_left_out() -> None:
    arn = "arn:aws:iam::aws:policy/PowerUserAccess"
    policy = json.dumps({"type": "resource", "kind": "iam_policy", "native_id": arn, "attributes": {}}, sort_keys=True)
    bound = {"type": "relation", "kind": "bounded_by", "source": "arn:u/ann", "source_kind": "iam_user"}
    bounded = json.dumps({**bound, "target": arn, "target_kind": "iam_policy", "attributes": {}}, sort_keys=True)
    truth = sorted([*TRUTH, policy, bounded])
    assert judge(truth, TRUTH, unread=["bounded_by"]).equal
    assert not judge(truth, sorted([*TRUTH, bounded]), unread=["attached"]).equal
    assert not judge(TRUTH, sorted([*TRUTH, policy])).equal, "where all is read, nothing may be left over"


def test_true_is_not_one() -> None:
    assert not judge([user("a", is_root=True)], [user("a", is_root=1)]).equal


def change(kind: str, name: str, revision: int = 2, n: int = 0, **more: Any) -> dict[str, Any]:
    told = {"type": f"resource.{kind}", "kind": "iam_user", "native_id": f"arn:u/{name}", "id": f"{revision}:{n}"}
    return {**told, "revision": revision, "n": n, **more}


def test_the_changes_of_a_graph_add_up() -> None:
    told = [change("removed", "bo"), change("added", "cy"), change("renamed", "di", previous_native_id="arn:u/cy")]
    after = [ANN, MEMBER, user("di")]
    assert fold(keys(TRUTH), told) == keys(after)


@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param([change("added", "ann")], id="added twice"),
        pytest.param([change("removed", "cy")], id="removed but absent"),
        pytest.param([change("changed", "cy")], id="changed but absent"),
        pytest.param([change("renamed", "ann", previous_native_id="arn:u/bo")], id="renamed to what is there"),
    ],
)
def test_a_change_that_cannot_be_is_caught(wrong: list[dict[str, Any]]) -> None:
    with pytest.raises(AssertionError):
        fold(keys(TRUTH), wrong)


HERE, THERE = "1" * 12, "2" * 12


def role(account: str) -> str:
    row = {"type": "resource", "kind": "iam_role", "native_id": f"arn:aws:iam::{account}:role/r", "account": account}
    return json.dumps({**row, "name": "r", "attributes": {"path": "/"}}, sort_keys=True)


def trusts(source: str, account: str) -> str:
    row = {"type": "relation", "kind": "can_assume", "source": f"arn:aws:iam::{source}:role/r"}
    ends = {"source_kind": "iam_role", "target": f"arn:aws:iam::{account}:role/r", "target_kind": "iam_role"}
    return json.dumps({**row, **ends, "attributes": {}}, sort_keys=True)


BOTH = keys([role(HERE), role(THERE), trusts(HERE, THERE), trusts(THERE, HERE)])


def whole(verb: str, account: str, roles: int = 1, revision: int = 2) -> dict[str, Any]:
    told = {"type": f"scope.{verb}", "scope": f"iam/{account}", "kind": "scope", "id": f"{revision}:0"}
    return {**told, "revision": revision, "n": 0, "resources": {"iam_role": roles}, "relations": {"can_assume": 1}}


def test_a_retired_scope_takes_its_rows_along_and_brings_them_back() -> None:
    kept = keys([role(HERE), trusts(THERE, HERE)])
    assert fold(BOTH, [whole("retired", THERE)]) == kept, "whom its roles trust goes, who trusts its roles stays"
    assert fold(BOTH, [whole("retired", THERE), whole("returned", THERE, revision=3)]) == BOTH


@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param([whole("retired", HERE), whole("retired", HERE, revision=3)], id="retired twice"),
        pytest.param([whole("returned", HERE)], id="returned but not retired"),
        pytest.param([whole("retired", HERE, roles=2)], id="more retired than there is"),
        pytest.param([whole("forgotten", HERE)], id="a change nobody knows"),
    ],
)
def test_a_scope_that_cannot_come_or_go_is_caught(wrong: list[dict[str, Any]]) -> None:
    with pytest.raises(AssertionError):
        fold(BOTH, wrong)


def test_a_loaded_scope_is_looked_up_and_counted() -> None:
    everything, loaded = [role(HERE), role(THERE), trusts(HERE, THERE), trusts(THERE, HERE)], whole("loaded", THERE)
    told = Told(keys([role(HERE), trusts(THERE, HERE)]))
    told.load(loaded, everything)
    assert told.now == BOTH
    for wrong in (loaded, whole("loaded", HERE, roles=2)):
        with pytest.raises(AssertionError):
            told.load(wrong, everything)


SET = "arn:aws:sso:::permissionSet/ssoins-1/ps-1"
PLACE, REALIZED = f"{HERE}/{SET}", f"arn:aws:iam::{HERE}:role/r"
OF_CENTER = [
    (("resource", "permission_set", SET), "permission_sets/ssoins-1"),
    (("resource", "inline_policy", f"{SET}#inline"), "permission_sets/ssoins-1"),
    (("relation", "attached", "iam_policy", "arn:aws:iam::aws:policy/A", "permission_set", SET), "permission_sets/s"),
    (("relation", "bounded_by", "permission_set", SET, "iam_policy", "arn:aws:iam::aws:policy/A"), "permission_sets/s"),
    (("resource", "provisioned_permission_set", PLACE), f"assignments/{HERE}"),
    (("relation", "instance_of", "provisioned_permission_set", PLACE, "permission_set", SET), f"assignments/{HERE}"),
    (("relation", "provisioned_to", "provisioned_permission_set", PLACE, "account", HERE), f"assignments/{HERE}"),
    (("relation", "assigned", "identity_user", "u", "provisioned_permission_set", PLACE), f"assignments/{HERE}"),
    (("relation", "realized_as", "provisioned_permission_set", PLACE, "iam_role", REALIZED), f"assignments/{HERE}"),
    (("resource", "identity_user", "u"), "directory_users/d-1"),
    (("resource", "identity_group", "g"), "directory_groups/d-1"),
    (("relation", "member_of", "identity_user", "u", "identity_group", "g"), "directory_memberships/d-1"),
    (("resource", "scim_user", "scim:u"), "scim/t"),
    (("relation", "mirrors", "scim_user", "scim:u", "identity_user", "u"), "scim/t"),
]


@pytest.mark.parametrize(("key", "scope"), OF_CENTER, ids=lambda value: value[1] if isinstance(value, tuple) else "")
def test_each_row_leaves_with_its_scope_alone(key: tuple[str, ...], scope: str) -> None:
    none: dict[str, int] = {}
    counted = {"resources": {key[1]: 1}, "relations": none} if key[0] == "resource" else {}
    left = {"type": "scope.retired", "scope": scope, "resources": none, "relations": {key[1]: 1}, **counted}
    assert fold({key}, [left]) == set()
    for other in {where for _, where in OF_CENTER} - {scope, "permission_sets/s", "permission_sets/ssoins-1"}:
        assert fold({key}, [{**left, "scope": other, "resources": none, "relations": none}]) == {key}


def test_derived_relations_are_not_looked_up_but_told() -> None:
    row = {"type": "relation", "kind": "realized_as", "source": PLACE, "target": REALIZED, "attributes": {}}
    line = json.dumps({**row, "source_kind": "provisioned_permission_set", "target_kind": "iam_role"})
    told = Told(set())
    told.load({"type": "scope.loaded", "scope": f"assignments/{HERE}", "resources": {}, "relations": {}}, [line])
    assert told.now == set()
    told.hear({**json.loads(line), "type": "relation.added"})
    assert told.now == keys([line])


def test_an_account_belongs_to_an_organization_or_to_nobody() -> None:
    row = {"type": "resource", "kind": "account", "native_id": HERE, "account": HERE, "name": HERE}
    assert keys([json.dumps({**row, "attributes": {}})]) == set()
    assert keys([json.dumps({**row, "attributes": {"arn": "arn:…"}})]) == {("resource", "account", HERE)}


def test_a_missing_change_is_caught_by_the_sum() -> None:
    assert fold(keys(TRUTH), []) != keys([ANN, MEMBER])


@pytest.mark.parametrize(
    "places",
    [
        pytest.param([(1, 0), (2, 0), (2, 0)], id="doubled"),
        pytest.param([(1, 0), (2, 1)], id="the first of a revision missing"),
        pytest.param([(1, 0), (3, 0), (2, 0)], id="out of order"),
        pytest.param([(1, 0), (2, 0), (2, 2)], id="one in the middle missing"),
    ],
)
def test_a_broken_order_is_caught(places: list[tuple[int, int]]) -> None:
    with pytest.raises(AssertionError):
        check_order([change("added", "x", revision, n) for revision, n in places])
