"""One coroutine per message: a command into the inbox, or its refusal. Nothing here speaks to AWS."""

import json
from dataclasses import dataclass
from uuid import UUID

import structlog

from grantwire.bus import Delivery
from grantwire.contracts import subjects
from grantwire.contracts.commands import AccessCommand, GrantAccess, RevokeAccess
from grantwire.contracts.snapshots import Reason
from grantwire.graph import Graph, inbox
from grantwire.graph.connectors import StoredConnector
from grantwire.graph.inbox import Accepted, Arrived
from grantwire.graph.known import Around, around
from grantwire.graph.operation import Claimed
from grantwire.provisioner.lanes import Handed, Lanes
from grantwire.provisioner.names import resource_of
from grantwire.provisioner.rules import Rules
from grantwire.provisioner.screening import Addressed, Managed, screen
from grantwire.telemetry import Recorder, current_traceparent, monotonic

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Inbox:
    """A command counts once its row is written; only then is the message acknowledged."""

    graph: Graph
    rules: Rules
    recorder: Recorder
    lanes: Lanes
    claim_seconds: float

    async def grant_access(self, command: GrantAccess, delivery: Delivery) -> None:
        """Take a grant in. Raises ``DependencyDown``."""
        await self._take(command, delivery)

    async def revoke_access(self, command: RevokeAccess, delivery: Delivery) -> None:
        """Take a revoke in. Raises ``DependencyDown``."""
        await self._take(command, delivery)

    async def unreadable(self, delivery: Delivery, why: str) -> None:
        """Tell whoever sent it, as far as it says which command it is; its copy lies among the dead letters. Raises
        ``DependencyDown``."""
        addressed = addressed_of(delivery.subject)
        reason = Reason(code="malformed", text=why)
        about = (addressed.team, addressed.connector, addressed.account, addressed.verb)
        await inbox.refuse_unreadable(self.graph, id_in(delivery.body), about, reason, delivery.sequence)

    async def _take(self, command: AccessCommand, delivery: Delivery) -> None:
        addressed = addressed_of(delivery.subject)
        found = await around(self.graph, command)
        refusal = screen(command, addressed, _managed(found.connector), found.facts, self.rules)
        arrived = Arrived(
            addressed.team,
            command,
            delivery.sequence,
            delivery.at,
            resource_of(command),
            refusal,
            current_traceparent(),
        )
        accepted = await self._accept(arrived, found)
        self.recorder.count("grantwire.commands.accepted", verb=command.verb(), result=accepted)
        told = {"team": addressed.team, "connector": command.connector, "account": command.account}
        log.info("command", command=str(command.id), verb=command.verb(), result=accepted, **told)

    async def _accept(self, arrived: Arrived, found: Around) -> Accepted:
        """For a lane of this process, if one waits: it need not be told, nor look up what is known already."""
        promised, claimed_at = self.lanes.promise(), monotonic()
        claimed: Claimed | None = None
        try:
            seconds = self.claim_seconds if promised else None
            accepted, claimed = await inbox.accept_and_claim(self.graph, arrived, seconds)
            return accepted
        finally:
            if claimed is not None:
                await self.lanes.hand(Handed(claimed, claimed_at, found))
            elif promised:
                self.lanes.keep()


def _managed(stored: StoredConnector | None) -> Managed | None:
    if stored is None:
        return None
    return Managed(stored.connector, stored.state, stored.account, stored.identity_center is not None)


def id_in(body: bytes) -> UUID | None:
    """The id of a command that cannot be read otherwise."""
    try:
        return UUID(json.loads(body)["id"])
    except (ValueError, TypeError, KeyError, AttributeError):
        return None


def addressed_of(subject: str) -> Addressed:
    """What ``gw.cmd.<team>.<connector>.<account>.<verb>`` says."""
    _, _, team, connector, account, verb = subjects.words(subject)
    return Addressed(team, connector, account, verb)
