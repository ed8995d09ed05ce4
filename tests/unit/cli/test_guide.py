"""What is printed to be pasted: a shell reads the policies as they are, whatever is in them."""

import io
import json
from typing import Any

import pytest
from rich.console import Console

from grantwire.cli.guide import print_guide
from tests.support.pasting import commands

TRUST = {"Statement": [{"Principal": {"AWS": "arn:aws:iam::123456789012:role/it's $HOME/`x`"}}]}
PERMISSIONS = {"Statement": [{"Action": ["iam:ListUsers"] * 30, "Resource": "*"}]}


def setup(**but: Any) -> dict[str, Any]:
    role = {"role": "connector", "name": "Grantwire", "where": "the account to read", "note": None}
    return {
        "external_id": "an-external-id",
        "partition": "aws",
        "trusted": {"arn": "arn:aws:iam::123456789012:user/op", "how": "caller", "note": None},
        "roles": [role | {"trust_policy": TRUST, "permissions_policy": PERMISSIONS}],
        "allowances": [{"who": "who runs Grantwire", "policy": PERMISSIONS}],
        "further": [],
        "notes": ["Something to know."],
        **but,
    }


def printed(width: int, state: str = "draft", **but: Any) -> str:
    console = Console(file=io.StringIO(), width=width, force_terminal=False, highlight=False)
    connector = {"id": "prod", "state": state, "settings": {"role_arn": None}}
    print_guide(console, setup(**but), connector)
    text: str = console.file.getvalue()  # type: ignore[attr-defined]
    return text


@pytest.mark.parametrize("width", [40, 80, 120])
def test_a_shell_reads_the_policies_as_they_are(width: int) -> None:
    create, put = commands(printed(width))
    assert create[:4] == ["aws", "iam", "create-role", "--role-name"]
    assert json.loads(create[-1]) == TRUST
    assert json.loads(put[-1]) == PERMISSIONS


def test_what_most_do_without_is_shown_with_its_reason_and_not_as_a_command() -> None:
    text = printed(80, further=[{"who": "the role Grantwire, only if it is wanted", "policy": PERMISSIONS}])
    assert "Further, for the role Grantwire, only if it is wanted:" in text
    assert len(commands(text)) == 2


def test_a_draft_is_told_what_comes_last() -> None:
    assert "grantwire connector set-role prod arn:aws:iam::ACCOUNT:role/Grantwire" in printed(80)
    assert "set-role" not in printed(80, "connected")


def test_whoever_is_not_known_is_said_not_to_be() -> None:
    trusted = {"arn": "<the ARN of who runs Grantwire>", "how": "unknown", "note": "Who runs it is not known."}
    text = printed(80, trusted=trusted)
    assert "<the ARN of who runs Grantwire> (not known)" in text
    assert "Who runs it is not known." in text


def test_what_comes_from_outside_is_no_escape() -> None:
    assert "\x1b" not in printed(80, notes=["\x1b[31mred"])
