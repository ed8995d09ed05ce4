"""What to do about a command next, given what AWS showed. No I/O here, and no clock: time is an argument.

A command goes from ``queued`` through ``acting`` (a write is about to be sent, or was), ``waiting`` (AWS carries it
out by itself) and ``observing`` (it is read again until AWS shows it) to its one outcome. Each step may be the last
thing that an engine did before it was killed, so each says what the next engine does with it.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal, TypeAlias

from grantwire.contracts.failures import AwsCause, AwsError
from grantwire.contracts.outcomes import Evidence
from grantwire.contracts.snapshots import Reason
from grantwire.graph.operation import Ending, Newest, Operation, Progress

Step = Literal["queued", "acting", "waiting", "observing"]
AWS_FAILED: Final = "aws_failed"
FIRST_PAUSE: Final = 0.2  # seconds; doubles
LONGEST_PAUSE: Final = 15.0
FIRST_POLL: Final = 0.25  # AWS needs seconds, but a poll is cheap and a person waits


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds. ``observe``: how long AWS may go on showing the old state after a write that it confirmed; ``unsure``:
    how long, after one that it did not, until it is sent again; ``failed``: how long it is read again after AWS told of
    its failure. ``retries``: how many times in a row while AWS is busy or away; ``park``: until a parked one is tried
    again; ``late``: until a write that another engine may have sent too late is looked for. ``writes``: how many times
    one is sent at most."""

    observe: float = 60.0
    unsure: float = 30.0
    failed: float = 5.0
    retries: int = 60
    park: float = 600.0
    late: float = 120.0
    writes: int = 4

    def while_observing(self, progress: Progress) -> float:
        """How long the old state is no failure."""
        if progress.reason is not None and progress.reason.code == AWS_FAILED:
            return self.failed
        return self.unsure if progress.unsure else self.observe


@dataclass(frozen=True, slots=True)
class Seen:
    """What AWS showed: whether the principal holds the target, and what stands in the way, if anything does.
    ``refusal`` is for good, ``parking`` for now."""

    evidence: Evidence
    refusal: Reason | None = None
    parking: Reason | None = None

    @property
    def held(self) -> bool:
        return self.evidence.held


@dataclass(frozen=True, slots=True)
class Act:
    """Send the write."""

    progress: Progress


@dataclass(frozen=True, slots=True)
class Go:
    """Go on with another step: now, or in ``seconds``."""

    step: Step
    progress: Progress
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Park:
    """Leave it for a while; others pass it."""

    reason: Reason


@dataclass(frozen=True, slots=True)
class Finish:
    """The outcome. ``observed``: what was read last goes into the graph with it."""

    ending: Ending
    observed: bool = False


Next: TypeAlias = Act | Go | Park | Finish


def decide_before(operation: Operation, newest: Newest | None) -> Finish | None:
    """What ends a command before AWS is asked anything, or again before a write is sent. ``newest``: of its intent."""
    progress = operation.progress
    if operation.cancelled_by is not None and not progress.sent:
        return _ended("refused", progress, "cancelled", f"It was cancelled by {operation.cancelled_by}.")
    if _overtaken(operation, newest):
        return _ended("superseded", progress, "superseded", "A newer command is about the same principal and target.")
    if operation.valid_until is not None and operation.now > operation.valid_until and not progress.sent:
        until = f"{operation.valid_until:%Y-%m-%d %H:%M:%S} UTC"
        return _ended("expired", progress, "expired", f"It was valid until {until}, and could not begin before.")
    return None


def _overtaken(operation: Operation, newest: Newest | None) -> bool:
    """A watch is about whatever is the newest: only one that will look by itself makes it pointless."""
    if newest is None or operation.dry_run or newest.sequence <= operation.sequence:
        return False
    return not newest.final if operation.watch else True


def decide_look(operation: Operation, seen: Seen, wants: bool) -> Next:
    """After looking, with nothing under way."""
    progress = operation.progress
    first = progress.before is None
    progress = progress.model_copy(
        update={"observed": seen.evidence, "before": seen.held if first else progress.before, "tries": 0}
    )
    if operation.dry_run:
        return Finish(Ending("planned", progress, seen.refusal or seen.parking or _no_change(seen, wants)))
    if seen.held == wants:
        return Go("observing", progress)
    if seen.refusal is not None:
        return Finish(Ending("refused" if not progress.sent else "failed", progress, seen.refusal))
    if seen.parking is not None:
        return Park(seen.parking)
    return Act(progress)


def decide_observed(operation: Operation, seen: Seen, wants: bool, now: datetime, patience: Patience) -> Next:
    """After reading again: AWS shows it, or does not yet, or will not any more."""
    progress = operation.progress.model_copy(update={"observed": seen.evidence})
    if seen.held == wants:
        return Finish(Ending(_word(progress, wants), progress), observed=True)
    if not progress.sent:  # it was so a moment ago, and somebody changed it
        return Go("queued", progress.model_copy(update={"before": None}))
    waited = (now - operation.step_since).total_seconds()
    if waited < patience.while_observing(progress):
        tries = progress.tries + 1
        return Go("observing", progress.model_copy(update={"tries": tries}), pause(tries, LONGEST_PAUSE / 5))
    if progress.unsure and progress.sent < patience.writes:
        return Go("queued", progress.model_copy(update={"unsure": False, "tries": 0}))
    return Finish(Ending("failed", progress, progress.reason or _not_observed(wants, waited)), observed=True)


