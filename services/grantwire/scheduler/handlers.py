"""One turn of the scheduler: ask for runs that are due, publish the jobs of every run that has not been published."""

from dataclasses import dataclass
from typing import Protocol

import structlog

from grantwire.bus import Busy
from grantwire.contracts import subjects
from grantwire.contracts.failures import Conflict, NotFound
from grantwire.contracts.jobs import CollectScope
from grantwire.contracts.messages import Message
from grantwire.contracts.streams import JOBS, Stream
from grantwire.graph import Graph, runs
from grantwire.graph.runs import PendingScope
from grantwire.scheduler.timetable import due
from grantwire.telemetry import utc_now

log = structlog.get_logger(__name__)


class Publish(Protocol):
    """Where jobs go: the bus, in life."""

    async def send(
        self, stream: Stream, subject: str, message: Message, *, id: str, source: str | None, traceparent: str | None
    ) -> object: ...


@dataclass(frozen=True)
class Scheduler:
    """Killed anywhere, it loses and doubles nothing: what is asked for stands in Postgres until the bus has it, and a
    job's message id is its run and scope."""

    graph: Graph
    publish: Publish

    async def turn(self) -> int:
        """Ask and publish once; says how many jobs the bus took. Raises ``DependencyDown``."""
        now = utc_now()
        for connector in due(now, await runs.timetable(self.graph, now)):
            await self._ask(connector)
        waiting = await runs.pending(self.graph)
        return sum([await self._publish(scope) for scope in waiting])

    async def _ask(self, connector: str) -> None:
        """A connector that cannot run (removed just now, its account unknown) keeps no other from running."""
        try:
            await runs.request(self.graph, connector, cause="interval", traceparent=None)
        except (NotFound, Conflict) as refusal:
            log.warning("a due connector cannot run", connector=connector, reason=str(refusal))

    async def _publish(self, wanted: PendingScope) -> bool:
        """A scope that is still busy keeps its place in Postgres and is offered again next turn."""
        try:
            await self.publish.send(
                JOBS,
                subjects.job(wanted.source, wanted.connector, wanted.scope),
                _job(wanted),
                id=f"{wanted.run}:{wanted.scope}",
                source=wanted.connector,
                traceparent=wanted.traceparent,
            )
        except Busy:
            return False
        await runs.published(self.graph, wanted.run, wanted.scope)
        log.info("job published", run=wanted.run, scope=wanted.scope, full=wanted.full)
        return True


def _job(wanted: PendingScope) -> CollectScope:
    return CollectScope(
        run=wanted.run,
        connector=wanted.connector,
        settings_version=wanted.settings_version,
        source=wanted.source,
        scope=wanted.scope,
        account=wanted.account,
        known_digest=wanted.known_digest,
        full=wanted.full,
    )
