"""One turn of the scheduler: ask for runs that are due, add the accounts of organizations that were read, publish."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final, Protocol

import structlog

from grantwire.bus import Busy
from grantwire.contracts import subjects
from grantwire.contracts.failures import Conflict, NotFound
from grantwire.contracts.jobs import CollectScope
from grantwire.contracts.messages import Message
from grantwire.contracts.streams import JOBS, Stream
from grantwire.graph import Graph, expanding, purging, runs
from grantwire.graph.retiring import RETENTION
from grantwire.graph.runs import PendingScope, TimetableRow
from grantwire.scheduler.fleet import decide, decide_at_once
from grantwire.scheduler.timetable import due
from grantwire.telemetry import Recorder, utc_now

log = structlog.get_logger(__name__)
LEAST_PATIENCE: Final = timedelta(minutes=10)  # reading one large account may take longer than two short intervals


class Publish(Protocol):
    """Where jobs go: the bus, in life."""

    async def send(
        self, stream: Stream, subject: str, message: Message, *, id: str, source: str | None, traceparent: str | None
    ) -> object: ...
    async def purge(self, stream: Stream, subject: str) -> int: ...


@dataclass(frozen=True)
class Scheduler:
    """Killed anywhere, it loses and doubles nothing: what is asked for stands in Postgres until the bus has it, and a
    job's message id is its run and scope. Several at once share the work: each step is taken by whoever comes first."""

    graph: Graph
    publish: Publish
    recorder: Recorder
    patience: timedelta = LEAST_PATIENCE

    async def turn(self) -> int:
        """Ask, expand and publish once; says how many jobs the bus took. Raises ``DependencyDown``."""
        now = utc_now()
        for entry in due(now, await runs.timetable(self.graph, now)):
            await self._ask(entry)
        for run in await expanding.to_begin(self.graph):
            await expanding.begin(self.graph, run, decide_at_once)
        for run in await expanding.to_expand(self.graph):
            await self._expand(run)
        waiting = await runs.pending(self.graph)
        return sum([await self._publish(scope) for scope in waiting])

    async def sweep(self) -> int:
        """Delete the scopes that were retired long ago; says how many. Raises ``DependencyDown``."""
        gone = await purging.purge(self.graph, older_than=RETENTION)
        for purged in gone:
            log.info("retired scope purged", scope=purged.scope, rows=purged.rows, history=purged.history)
        return len(gone)

    async def _ask(self, entry: TimetableRow) -> None:
        """A connector that cannot run (removed just now, its account unknown) keeps no other from running."""
        try:
            await runs.request_due(self.graph, entry.connector, entry.last_begun)
        except (NotFound, Conflict) as refusal:
            log.warning("a due connector cannot run", connector=entry.connector, reason=str(refusal))

    async def _expand(self, run: str) -> None:
        decision = await expanding.expand(self.graph, run, decide)
        if decision is not None:
            jobs, unreachable, retired = len(decision.jobs), len(decision.unreachable), len(decision.retire)
            log.info("run expanded", run=run, jobs=jobs, unreachable=unreachable, retired=retired)

    async def _publish(self, wanted: PendingScope) -> bool:
        """A scope that is still busy keeps its place in Postgres and is offered again next turn."""
        try:
            await self._send(wanted)
        except Busy:
            return await self._refused(wanted)
        await runs.published(self.graph, wanted.run, wanted.scope)
        log.info("job published", run=wanted.run, scope=wanted.scope, full=wanted.full)
        return True

    async def _send(self, wanted: PendingScope) -> None:
        await self.publish.send(
            JOBS,
            _subject(wanted),
            _job(wanted),
            id=f"{wanted.run}:{wanted.scope}",
            source=wanted.connector,
            traceparent=wanted.traceparent,
        )

    async def _refused(self, wanted: PendingScope) -> bool:
        """After two intervals nobody will finish the job that is in the way: it makes room for the next turn."""
        if wanted.waited < max(2 * wanted.interval, self.patience):
            await runs.refused(self.graph, wanted)
        elif await runs.clear(self.graph, wanted):
            log.error("job cleared away", scope=wanted.scope, connector=wanted.connector, waited=str(wanted.waited))
            self.recorder.count("grantwire.jobs.cleared", source=wanted.source)
            await self.publish.purge(JOBS, _subject(wanted))
        return False


def _subject(wanted: PendingScope) -> str:
    return subjects.job(wanted.source, wanted.connector, wanted.scope)


def _job(wanted: PendingScope) -> CollectScope:
    return CollectScope(
        run=wanted.run,
        connector=wanted.connector,
        settings_version=wanted.settings_version,
        source=wanted.source,
        scope=wanted.scope,
        account=wanted.account,
        organization=wanted.organization,
        identity_center=wanted.identity_center,
        known_digest=wanted.known_digest,
        full=wanted.full,
    )