def decide_resumed(operation: Operation) -> Go:
    """An engine was lost between its checkpoint and its next one: the write may have been sent, or not."""
    return Go("observing", operation.progress.model_copy(update={"unsure": True, "tries": 0}))


def decide_sent(operation: Operation, request_id: str | None, waits: str | None) -> Go:
    """AWS took the write. ``waits`` is the id of the request that it carries out by itself."""
    progress = operation.progress
    told = tuple(each for each in (request_id, waits) if each and each not in progress.request_ids)
    update = {"request_ids": (*progress.request_ids, *told), "tries": 0, "unsure": False, "reason": None}
    if waits is not None:
        return Go("waiting", progress.model_copy(update={**update, "request_id": waits}), FIRST_POLL)
    return Go("observing", progress.model_copy(update=update))


def decide_unsent(operation: Operation, error: AwsError, patience: Patience) -> Next:
    """The write was refused, or nobody knows."""
    progress = operation.progress
    if error.ambiguous:
        return Go("observing", progress.model_copy(update={"unsure": True, "tries": 0, "reason": reason_of(error)}))
    undone = progress.model_copy(update={"sent": progress.sent - 1})
    if error.cause in (AwsCause.TRANSIENT, AwsCause.CONFLICT, AwsCause.CLOCK):
        return _again(operation, undone, error, patience)
    if error.cause is AwsCause.GONE and progress.tries < 3:  # something went since it was looked at: look again
        again = undone.model_copy(update={"tries": progress.tries + 1, "reason": reason_of(error)})
        return Go("queued", again, pause(progress.tries + 1))
    return Finish(Ending("refused" if not undone.sent else "failed", undone, reason_of(error)))


def decide_unread(operation: Operation, error: AwsError, patience: Patience) -> Go | Finish:
    """Looking, or reading again, failed."""
    progress = operation.progress
    if error.cause in (AwsCause.TRANSIENT, AwsCause.CONFLICT, AwsCause.CLOCK):
        return _again(operation, progress, error, patience)
    return Finish(Ending("failed" if progress.sent else "refused", progress, reason_of(error)))


def decide_polled(operation: Operation, status: str, failure: str | None) -> Go:
    """What AWS says of the request that it carries out. However it ended, only reading tells what is."""
    progress = operation.progress
    if status == "IN_PROGRESS":
        tries = progress.tries + 1
        return Go("waiting", progress.model_copy(update={"tries": tries}), pause(tries))
    done = {"request_id": None, "tries": 0, "unsure": False}
    if status == "SUCCEEDED":
        return Go("observing", progress.model_copy(update=done))
    why = Reason(code=AWS_FAILED, text=f"AWS reports the request as {status}: {failure or 'no reason given'}.")
    return Go("observing", progress.model_copy(update={**done, "reason": why}))


def decide_unpolled(operation: Operation, error: AwsError) -> Go:
    """The status could not be read: throttled and the like pass; denied or unknown, reading the assignments tells."""
    progress = operation.progress
    if error.cause in (AwsCause.TRANSIENT, AwsCause.CONFLICT, AwsCause.CLOCK):
        tries = progress.tries + 1
        return Go("waiting", progress.model_copy(update={"tries": tries}), pause(tries))
    return Go("observing", progress.model_copy(update={"request_id": None, "tries": 0, "reason": reason_of(error)}))


def pause(tries: int, longest: float = LONGEST_PAUSE) -> float:
    """Seconds until the next try."""
    return min(FIRST_PAUSE * 2.0 ** min(tries, 20), longest)


def reason_of(error: AwsError) -> Reason:
    """A failure as the reason of an outcome: AWS's own code and the sentence."""
    return Reason(code=error.code, text=str(error))


def _again(operation: Operation, progress: Progress, error: AwsError, patience: Patience) -> Go | Finish:
    if progress.tries >= patience.retries:
        return Finish(Ending("failed", progress, reason_of(error)))
    tries = progress.tries + 1
    again = progress.model_copy(update={"tries": tries, "reason": reason_of(error)})
    step: Step = "observing" if operation.step == "observing" else "queued"
    return Go(step, again, pause(tries))


def _word(progress: Progress, wants: bool) -> str:
    """What happened, by what was there before."""
    if progress.before == wants:
        return "already_held" if wants else "already_gone"
    return "granted" if wants else "revoked"


def _not_observed(wants: bool, waited: float) -> Reason:
    shows = "does not show it" if wants else "still shows it"
    text = f"AWS took the write, and {shows} {waited:.0f} seconds later; next: look at the account, and send it again."
    return Reason(code="not_observed", text=text)


def _no_change(seen: Seen, wants: bool) -> Reason | None:
    if seen.held != wants:
        return None
    return Reason(code="nothing_to_do", text="The principal holds it already." if wants else "It is not held.")


def _ended(state: str, progress: Progress, code: str, text: str) -> Finish:
    return Finish(Ending(state, progress, Reason(code=code, text=text)))
