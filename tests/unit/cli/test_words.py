"""Times, conditions and freshness as people say them."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from grantwire.cli.words import age, calls_of, conditions, freshness, last_run, losses

NOW = datetime(2026, 1, 2, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(-3, "0 s"), (0.4, "0 s"), (59.9, "59 s"), (60, "1 min"), (3_599, "59 min"), (3_600, "1 h"), (172_800, "2 d")],
)
def test_an_age_is_in_whole_units(seconds: float, words: str) -> None:
    assert age(seconds) == words


def scope(**but: Any) -> dict[str, Any]:
    seen = NOW - timedelta(seconds=12)
    return {"scope": "iam/123456789012", "state": "complete", "observed_at": seen.isoformat(), "overdue": False} | but


@pytest.mark.parametrize(
    ("view", "words"),
    [
        (scope(), "iam/123456789012 complete · 12 s ago"),
        (scope(observed_at=None, state="new"), "iam/123456789012 new · never read"),
        (
            scope(overdue=True, due_at=(NOW - timedelta(minutes=4)).isoformat()),
            "iam/123456789012 complete · 12 s ago · overdue since 4 min",
        ),
        (
            scope(state="stale", reason={"code": "denied", "text": "AccessDenied on iam:ListRoles."}),
            "iam/123456789012 stale · 12 s ago · AccessDenied on iam:ListRoles.",
        ),
    ],
)
def test_freshness_says_how_old_and_what_is_wrong(view: dict[str, Any], words: str) -> None:
    assert freshness(view, NOW) == words


@pytest.mark.parametrize(
    ("found", "words"),
    [
        ({"StringEquals": {"sts:ExternalId": "x-1"}}, "the external id is x-1"),
        ({"Bool": {"aws:MultiFactorAuthPresent": "true"}}, "MFA was used"),
        ({"BoolIfExists": {"aws:MultiFactorAuthPresent": False}}, "MFA was not used"),
        ({"StringLike": {"aws:PrincipalArn": ["a*", "b*"]}}, "the caller's ARN is like a* or b*"),
        (
            {"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}, "StringNotEquals": {"aws:PrincipalTag/team": "x"}},
            "the caller's address is in 10.0.0.0/8 and aws:PrincipalTag/team is not x",
        ),
        ({"Null": {"aws:TokenIssueTime": "true"}}, "aws:TokenIssueTime is absent"),
        ({"ForAnyValue:StringEquals": {"k": ["v"]}}, "k is v (ForAnyValue)"),
        ({"Odd": "thing"}, "Odd thing"),  # AWS accepts stranger documents than its grammar says
        (
            [
                {"effect": "Allow", "sid": None, "conditions": {"StringEquals": {"sts:ExternalId": "x"}}},
                {"effect": "Deny", "sid": "No", "conditions": {"StringNotEquals": {"aws:PrincipalOrgID": "o-1"}}},
            ],
            "the external id is x; denied when the caller's organization is not o-1",
        ),
        ([], ""),
        (None, ""),
    ],
)
def test_conditions_are_said_in_words(found: Any, words: str) -> None:
    assert conditions(found) == words


def test_calls_are_counted_however_they_come() -> None:
    assert calls_of({"calls": {"iam:ListUsers": 2, "iam:ListRoles": 1}}) == 3
    assert calls_of({"calls": 4}) == 4
    assert calls_of({}) == 0


def test_the_last_run_says_when_and_how_much() -> None:
    run = {"state": "running", "requested_at": (NOW - timedelta(minutes=4)).isoformat(), "calls": 7, "seconds": None}
    assert last_run(run, NOW) == "running · 4 min ago · 7 calls"
    assert last_run(run | {"state": "complete", "seconds": 1.24}, NOW) == "complete · 4 min ago · 7 calls · 1.2 s"
    assert last_run(None, NOW) == "never"


def test_losses_are_counted_by_kind() -> None:
    found = {"member_of": {"before": 10, "lost": 10}, "iam_user": {"before": 100, "lost": 30}}
    assert losses(found) == "30 of 100 iam_user, 10 of 10 member_of"
