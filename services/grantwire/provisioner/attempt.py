"""One engine's hold on one command: each step kept before the next, no write after the claim has ended."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Final, assert_never

import structlog

from grantwire.aws.last_look import behind
from grantwire.contracts.failures import AwsError, Conflict, DependencyDown, NotFound
from grantwire.contracts.ids import AccountId, iam_scope
from grantwire.contracts.resources import RelationKind
from grantwire.contracts.snapshots import Reason
from grantwire.graph import Graph, operations, runs
from grantwire.graph.operation import Ending, Newest, Operation, Progress
from grantwire.graph.operations import ClaimLost
from grantwire.graph.parts import PartRead, Patch, Patched
from grantwire.graph.patching import NOTHING, Foreseen, expecting, foresee
from grantwire.provisioner import decisions as decide
from grantwire.provisioner.decisions import Act, Finish, Go, Next, Park, Patience
from grantwire.provisioner.ports import Fences, Look, Target
from grantwire.telemetry import Recorder, monotonic, utc_now

log = structlog.get_logger(__name__)
_PAIR_ROWS: Final = 2  # more than the assignment itself came or went: the pair did
MARGIN: Final = 2.0  # seconds before the claim's end from which on no write is begun: clocks and threads are not exact
FIRST: Final = 0.1  # seconds at most that a step is kept later, so that AWS is asked first
LEAVING: Final = 0.001  # seconds until a write has left that waited for its step to be kept
LATE: Final = "An engine that had lost command {id} may have written late."


@dataclass(frozen=True, slots=True)
class Reading:
    """What is read after a write, made ready before that is answered: it is fenced when ``written`` is set, and leaves
    then. Its patch is of ``begun``."""

    written: asyncio.Future[None]
    fence: asyncio.Task[int]
    begun: asyncio.Future[datetime]
    answer: asyncio.Task[tuple[Look, Patch]]

    async def leave(self) -> None:
        """As soon as it is fenced, or in a moment: the bus may be away."""
        self.written.set_result(None)
        await asyncio.wait([self.fence], timeout=FIRST)

    def began(self) -> tuple[datetime, int] | None:
        """When, and its fence; None where it has not, as far as is known."""
        if not self.begun.done() or not self.fence.done() or self.fence.cancelled() or self.fence.exception():
            return None
        return self.begun.result(), self.fence.result()

    def drop(self) -> None:
        """It does not leave, if it has not yet."""
        self.answer.cancel()
        self.fence.cancel()


@dataclass
class Attempt:
    """Carries one command as far as it goes now. ``newest``: of its intent, as it was when this began; ``claimed_at``:
    monotonic, read before the claim was asked for."""

    graph: Graph
    fences: Fences
    target: Target
    operation: Operation
    newest: Newest | None
    patience: Patience
    claim_seconds: float
    claimed_at: float
    recorder: Recorder
    patch: Patch | None = None  # of the last reading after its fence
    looked: Look | None = None  # before the write
    reading: Reading | None = None  # what is observed after the write
    foreseen: Foreseen = NOTHING  # of the patch of the next reading
    rests: float = 0.0

    async def run(self) -> float:
        """Until it ended, rests or is parked: the seconds that it rests. Raises ``ClaimLost``, ``DependencyDown``."""
        going = True
        try:
            while going:
                going = await self._follow(await self._step())
        finally:
            self._drop()
        return self.rests

    @property
    def wants(self) -> bool:
        """What nobody asked for wants what the newest command of its intent wants."""
        if self.operation.watch and self.newest is not None:
            return self.newest.verb == "grant"
        return self.operation.wants

    async def _step(self) -> Next:
        match self.operation.step:
            case "queued":
                return await self._look()
            case "acting":
                return await self._resume()
            case "waiting":
                return await self._poll()
            case _:
                return await self._observe()

    async def _follow(self, next_: Next) -> bool:
        """Do what was decided; whether there is more to do now."""
        match next_:
            case Go(step, progress, seconds):
                if (step, progress) != (self.operation.step, self.operation.progress):
                    await self._keep(step, progress)
                if seconds:
                    await operations.rest(self.graph, self.operation, seconds)
                    self.rests = seconds
                return not seconds
            case Park(reason):
                await operations.park(self.graph, self.operation, reason, self.patience.park)
            case Finish(ending, observed):
                return await self._finish(ending, self.patch if observed else None)
            case Act():
                raise AssertionError("a write is sent where it was decided")
            case _:
                assert_never(next_)
        return False

    async def _look(self) -> Next:
        if ended := await self._before():
            return ended
        try:
            look = await self.target.look()
        except AwsError as error:
            return decide.decide_unread(self.operation, error, self.patience)
        planned = self.operation.progress.model_copy(update={"plan": tuple(look.plan)})
        operation = replace(self.operation, progress=planned) if self.operation.dry_run else self.operation
        decided = decide.decide_look(operation, look.seen, self.wants)
        return await self._act(decided, look) if isinstance(decided, Act) else decided

    async def _before(self) -> Finish | None:
        if self.operation.progress.sent:  # it has taken a while
            self.newest = await operations.newest(self.graph, self.operation.intent)
        return decide.decide_before(self.operation, self.newest)

    async def _act(self, act: Act, look: Look) -> Next:
        """The checkpoint says that a write may have been sent from now on; then it is sent, once."""
        progress = act.progress.model_copy(update={"sent": act.progress.sent + 1})
        self.looked, send = look, partial(self.target.send, self.wants, look)
        try:
            sent = await behind(self._keep_and_begin("acting", progress), send, self._still_mine)
        except AwsError as error:
            return await self._kept_still(decide.decide_unsent(self.operation, error, self.patience))
        return await self._kept_still(decide.decide_sent(self.operation, sent.request_id, sent.waits))

    def _still_mine(self) -> None:
        """Looked at in the thread that sends, right before the request leaves: whatever it waited for is over then.
        Raises ``ClaimLost``."""
        if monotonic() > self.claimed_at + self.claim_seconds - MARGIN:
            raise ClaimLost(f"The claim on command {self.operation.id} ended before its write was sent.")

    async def _kept_still(self, next_: Next) -> Next:
        """Whoever wrote and lost the claim meanwhile may have written after the command's end."""
        kept = (next_.step, next_.progress) if isinstance(next_, Go) else (self.operation.step, self.operation.progress)
        if isinstance(next_, Go) and next_.step == "observing" and not (next_.seconds or next_.progress.unsure):
            if self.reading is not None:
                await self.reading.leave()  # the rest is done while AWS answers
        else:
            self._drop()
        try:
            await self._keep(*kept)
        except ClaimLost:
            await operations.watch_over(self.graph, self.operation, LATE.format(id=self.operation.id), 0.0)
            raise
        return next_

    async def _keep_and_begin(self, step: str, progress: Progress) -> None:
        """What is read after the write is made ready while AWS carries it out."""
        await self._keep(step, progress)
        if self.target.at_once:
            written: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            begun: asyncio.Future[datetime] = asyncio.get_running_loop().create_future()
            fence = asyncio.create_task(self._fence(written))
            self.reading = Reading(written, fence, begun, asyncio.create_task(self._read(fence, begun, LEAVING)))
            self.reading.answer.add_done_callback(_heard)

    def _drop(self) -> None:
        """Nothing is read that was not asked for."""
        if self.reading is not None:
            self.reading.drop()
            self.reading = None

    async def _foresee(self, reading: Reading | None) -> None:
        """Ahead of the transaction that ends it, and beside what AWS is asked meanwhile."""
        if self.looked is None:
            return
        command = self.operation.command
        ends = [(each.kind, each.native_id) for each in (command.principal, command.target)]
        with suppress(DependencyDown):  # the end does it then
            self.foreseen = await foresee(self.graph, self.target.place.scope, self.looked.read, *ends)
            expected = self.target.expected(self.wants, self.looked)
            if expected is not None and reading is not None and (began := reading.began()) is not None:
                self.foreseen = expecting(self.foreseen, self._patch(*began, expected), self.operation.traceparent)

    async def _resume(self) -> Next:
        """The engine before this one may have sent the write, or may yet send it."""
        why = LATE.format(id=self.operation.id)
        await operations.watch_over(self.graph, self.operation, why, self.patience.late)
        return decide.decide_resumed(self.operation)

    async def _poll(self) -> Next:
        request_id = self.operation.progress.request_id
        assert request_id is not None
        try:
            polled = await self.target.poll(request_id, self.wants)
        except AwsError as error:
            return decide.decide_unpolled(self.operation, error)
        return decide.decide_polled(self.operation, polled.status, polled.failure)

    async def _observe(self) -> Next:
        progress = self.operation.progress
        reading, self.reading = self.reading, None
        try:
            if progress.unsure and (request_id := await self.target.adopt(self.wants)):
                return decide.decide_sent(self.operation, None, request_id)
            answer = reading.answer if reading else self._read(asyncio.create_task(self._fence()))
            (look, self.patch), _ = await asyncio.gather(answer, self._foresee(reading))
        except AwsError as error:
            return decide.decide_unread(self.operation, error, self.patience)
        return decide.decide_observed(self.operation, look.seen, self.wants, self._now(), self.patience)

    async def _fence(self, written: asyncio.Future[None] | None = None) -> int:
        """What is read after it is newer than all that was read before it."""
        if written is not None:
            await written
        return await self.fences.begin(self.operation, self.target.place)

    async def _read(
        self, fence: asyncio.Task[int], begun: asyncio.Future[datetime] | None = None, after: float = 0.0
    ) -> tuple[Look, Patch]:
        await asyncio.sleep(after)
        began = utc_now()
        if begun is not None:
            begun.set_result(began)
        look = await behind(fence, self.target.read)
        return look, self._patch(began, fence.result(), look.read)

    def _patch(self, began: datetime, fence: int, read: PartRead) -> Patch:
        cause = f"command {self.operation.id}"
        return Patch(self.target.place.scope, self.operation.connector, fence, began, cause, (read,))

    def _now(self) -> datetime:
        """The database's time, as far as it has gone since the claim."""
        return self.operation.now + timedelta(seconds=monotonic() - self.claimed_at)

    async def _keep(self, step: str, progress: Progress) -> None:
        asked, now = monotonic(), self._now()
        since = self.operation.step_since if step == self.operation.step else now
        changed = replace(self.operation, step=step, progress=progress, step_since=since, now=now)
        # Without this one the write may have been carried out or not, which is met by looking: as it comes next anyway.
        await operations.checkpoint(self.graph, changed, self.claim_seconds, soon=step == "observing")
        self.operation, self.claimed_at = changed, asked

    async def _read_roles(self, patched: Patched) -> None:
        """The first assignment of a permission set makes a role in the account, and the last one takes it away: what
        the account's IAM holds by now is read at once, as far as somebody reads it."""
        if patched.inserted + patched.removed < _PAIR_ROWS:
            return
        scope = iam_scope(AccountId(self.operation.account))
        with suppress(Conflict, NotFound):  # nobody reads it, or somebody is about to
            await runs.request(
                self.graph,
                self.operation.connector,
                cause="manual",
                traceparent=self.operation.traceparent,
                scope=scope,
            )

    async def _finish(self, ending: Ending, patch: Patch | None) -> bool:
        """Whether it must be read again: somebody else's reading began later and was applied first."""
        patched = await operations.finish(self.graph, self.operation, ending, patch, self.foreseen)
        if patched is not None and patched.outcome == "older":
            return True
        if patched is not None and self.operation.command.relation is RelationKind.ASSIGNED:
            await self._read_roles(patched)
        self._tell(ending)
        return False

    def _tell(self, ending: Ending) -> None:
        ended = {"verb": self.operation.verb, "outcome": ending.state}
        log.info("command ended", command=str(self.operation.id), team=self.operation.team, **ended, why=_code(ending))
        if not self.operation.watch:
            seconds = (utc_now() - self.operation.published_at).total_seconds()
            self.recorder.count("grantwire.commands.ended", 1, **ended)
            self.recorder.observe("grantwire.command.duration", seconds, **ended)


def _heard(reading: asyncio.Task[tuple[Look, Patch]]) -> None:
    """Whoever drops it does not ask how it ended."""
    if not reading.cancelled():
        reading.exception()


def _code(ending: Ending) -> str | None:
    reason: Reason | None = ending.reason
    return reason.code if reason else None
