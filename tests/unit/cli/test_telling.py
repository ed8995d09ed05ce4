"""What became of a command, in words and as the way the command line ends."""

from datetime import UTC, datetime
from typing import Any

import pytest

from grantwire.cli.exits import Exit
from grantwire.cli.telling import advice, ending, evidence, headline, listed, plan_rows, row, step
from grantwire.contracts.outcomes import OUTCOMES

NOW = datetime(2026, 11, 29, 12, 0, 30, tzinfo=UTC)
AT = "2026-11-29T12:00:00+00:00"


def operation(state: str = "granted", told: dict[str, Any] | None = None, **but: Any) -> dict[str, Any]:
    found = {"id": "7", "verb": "grant", "team": "operators", "state": state, "step": "final", "open": False}
    found |= {"account": "123456789012", "dry_run": False, "received_at": AT, "cancelled_by": None}
    ends = {"principal": {"display": "ann"}, "target": {"display": "ReadOnly in prod (123456789012)"}}
    return {**found, **ends, "told": {"state": state, **(told or {})}, **but}


def because(code: str, text: str) -> dict[str, Any]:
    return {"reason": {"code": code, "text": text}}


def test_every_final_outcome_has_its_ending_and_its_sentence() -> None:
    endings = {each.state: ending(operation(each.state)) for each in OUTCOMES if each.final}
    assert endings == {
        "granted": Exit.OK,
        "already_held": Exit.OK,
        "revoked": Exit.OK,
        "already_gone": Exit.OK,
        "planned": Exit.OK,
        "refused": Exit.DENIED,
        "failed": Exit.FAILED,
        "superseded": Exit.CONFLICT,
        "expired": Exit.FAILED,
    }
    for state in endings:
        assert "{" not in headline(operation(state, because("x", "Why.")))[0]


def test_a_plan_that_something_forbids_ends_as_the_command_would() -> None:
    assert ending(operation("planned", because("not_allowed", "No rule lets it."))) == Exit.DENIED
    assert ending(operation("planned", because("nothing_to_do", "It is held."))) == Exit.OK


def test_a_failure_says_why_and_what_to_do_apart() -> None:
    failed = operation("failed", because("not_observed", "AWS still shows it; next: look at the account."))
    assert headline(failed)[0] == "Failed: AWS still shows it."
    assert advice(failed) == "look at the account."


@pytest.mark.parametrize(
    ("told", "said", "style"),
    [
        ({}, "It would grant ReadOnly in prod (123456789012) to ann, by sso:Create; nothing was written.", "green"),
        (
            because("nothing_to_do", "It is held."),
            "It would not grant ReadOnly in prod (123456789012) to ann: It is held.",
            "green",
        ),
        (
            because("not_allowed", "No rule lets it.."),
            "It would not grant ReadOnly in prod (123456789012) to ann: No rule lets it.",
            "yellow",
        ),
    ],
)
def test_a_plan_says_what_it_would_do_and_what_forbids_it(told: dict[str, Any], said: str, style: str) -> None:
    plan = [{"operation": "sso:Create", "account": "1", "role": "arn:aws:iam::1:role/a/G", "writes": True}]
    calls = [{**each, "parameters": {"TargetId": "2"}} for each in plan]
    shown, how = headline(operation("planned", {**told, "plan": calls}))
    assert (shown, how.split()[-1]) == (said, style)
    assert list(plan_rows({"plan": calls})) == [("sso:Create", "1", "G", "yes", "TargetId=2")]


def test_what_runs_says_at_which_step_it_is() -> None:
    assert step(operation("accepted", open=True, step="waiting")) == "accepted · AWS carries it out"
    parked = operation("parked", because("x", "The account is suspended."), open=True, step="queued")
    assert step(parked) == "parked · waits for its turn · The account is suspended."
    cancelled = operation("accepted", open=True, step="acting", cancelled_by="admin")
    assert step(cancelled).endswith("cancelled by admin")


def test_evidence_is_what_was_read_and_what_was_sent() -> None:
    told = {"observed": {"operation": "iam:List", "at": AT}, "request_ids": ["a", "b"], "revision": 4212}
    found = operation(told=told)
    assert list(evidence(found)) == [
        "AWS was read by iam:List at 2026-11-29 12:00:00 UTC",
        "AWS's ids of what was sent: a b",
    ]
    assert row(found)[-1] == "4,212"
    assert listed(operation(dry_run=True), NOW)[1:4] == ("30 s ago", "operators", "grant (dry run)")
