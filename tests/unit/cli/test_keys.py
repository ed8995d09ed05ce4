"""What `inventory secrets` prints of a key, of root users, and of accounts that were not read."""

from datetime import UTC, datetime
from typing import Any

import pytest

from grantwire.cli import keys

NOW = datetime(2026, 4, 10, 12, 0, tzinfo=UTC)


def secret(**but: Any) -> dict[str, Any]:
    plain = dict.fromkeys((*keys.COLUMNS,)) | {
        "id": "AKIA1",
        "owner_name": "alice",
        "account": "111122223333",
        "account_name": "prod",
        "status": "Active",
        "age_days": 400,
        "never_used": False,
        "last_used_at": "2026-04-07T12:00:00Z",
        "last_used_service": "s3",
        "last_used_region": "eu-west-1",
        "console_access": True,
        "mfa_active": False,
    }
    return plain | but


def test_a_key_in_a_row() -> None:
    shown = ("AKIA1", "alice", "prod", "Active", "400 d", "3 d ago · s3 · eu-west-1", "yes", "no")
    assert keys.row(secret(), NOW) == shown and len(shown) == len(keys.HEADINGS)
    bare = secret(owner_name=None, account_name=None, status=None, age_days=None, mfa_active=None)
    assert keys.row(bare, NOW)[1:5] == ("unknown", "111122223333", "unknown", "unknown")
    assert len(keys.values(secret())) == len(keys.COLUMNS)


@pytest.mark.parametrize(
    ("but", "words"),
    [
        ({"never_used": True, "last_used_at": None}, "never"),
        ({"never_used": None, "last_used_at": None}, "unknown"),
        ({"last_used_service": None, "last_used_region": None}, "3 d ago"),
        ({"last_used_at": "2026-04-10T11:30:00Z"}, "30 min ago · s3 · eu-west-1"),
    ],
)
def test_the_last_use(but: dict[str, Any], words: str) -> None:
    assert keys.last_used(secret(**but), NOW) == words


def account(id: str, state: str = "complete", **but: Any) -> dict[str, Any]:
    plain = {"account": id, "name": None, "scope": f"credentials/{id}", "state": state, "overdue": False}
    return plain | {"observed_at": "2026-04-10T11:59:00Z", "reason": None, "unread": []} | but


def test_what_was_not_read_is_said_once_for_all_that_share_the_reason() -> None:
    off = "The setting sync_secrets of connector 'prod' is off."
    skipped = [account(str(n), "not_read", name=f"a{n}", reason=off) for n in range(5)]
    gap = {"what": "access_key.last_used_at", "why": "iam:GetAccessKeyLastUsed was denied."}
    found = keys.about([account("7"), account("8", unread=[gap]), *skipped], NOW)
    assert found == [
        ("credentials/7 complete · 1 min ago", "dim"),
        ("credentials/8 complete · 1 min ago", "dim"),
        ("8: access_key.last_used_at not read: iam:GetAccessKeyLastUsed was denied.", "yellow"),
        (f"5 accounts (a0 (0), a1 (1), a2 (2) and 2 more): not read: {off}", "yellow"),
    ]


def test_root_users_without_mfa_and_with_keys() -> None:
    why = "The root user has 1 access key; AWS tells the id to that user alone."
    accounts = [account("1", unread=[{"what": "access_key", "why": why}]), account("2")]
    roots = [
        {"id": f"arn:{n}", "account": n, "account_name": None, "mfa_active": mfa, "password_last_used": None}
        for n, mfa in (("1", False), ("2", True), ("3", None))
    ]
    bare = keys.without_mfa(roots)
    assert [keys.root_row(each, accounts, NOW) for each in bare] == [
        ("1", "no", "unknown", why),
        ("3", "unknown", "unknown", "none known"),
    ]
