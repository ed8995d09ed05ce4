"""`status`: what is read beside the accounts, one line each."""

from datetime import UTC, datetime, timedelta
from typing import Any

from grantwire.cli.standing import joined, overview

NOW = datetime(2026, 1, 2, 12, 0, tzinfo=UTC)


def scope(key: str, state: str = "complete", minutes: int | None = 4, **but: Any) -> dict[str, Any]:
    observed = (NOW - timedelta(minutes=minutes)).isoformat() if minutes is not None else None
    return {"scope": key, "connector": "prod", "state": state, "observed_at": observed, "overdue": False} | but


DIRECTORY = [scope(f"directory_{name}/d-1", minutes=4 + n) for n, name in enumerate(("groups", "memberships", "users"))]


def test_a_directory_is_one_line() -> None:
    (row,) = overview([scope("iam/1"), scope("organization/o-1"), *DIRECTORY], NOW)
    said = "groups, memberships, users · 4 min to 6 min ago"
    assert row == ("prod", "directory d-1", "complete", said)


def test_the_part_that_is_not_well_is_named_and_gives_the_line_its_state() -> None:
    ill = [*DIRECTORY[:2], scope("directory_users/d-1", "stale")]
    (row,) = overview(ill, NOW)
    assert row[2:] == ("stale", "groups, memberships, users stale · 4 min to 5 min ago")


def test_every_kind_has_its_place_and_accounts_are_counted() -> None:
    found = overview(
        [
            scope("credentials/1"),
            scope("credentials/2", "unreachable", None),
            scope("assignments/1", overdue=True),
            scope("assignments/2", "stale"),
            scope("scim/tenant", "new", None),
            scope("permission_sets/ssoins-1"),
            *DIRECTORY,
            scope("permission_sets/ssoins-2", connector="another"),
        ],
        NOW,
    )
    assert [row[:3] for row in found] == [
        ("another", "permission sets ssoins-2", "complete"),
        ("prod", "directory d-1", "complete"),
        ("prod", "permission sets ssoins-1", "complete"),
        ("prod", "SCIM users tenant", "new"),
        ("prod", "assignments", "stale"),
        ("prod", "credentials", "unreachable"),
    ]
    assert found[3][3] == ""
    assert found[4][3] == "accounts: 1 overdue, 1 stale · 4 min ago"
    assert found[5][3] == "accounts: 1 ok, 1 unreachable · 4 min ago"


def test_without_any_of_it_there_is_no_line() -> None:
    assert overview([scope("iam/1"), scope("organization/o-1")], NOW) == []


def test_one_reason_for_several_scopes_of_an_account_is_said_once() -> None:
    why = {"reason": {"code": "denied", "text": "AWS refused sts:AssumeRole."}, "account": "1"}
    ill = [scope("credentials/1", "stale", None, **why), scope("iam/1", "stale", None, **why)]
    other = [
        scope("iam/2", "stale", None, **{**why, "account": "2"}),
        scope("iam/3", account="3"),
        scope("x", account="3"),
    ]
    assert [each["scope"] for each in joined([*ill, *other])] == ["credentials/1, iam/1", "iam/2", "iam/3", "x"]
