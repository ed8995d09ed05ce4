"""The engine: lanes that take what is due from Postgres, until nothing is."""

import asyncio
from dataclasses import dataclass, replace
from typing import Final

import structlog
from opentelemetry.trace import SpanKind

from grantwire.aws.calls import tallying
from grantwire.contracts.failures import AwsError, DependencyDown, GrantwireError, NotFound, SecretKeyError
from grantwire.contracts.snapshots import Reason
from grantwire.graph import Graph, operations
from grantwire.graph.known import around
from grantwire.graph.operation import Ending, Operation
from grantwire.graph.operations import ClaimLost
from grantwire.provisioner import decisions as decide
from grantwire.provisioner.attempt import Attempt
from grantwire.provisioner.decisions import Finish, Go, Patience
from grantwire.provisioner.lanes import Handed, Lanes
from grantwire.provisioner.ports import Fences, Targets
from grantwire.telemetry import Recorder, context_from, monotonic, record_error, span

log = structlog.get_logger(__name__)
LONGEST: Final = 1.0  # seconds between looks: a notice may be lost, and what another engine put off comes due
AWAY: Final = 1.0
MOST_LOST: Final = 20  # engines that may be lost over one command: more are no accident
LOST: Final = Reason(
    code="engines_lost",
    text="So many engines were lost while they carried it out that it is given up; next: read the provisioner's log.",
)


@dataclass
class Engine:
    """Several may run: each command is one engine's at a time."""

    graph: Graph
    fences: Fences
    targets: Targets
    patience: Patience
    claim_seconds: float
    recorder: Recorder

    async def serve(self, lanes: Lanes) -> None:
        """One of the lanes. Never returns."""
        while True:
            try:
                if seconds := await self._carry_on(await self._wait(lanes)):
                    lanes.waker.wake_in(seconds)
            except (DependencyDown, OSError) as error:
                log.warning("the engine waits", reason=str(error))
                await asyncio.sleep(AWAY)
            except Exception:  # a mistake of ours about one command must not keep the others from being carried out
                log.exception("a command could not be carried on; it is taken up again when its claim ends")

    async def _wait(self, lanes: Lanes) -> Handed:
        """For the next command. Raises ``DependencyDown``."""
        lanes.waiting += 1
        try:
            async with lanes.door:
                return await self._next(lanes)
        finally:
            lanes.waiting -= 1

    async def _next(self, lanes: Lanes) -> Handed:
        """One that was handed to the lane at the door, or the next one that is due."""
        while (handed := lanes.taken()) is None:
            if lanes.empty_at == lanes.waker.seen() and await lanes.waker.wait(lanes.empty_at, LONGEST):
                continue
            seen, claimed_at, lanes.empty_at = lanes.waker.seen(), monotonic(), None
            claimed = await operations.claim(self.graph, self.claim_seconds)
            if claimed is None or not claimed.more:
                lanes.empty_at = seen
            if claimed is not None:
                return Handed(claimed, claimed_at)
        return handed

    async def _carry_on(self, handed: Handed) -> float:
        """As far as it goes now; in how many seconds it goes on, or 0. What it had when this fails is taken up again
        when its claim ends."""
        operation = handed.claimed.operation
        attributes = {"grantwire.command": str(operation.id), "grantwire.team": operation.team}
        parent = context_from(operation.traceparent) if operation.traceparent else None
        name = f"{operation.verb} access"
        with (
            span("provisioner", name, kind=SpanKind.INTERNAL, parent=parent, attributes=attributes) as current,
            tallying() as tally,
        ):
            try:
                rests = await self._carry(operation, handed)
                aws = {"calls": len(tally.took()), "seconds": round(tally.busy(), 4)}
                current.set_attributes({f"grantwire.aws.{key}": value for key, value in aws.items()})
                log.info("command carried on", command=str(operation.id), aws=aws)
                return rests
            except ClaimLost as error:
                record_error(current, error)
                log.warning("a claim was lost", command=str(operation.id), step=operation.step)
                return 0.0

    async def _carry(self, operation: Operation, handed: Handed) -> float:
        if operation.taken_over > MOST_LOST:
            await operations.finish(self.graph, operation, Ending("failed", operation.progress, LOST))
            return 0.0
        try:
            target = await self.targets.target(operation, handed.around or await around(self.graph, operation.command))
        except (AwsError, NotFound, SecretKeyError) as error:
            return await self._unreachable(operation, error)
        newest, claimed_at = handed.claimed.newest, handed.claimed_at
        given = (operation, newest, self.patience, self.claim_seconds, claimed_at, self.recorder)
        return await Attempt(self.graph, self.fences, target, *given).run()

    async def _unreachable(self, operation: Operation, error: GrantwireError) -> float:
        """The connector is gone, or its account cannot be entered."""
        decided = self._without_target(operation, error)
        if isinstance(decided, Finish):
            await operations.finish(self.graph, operation, decided.ending)
            return 0.0
        kept = replace(operation, progress=decided.progress)
        await operations.checkpoint(self.graph, kept, self.claim_seconds)
        await operations.rest(self.graph, kept, decided.seconds)
        return decided.seconds

    def _without_target(self, operation: Operation, error: GrantwireError) -> Go | Finish:
        if isinstance(error, AwsError):
            return decide.decide_unread(operation, error, self.patience)
        reason = Reason(code="connector_gone", text=str(error))
        state = "failed" if operation.progress.sent else "refused"
        return Finish(Ending(state, operation.progress, reason))
