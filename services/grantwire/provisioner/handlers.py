"""One coroutine per message: a command into the inbox, or its refusal. Nothing here speaks to AWS."""

import asyncio
import json
from dataclasses import dataclass
from uuid import UUID

import structlog

from grantwire.bus import Delivery
from grantwire.contracts import subjects
from grantwire.contracts.commands import AccessCommand, GrantAccess, RevokeAccess
from grantwire.contracts.snapshots import Reason
from grantwire.graph import Graph, connectors, inbox
from grantwire.graph.inbox import Arrived
from grantwire.graph.known import known
from grantwire.provisioner.names import resource_of
from grantwire.provisioner.rules import Rules
from grantwire.provisioner.screening import Addressed, Managed, screen
from grantwire.telemetry import Recorder, current_traceparent

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Inbox:
    """A command counts once its row is written; only then is the message acknowledged."""

    graph: Graph
    rules: Rules
    recorder: Recorder

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
        managed, facts = await asyncio.gather(self._managed(command.connector), known(self.graph, command))
        refusal = screen(command, addressed, managed, facts, self.rules)
        arrived = Arrived(
            addressed.team,
            command,
            delivery.sequence,
            delivery.at,
            resource_of(command),
            refusal,
            current_traceparent(),
        )
        accepted = await inbox.accept(self.graph, arrived)
        self.recorder.count("grantwire.commands.accepted", verb=command.verb(), result=accepted)
        told = {"team": addressed.team, "connector": command.connector, "account": command.account}
        log.info("command", command=str(command.id), verb=command.verb(), result=accepted, **told)

    async def _managed(self, connector: str) -> Managed | None:
        stored = await connectors.current(self.graph, connector)
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
