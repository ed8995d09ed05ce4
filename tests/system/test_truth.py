"""One command, any endpoint: the export equals the truth in every id, attribute and relation."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.support.commands import Done, connectors_file, grantwire
from tests.support.oracle import judge
from tests.support.world import Sandbox, sandbox

MESS = ("--short", "0.6", "--empty", "0.3")


def up(tmp_path: Path, aws: Sandbox, plan: str) -> tuple[Done, list[str]]:
    connectors, export = connectors_file(tmp_path / "connectors.yaml", aws.connector(plan)), tmp_path / "export.jsonl"
    once = ("--exit-when-synced", "--json", "--connectors", connectors)
    done = grantwire("up", *once, "--export", export, "--state-dir", tmp_path / "state", env=aws.environment())
    return done, export.read_text().splitlines() if export.exists() else []


@pytest.mark.parametrize("plan", ["bulk", "minimum"])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_export_equals_the_truth(tmp_path: Path, seed: int, plan: str) -> None:
    with sandbox(seed, *MESS) as aws:
        done, export = up(tmp_path, aws, plan)
        assert done.code == 0, done.err
        truth = aws.truth(plan)
    (scope,) = done.json["scopes"]["complete"]
    assert scope["scope"] == f"iam/{aws.account}"
    assert scope["plan"] == plan
    verdict = judge(truth, export)
    assert verdict.equal, str(verdict)
    _what_is_unread_is_named(aws, plan, scope, truth, export)


def _what_is_unread_is_named(
    aws: Sandbox, plan: str, scope: dict[str, Any], truth: list[str], export: list[str]
) -> None:
    """Every kind and attribute that the whole truth has and this export lacks is named as unread."""
    named = {item if isinstance(item, str) else item["what"] for item in scope["unread"]}
    assert _vocabulary(truth) == _vocabulary(export)
    if plan == "minimum":
        assert {"iam_user.tags", "iam_role.tags", "iam_policy", "inline_policy", "attached", "bounded_by"} <= named
    assert {"iam_user.console_access", "iam_user.mfa_active", "iam_user.password_last_changed"} <= named


def _vocabulary(lines: list[str]) -> set[str]:
    rows = [json.loads(line) for line in lines]
    return {row["kind"] for row in rows} | {f"{row['kind']}.{name}" for row in rows for name in row["attributes"]}


def test_planted_faults_in_a_real_export_are_caught(tmp_path: Path) -> None:
    with sandbox(4) as aws:
        done, export = up(tmp_path, aws, "bulk")
        assert done.code == 0, done.err
        truth = aws.truth()
    assert judge(truth, export).equal
    role = next(index for index, line in enumerate(export) if '"can_assume"' in line and '"allow"' in line)
    assert not judge(truth, [*export[:role], *export[role + 1 :]]).equal, "an omission"
    assert not judge(truth, [line.replace('"allow"', '"denied"') for line in export]).equal, "a wrong attribute"
    invented = export[role].replace(aws.account, "000000000001")
    assert not judge(truth, sorted([*export, invented])).equal, "an invented relation"
