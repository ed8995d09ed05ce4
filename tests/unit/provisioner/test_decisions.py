"""What is done about a command next, for everything that AWS may show or answer."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from grantwire.contracts.commands import GrantAccess, Ref, RevokeAccess
from grantwire.contracts.failures import AwsCause, AwsError
from grantwire.contracts.outcomes import Evidence
from grantwire.contracts.resources import Kind
from grantwire.contracts.snapshots import Reason
from grantwire.graph.operation import Newest, Operation, Progress
from grantwire.provisioner import decisions as decide
from grantwire.provisioner.decisions import AWS_FAILED, Act, Finish, Go, Park, Patience, Seen

NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)
PATIENCE = Patience()
WHY = Reason(code="x", text="Because.")


def operation(verb: str = "grant", step: str = "queued", since: float = 0.0, **progress: Any) -> Operation:
    """A command that has been in its step for ``since`` seconds."""
    make = GrantAccess if verb == "grant" else RevokeAccess
    command = make(
        id=uuid4(),
        connector="prod",
        account="111122223333",
        principal=Ref(kind=Kind.IAM_USER, native_id="arn:aws:iam::111122223333:user/ann"),
        target=Ref(kind=Kind.IAM_GROUP, native_id="arn:aws:iam::111122223333:group/dev"),
        requester="bob",
        reason="on call",
    )
    return Operation(
        team="payments",
        id=command.id,
        sequence=7,
        verb=verb,
        watch=False,
        command=command,
        connector="prod",
        account="111122223333",
        intent=uuid4(),
        resource="iam/ann",
        dry_run=False,
        traceparent=None,
        published_at=NOW - timedelta(minutes=1),
        valid_until=command.deadline(NOW - timedelta(minutes=1)),
        step=step,
        step_since=NOW - timedelta(seconds=since),
        progress=Progress(**progress),
        claim=uuid4(),
        taken_over=0,
        cancelled_by=None,
        state="accepted",
        told=1,
        now=NOW,
    )


def shows(held: bool, **more: Any) -> Seen:
    return Seen(Evidence(held=held, at=NOW, operation="iam:ListGroupsForUser"), **more)


def error(cause: AwsCause, ambiguous: bool = False) -> AwsError:
    return AwsError("No.", cause=cause, operation="iam:AddUserToGroup", code="Code", ambiguous=ambiguous)


def state(decided: Any) -> str:
    assert isinstance(decided, Finish), decided
    return decided.ending.state


@pytest.mark.parametrize("verb", ["grant", "revoke"])
def test_what_is_so_already_is_read_again_behind_a_fence_and_not_written(verb: str) -> None:
    wants = verb == "grant"
    decided = decide.decide_look(operation(verb), shows(wants), wants)
    assert isinstance(decided, Go) and decided.step == "observing" and decided.progress.before is wants
    again = operation(verb, "observing", **decided.progress.model_dump())
    ended = decide.decide_observed(again, shows(wants), wants, NOW, PATIENCE)
    assert state(ended) == ("already_held" if wants else "already_gone")
    assert isinstance(ended, Finish) and ended.observed


@pytest.mark.parametrize("verb", ["grant", "revoke"])
def test_what_is_not_so_is_written(verb: str) -> None:
    wants = verb == "grant"
    decided = decide.decide_look(operation(verb), shows(not wants), wants)
    assert isinstance(decided, Act) and decided.progress.before is (not wants)


def test_a_refusal_ends_it_and_a_parking_does_not() -> None:
    assert state(decide.decide_look(operation(), shows(False, refusal=WHY), True)) == "refused"
    assert decide.decide_look(operation("revoke"), shows(True, parking=WHY), False) == Park(WHY)


def test_a_refusal_does_not_hide_that_it_is_so_already() -> None:
    decided = decide.decide_look(operation("revoke"), shows(False, refusal=WHY), False)
    assert isinstance(decided, Go) and decided.step == "observing"


def test_a_dry_run_plans_and_says_what_forbids_it() -> None:
    ended = decide.decide_look(replace(operation(), dry_run=True), shows(False, refusal=WHY), True)
    assert state(ended) == "planned"
    assert isinstance(ended, Finish) and ended.ending.reason == WHY


def test_a_write_that_is_seen_is_granted_only_if_it_was_not_held_before() -> None:
    seen = operation(step="observing", before=False, sent=1)
    assert state(decide.decide_observed(seen, shows(True), True, NOW, PATIENCE)) == "granted"


def test_a_write_that_is_not_seen_is_waited_for_and_never_believed() -> None:
    early, late = (operation(step="observing", since=since, before=False, sent=1) for since in (20, 61))
    waiting = decide.decide_observed(early, shows(False), True, NOW, PATIENCE)
    assert isinstance(waiting, Go) and waiting.step == "observing" and waiting.seconds > 0
    ended = decide.decide_observed(late, shows(False), True, NOW, PATIENCE)
    assert state(ended) == "failed"
    assert isinstance(ended, Finish) and ended.ending.reason is not None
    assert ended.ending.reason.code == "not_observed"


def test_a_write_that_may_not_have_been_sent_is_sent_again_only_after_waiting() -> None:
    early, late = (operation(step="observing", since=since, before=False, sent=1, unsure=True) for since in (20, 31))
    assert isinstance(waiting := decide.decide_observed(early, shows(False), True, NOW, PATIENCE), Go)
    assert waiting.step == "observing"
    assert isinstance(again := decide.decide_observed(late, shows(False), True, NOW, PATIENCE), Go)
    assert again.step == "queued" and not again.progress.unsure


def test_a_write_is_not_sent_for_ever() -> None:
    often = operation(step="observing", since=31, before=False, sent=PATIENCE.writes, unsure=True)
    assert state(decide.decide_observed(often, shows(False), True, NOW, PATIENCE)) == "failed"


def test_what_somebody_undid_before_anything_was_written_is_looked_at_again() -> None:
    seen = operation(step="observing", before=True)
    assert isinstance(again := decide.decide_observed(seen, shows(False), True, NOW, PATIENCE), Go)
    assert again.step == "queued" and again.progress.before is None


def test_an_engine_that_was_lost_may_have_written() -> None:
    decided = decide.decide_resumed(operation(step="acting", before=False, sent=1))
    assert decided.step == "observing" and decided.progress.unsure


@pytest.mark.parametrize("cause", [AwsCause.TRANSIENT, AwsCause.CONFLICT, AwsCause.CLOCK])
def test_a_write_that_aws_certainly_did_not_take_is_tried_again_later(cause: AwsCause) -> None:
    decided = decide.decide_unsent(operation(step="acting", before=False, sent=1), error(cause), PATIENCE)
    assert isinstance(decided, Go) and decided.step == "queued" and decided.seconds > 0 and decided.progress.sent == 0


def test_a_write_whose_answer_was_lost_is_looked_for() -> None:
    lost = error(AwsCause.TRANSIENT, ambiguous=True)
    decided = decide.decide_unsent(operation(step="acting", before=False, sent=1), lost, PATIENCE)
    assert isinstance(decided, Go) and decided.step == "observing" and decided.progress.unsure
    assert decided.progress.sent == 1


@pytest.mark.parametrize(("sent", "word"), [(1, "refused"), (2, "failed")])
def test_a_denied_write_ends_it(sent: int, word: str) -> None:
    denied = error(AwsCause.DENIED)
    assert state(decide.decide_unsent(operation(step="acting", before=False, sent=sent), denied, PATIENCE)) == word


def test_what_went_between_looking_and_writing_is_looked_at_again_a_few_times() -> None:
    gone = error(AwsCause.GONE)
    first = decide.decide_unsent(operation(step="acting", before=False, sent=1), gone, PATIENCE)
    assert isinstance(first, Go) and first.step == "queued"
    assert (
        state(decide.decide_unsent(operation(step="acting", before=False, sent=1, tries=3), gone, PATIENCE))
        == "refused"
    )


def test_a_request_in_progress_is_polled_more_and_more_seldom() -> None:
    polls = [decide.decide_polled(operation(step="waiting", tries=n), "IN_PROGRESS", None).seconds for n in range(9)]
    assert polls == sorted(polls) and polls[-1] == decide.LONGEST_PAUSE


@pytest.mark.parametrize("status", ["SUCCEEDED", "FAILED"])
def test_however_a_request_ended_only_reading_tells(status: str) -> None:
    decided = decide.decide_polled(operation(step="waiting", sent=1, request_id="r"), status, "404")
    assert decided.step == "observing" and decided.progress.request_id is None


def test_a_request_that_failed_is_not_waited_for_long() -> None:
    why = Reason(code=AWS_FAILED, text="AWS reports the request as FAILED: no.")
    seen = operation(step="observing", since=6, before=False, sent=1, reason=why)
    ended = decide.decide_observed(seen, shows(False), True, NOW, PATIENCE)
    assert state(ended) == "failed"
    assert isinstance(ended, Finish) and ended.ending.reason == why


def test_a_status_that_is_denied_is_verified_by_reading() -> None:
    decided = decide.decide_unpolled(operation(step="waiting", sent=1, request_id="r"), error(AwsCause.DENIED))
    assert decided.step == "observing"
    waits = decide.decide_unpolled(operation(step="waiting", sent=1, request_id="r"), error(AwsCause.TRANSIENT))
    assert waits.step == "waiting" and waits.seconds > 0


def test_the_newest_intent_wins_and_what_is_too_late_does_not_begin() -> None:
    assert decide.decide_before(operation(), newest=None) is None
    newer = Newest("search", uuid4(), 8, "revoke", final=True)
    assert state(decide.decide_before(operation(), newest=newer)) == "superseded"
    assert decide.decide_before(replace(operation(), sequence=9), newest=newer) is None
    assert decide.decide_before(replace(operation(), dry_run=True), newest=newer) is None
    late = replace(operation(), now=NOW + timedelta(hours=2))
    assert state(decide.decide_before(late, newest=None)) == "expired"
    assert decide.decide_before(replace(operation("revoke"), now=NOW + timedelta(days=30)), newest=None) is None


def test_a_watch_is_about_what_the_newest_wants_unless_that_will_look_itself() -> None:
    watch = replace(operation(), watch=True, valid_until=None)
    ended, waits = (Newest("search", uuid4(), 8, "revoke", final=final) for final in (True, False))
    assert decide.decide_before(watch, newest=ended) is None
    assert state(decide.decide_before(watch, newest=waits)) == "superseded"


def test_a_cancelled_command_ends_unless_it_was_written() -> None:
    assert state(decide.decide_before(replace(operation(), cancelled_by="ann"), newest=None)) == "refused"
    assert decide.decide_before(replace(operation(sent=1), cancelled_by="ann"), newest=None) is None


@pytest.mark.parametrize(("sent", "word"), [(0, "refused"), (1, "failed")])
def test_a_reading_that_is_denied_ends_it(sent: int, word: str) -> None:
    assert state(decide.decide_unread(operation(sent=sent), error(AwsCause.DENIED), PATIENCE)) == word


def test_aws_being_away_is_waited_out_but_not_for_ever() -> None:
    away = error(AwsCause.TRANSIENT)
    assert isinstance(decide.decide_unread(operation(), away, PATIENCE), Go)
    assert state(decide.decide_unread(operation(tries=PATIENCE.retries), away, PATIENCE)) == "failed"
