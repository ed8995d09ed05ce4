"""A connector's settings on their way into the graph: well formed, without contradiction, accepted by AWS."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import structlog

from grantwire.api.merging import changed
from grantwire.api.problems import Contradictory, NotLetIn, Unsuitable
from grantwire.api.suspects import WRONG_PARTITION, suspects
from grantwire.api.validation import Door, Entrance
from grantwire.contracts.connectors import Connector, ConnectorState
from grantwire.contracts.contradictions import contradictions
from grantwire.contracts.failures import AwsError, Conflict, GrantwireError, Invalid, NotFound, SecretKeyError
from grantwire.graph import Graph, connectors, runs
from grantwire.graph.connectors import StoredConnector
from grantwire.telemetry import current_traceparent

log = structlog.get_logger(__name__)
UNACCEPTED: Final = (ConnectorState.DRAFT, ConnectorState.FAILED)


@dataclass(frozen=True)
class Saved:
    """A connector as it is kept now. ``run``: the sync that saving it began, None for a draft and a paused one."""

    stored: StoredConnector
    created: bool
    run: str | None = None


@dataclass(frozen=True)
class Keeper:
    graph: Graph
    door: Door

    async def save(self, connector: Connector, *, expected: int | None = None) -> Saved:
        """Ask AWS, keep the settings and ask for a sync. The same settings again change nothing. What AWS refuses is
        not kept, except as a failed draft where a draft was. Raises what ``enter`` raises, and ``Conflict``."""
        before = await self.find(connector.id)
        _expect(before, expected)
        if before is not None and await self._holds(before, connector):
            return Saved(before, created=False)
        entrance = await self._entered(connector, before)
        run = await self._keep(connector, before, entrance, expected)
        return Saved(await connectors.get(self.graph, connector.id), created=before is None, run=run)

    async def draft(self, connector: Connector, *, expected: int | None = None) -> Saved:
        """Keep the settings without asking AWS; nothing is read before they are saved with a role. Raises ``Conflict``
        for the id of a connector that is no draft."""
        before = await self.find(connector.id)
        _expect(before, expected)
        if before is not None and before.state not in UNACCEPTED:
            raise Conflict(
                f"Connector {connector.id!r} is there already and {before.state.value}; next: change it with "
                f"`grantwire connector edit {connector.id}`, or choose another id."
            )
        self.require_sense(connector, draft=True)
        await self._put(connector, ConnectorState.DRAFT, None, before.version if before else None)
        if before is None:
            await connectors.add_log(self.graph, connector.id, "info", "Drafted; it waits for its role.")
        return Saved(await connectors.get(self.graph, connector.id), created=before is None)

    async def change(self, id: str, changes: Mapping[str, Any], *, expected: int | None = None) -> Saved:
        """The settings with some of them changed: a draft without a role stays one. Raises ``NotFound`` besides."""
        stored = await connectors.get(self.graph, id)
        connector = changed(await self.settings(stored), changes)
        if stored.state in UNACCEPTED and connector.role_arn is None:
            return await self.draft(connector, expected=expected)
        return await self.save(connector, expected=stored.version if expected is None else expected)

    async def settings(self, stored: StoredConnector) -> Connector:
        """The settings with their secrets. Raises ``SecretKeyError``."""
        return await connectors.settings(self.graph, stored.connector.id, stored.version)

    async def find(self, id: str) -> StoredConnector | None:
        try:
            return await connectors.get(self.graph, id)
        except NotFound:
            return None

    def require_sense(self, connector: Connector, *, draft: bool = False) -> None:
        """Raises ``Contradictory`` that names every field, ``Invalid`` for an address that nobody should be sent to."""
        if found := contradictions(connector, draft=draft):
            raise Contradictory([(each.field, each.message) for each in found])
        self.door.mind(connector)

    async def _holds(self, stored: StoredConnector, connector: Connector) -> bool:
        """Whether these settings are kept already and were accepted by AWS; not if a secret of them cannot be read."""
        try:
            return stored.state not in UNACCEPTED and await self.settings(stored) == connector
        except SecretKeyError:
            return False

    async def _entered(self, connector: Connector, before: StoredConnector | None) -> Entrance:
        self.require_sense(connector)
        try:
            return await self._enter(connector)
        except GrantwireError as refusal:
            if before is not None:
                await self._refused(connector, before, refusal)
            raise

    async def _enter(self, connector: Connector) -> Entrance:
        try:
            return await self.door.enter(connector)
        except Invalid as error:
            raise Unsuitable(str(error), error.field) from error
        except AwsError as error:
            if error.code == WRONG_PARTITION:
                raise Unsuitable(str(error), "role_arn") from error
            raise NotLetIn(error, suspects(connector, error)) from error

    async def _refused(self, connector: Connector, before: StoredConnector, refusal: GrantwireError) -> None:
        """A draft remembers the role that was refused; settings that work stay as they are."""
        if before.state in UNACCEPTED:
            await self._put(connector, ConnectorState.FAILED, str(refusal), before.version)
            await connectors.add_log(self.graph, connector.id, "error", f"failed: {refusal}")
        else:
            await connectors.add_log(self.graph, connector.id, "warning", f"A change was not saved: {refusal}")

    async def _put(self, connector: Connector, state: ConnectorState, reason: str | None, expected: int | None) -> None:
        """Of what AWS did not accept, no account is claimed."""
        await connectors.put(self.graph, connector, account=None, state=state, reason=reason, expected=expected)

    async def _keep(
        self, connector: Connector, before: StoredConnector | None, entrance: Entrance, expected: int | None
    ) -> str | None:
        paused = before is not None and before.state is ConnectorState.PAUSED
        await connectors.put(
            self.graph,
            connector,
            account=entrance.account,
            organization=entrance.organization,
            identity_center=entrance.identity_center,
            state=ConnectorState.PAUSED if paused else ConnectorState.SYNCING,
            reason=before.reason if before is not None and paused else None,
            expected=expected,
        )
        await connectors.add_log(self.graph, connector.id, "info", f"Saved; {entrance}")
        log.info("connector saved", connector=connector.id, account=entrance.account, paused=paused)
        return None if paused else await self.request(connector.id, full=False)

    async def request(self, id: str, *, full: bool) -> str:
        """A sync, now: the run's id. Raises ``NotFound`` and ``Conflict``."""
        return await runs.request(self.graph, id, cause="manual", traceparent=current_traceparent(), full=full)


def with_external_id(connector: Connector, external_id: str) -> Connector:
    """A draft's external id is made before its role is, so that its trust policy can ask for it."""
    return connector if connector.external_id is not None else connector.model_copy(update={"external_id": external_id})


def _expect(before: StoredConnector | None, expected: int | None) -> None:
    """Asked before AWS is; the transaction that keeps the settings asks again."""
    if before is not None and expected is not None and before.version != expected:
        raise Conflict(connectors.changed_meanwhile(before.connector.id, before.version, expected))
