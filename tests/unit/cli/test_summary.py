"""What a sync brought, in one object, and the number it ends with."""

from typing import Any

import pytest

from grantwire.cli.exits import Exit, Stop
from grantwire.cli.following import Synced
from grantwire.cli.pasting import choose, scope_lines, short_name
from grantwire.cli.summary import as_planted, exit_of, summary

SCOPE = "iam/123456789012"


def part(state: str, **but: Any) -> dict[str, Any]:
    calls = {"iam:ListUsers": 2, "iam:ListRoles": 1}
    counts = {"inserted": 3, "changed": 2, "removed": 1, "messages": 6}
    return {"scope": SCOPE, "state": state, "reason": None, "calls": calls, "throttled": 1, "unread": []} | counts | but


def run(*scopes: dict[str, Any], state: str = "complete") -> dict[str, Any]:
    return {"state": state, "scopes": list(scopes)}


COUNTS = {"resources": {"iam_user": 3}, "relations": {"member_of": 2}}
STATUS = {
    "scopes": [{"scope": SCOPE, "plan": "bulk", "unread": []}],
    "revision": 4,
    "connectors": [],
}
CONNECTOR = {"id": "demo", "organization": "o-abc", "account": "1", "state": "degraded", "reason": None}


def test_calls_and_changes_are_added_up() -> None:
    found = summary(
        COUNTS,
        STATUS,
        Synced({"a": run(part("complete", messages=1)), "b": run(part("unchanged", calls={"iam:ListUsers": 1}))}),
    )
    assert found["calls"] == {"iam:ListRoles": 1, "iam:ListUsers": 3}
    assert (found["calls_total"], found["throttled"], found["changes"]) == (4, 2, 7)
    assert found["rows"] == {"inserted": 6, "changed": 4, "removed": 2}
    assert found["resources"] == {"iam_user": 3}


def test_every_scope_is_in_one_list_with_its_reason() -> None:
    reason = {"code": "denied", "text": "AccessDenied on iam:ListRoles."}
    runs = {
        "a": run(part("complete", unread=[{"what": "iam_user.tags", "why": "denied"}])),
        "b": run(part("stale", reason=reason), state="partial"),
        "c": run(part("unreachable", reason={"code": "suspended", "text": "Suspended."})),
        "d": run(part("failed", reason={"code": "failed", "text": "Given up."}), state="failed"),
    }
    scopes = summary(COUNTS, STATUS, Synced(runs))["scopes"]
    unread = [{"what": "iam_user.tags", "why": "denied"}]
    assert scopes["complete"] == [{"scope": SCOPE, "account": None, "name": None, "plan": "bulk", "unread": unread}]
    assert [each["reason"] for each in scopes["stale"]] == ["AccessDenied on iam:ListRoles.", "Given up."]
    assert [each["reason"] for each in scopes["unreachable"]] == ["Suspended."]


@pytest.mark.parametrize(
    ("synced", "code"),
    [
        (Synced({"a": run(part("complete"), part("unchanged"))}), Exit.OK),
        (Synced({"a": run(part("complete"), part("stale"), state="partial")}), Exit.PARTIAL),
        (Synced({"a": run(part("unreachable"))}), Exit.PARTIAL),
        (Synced({"a": run(part("failed"), state="failed")}), Exit.FAILED),
        (Synced({"a": run(part("complete"))}, {"b": Stop(Exit.DENIED, "No.")}), Exit.DENIED),
    ],
)
def test_how_it_went_decides_the_number(synced: Synced, code: Exit) -> None:
    assert exit_of(synced) is code


def test_trouble_that_was_planted_is_no_failure_of_a_simulation() -> None:
    synced = Synced({"a": run(part("complete"), part("stale"), state="partial")})
    assert as_planted(synced, []) is Exit.OK
    assert as_planted(synced, ["iam/1 should be stale, and is not"]) is Exit.PARTIAL
    assert as_planted(Synced({}, {"b": Stop(Exit.DENIED, "No.")}), []) is Exit.DENIED


def test_an_account_that_is_not_well_is_named_with_the_next_step() -> None:
    denied = {"code": "denied", "text": "AWS refused sts:AssumeRole; next: mend the trust policy."}
    parts = [
        part("stale", reason=denied, account="123456789012", name="Payments"),
        part("stale", scope="iam/2", account="2", reason={"code": "failed", "text": "Given up."}),
        part("unreachable", scope="iam/3", account="3", reason={"code": "suspended", "text": "Suspended."}),
        *(part("complete", scope=f"iam/9{number}") for number in range(9)),
    ]
    views = [{"scope": f"iam/9{number}", "plan": "bulk", "unread": []} for number in range(9)]
    found = summary(COUNTS, STATUS | {"connectors": [CONNECTOR], "scopes": views}, Synced({"a": run(*parts)}))
    lines = [line.plain for line in scope_lines(found["scopes"], found["connectors"])]
    accept = "      next: grantwire connector accept-gap demo {} --reason TEXT --until DATE"
    assert lines == [
        "complete 9 scopes · plan bulk",
        "unreachable iam/3 · Suspended.",
        "      next: nothing; it is read again when AWS shows the account as active",
        "stale iam/123456789012 Payments · AWS refused sts:AssumeRole",
        "      next: mend the trust policy.",
        accept.format("123456789012"),
        "stale iam/2 · Given up.",
        accept.format("2"),
    ]


def knock(source: str, target: str, kind: str = "iam_user") -> dict[str, Any]:
    return {"source": source, "source_kind": kind, "target": target}


def test_the_target_with_most_sources_is_the_interesting_one() -> None:
    rows = [knock("u1", "r1"), knock("u2", "r2"), knock("r3", "r2", "iam_role"), knock("u0", "r1"), knock("a", "r2")]
    assert choose(rows) == ("a", "r2")
    assert choose([]) == (None, None)


def test_a_name_is_used_where_it_is_plain_and_nothing_else_has_it() -> None:
    names = {"arn:1": "deploy", "arn:2": "Admin", "arn:3": "admin", "arn:4": "two words"}
    resources = [{"native_id": native_id, "name": name} for native_id, name in names.items()]
    assert [short_name(native_id, resources) for native_id in names] == ["deploy", "arn:2", "arn:3", "arn:4"]
    assert short_name(None, resources) is None
