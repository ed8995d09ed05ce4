"""Export against truth, line by line."""

import json
from typing import Any

import pytest

from grantwire.cli.comparing import compare


def user(name: str, **attributes: Any) -> str:
    row = {"type": "resource", "kind": "iam_user", "native_id": f"arn:{name}", "account": "1", "name": name}
    return json.dumps({**row, "attributes": {"path": "/", **attributes}})


def trust(source: str, kind: str = "iam_user", **attributes: Any) -> str:
    ends = {"source": f"arn:{source}", "source_kind": kind, "target": "arn:role", "target_kind": "iam_role"}
    return json.dumps({"type": "relation", "kind": "can_assume", **ends, "attributes": attributes})


OUTSIDER = json.dumps(
    {"type": "resource", "kind": "external_principal", "native_id": "arn:x", "account": None, "name": "x"}
    | {"attributes": {}}
)


def test_the_same_lines_in_any_order_are_equal() -> None:
    found = compare([user("a"), user("b"), trust("a")], [trust("a"), user("b"), user("a")], [])
    assert (found.equal, found.resources, found.relations) == (True, 2, 1)


@pytest.mark.parametrize(
    ("export", "said"),
    [
        ([user("a")], "missing: arn:a can_assume arn:role"),
        ([trust("a")], "missing: iam_user arn:a"),
        ([user("a"), trust("a"), user("c")], "invented: iam_user arn:c"),
        ([user("a", path="/x/"), trust("a")], "different: iam_user arn:a: path"),
        ([user("a", tags=None), trust("a")], "different: iam_user arn:a: tags"),
        ([user("a"), trust("a", effect="allow")], "different: arn:a can_assume arn:role: effect"),
    ],
)
def test_each_difference_is_named(export: list[str], said: str) -> None:
    assert compare([user("a"), trust("a")], export, []).differences == [said]


def test_what_a_plan_cannot_read_is_left_out_of_both() -> None:
    truth = [user("a", tags=[1]), trust("x", "external_principal"), OUTSIDER]
    assert compare(truth, [user("a")], ["iam_user.tags", "can_assume"]).equal
    assert not compare(truth, [user("a")], ["iam_user.tags"]).equal
