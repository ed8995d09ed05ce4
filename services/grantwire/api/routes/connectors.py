"""Connectors: adding one (checked against AWS first), reading them, asking for a sync, and removing one."""

from dataclasses import dataclass
from typing import Any

import structlog
from fastapi import APIRouter, Response
from pydantic import BaseModel, ConfigDict

from grantwire.api.problems import Unsuitable
from grantwire.api.validation import Door, Entrance
from grantwire.api.views import connector_view, retired_view
from grantwire.contracts.connectors import Connector, ConnectorState
from grantwire.contracts.failures import Invalid, NotFound, SecretKeyError
from grantwire.graph import Graph, connectors, retiring, runs
from grantwire.graph.connectors import StoredConnector
from grantwire.telemetry import current_traceparent

log = structlog.get_logger(__name__)


class SyncRequest(BaseModel):
    """``full`` asks for the whole content even where nothing changed."""

    model_config = ConfigDict(extra="forbid")
    full: bool = False


@dataclass(frozen=True)
class ConnectorRoutes:
    graph: Graph
    door: Door

    def router(self) -> APIRouter:
        router = APIRouter(prefix="/v1/connectors", tags=["connectors"])
        router.add_api_route("", self.list_all, methods=["GET"])
        router.add_api_route("", self.put, methods=["POST"], status_code=201)
        router.add_api_route("/{connector_id}", self.get, methods=["GET"])
        router.add_api_route("/{connector_id}", self.remove, methods=["DELETE"])
        router.add_api_route("/{connector_id}/sync", self.sync, methods=["POST"], status_code=202)
        return router

    async def list_all(self) -> dict[str, Any]:
        """Every connector. Secrets are shown as "set"."""
        return {"connectors": [connector_view(stored) for stored in await connectors.list_all(self.graph)]}

    async def get(self, connector_id: str) -> dict[str, Any]:
        """One connector with its log. 404 names the connectors there are."""
        return connector_view(await connectors.get(self.graph, connector_id))

    async def put(self, connector: Connector, response: Response) -> dict[str, Any]:
        """Add a connector, or change the one of that id. It is checked against AWS before it is kept, and its first
        sync is asked for at once. The same settings again change nothing and give 200. 400 when AWS contradicts a
        setting: `organizations` with a role that may not read the organization, for one."""
        before = await self._find(connector.id)
        if before is not None and await self._holds(before, connector):
            response.status_code = 200
            return _answer(before, created=False, run=None)
        entrance = await self._enter(connector)
        await self._keep(connector, entrance)
        run = await self._request(connector.id, full=False)
        response.status_code = 201 if before is None else 200
        log.info("connector saved", connector=connector.id, account=entrance.account, run=run)
        return _answer(await connectors.get(self.graph, connector.id), created=before is None, run=run)

    async def remove(self, connector_id: str) -> dict[str, Any]:
        """Forget a connector. What its scopes held is retired: kept for a while, out of every answer."""
        before = {scope.key for scope in await retiring.retired(self.graph)}
        await connectors.remove(self.graph, connector_id)
        retired = [each for each in await retiring.retired(self.graph) if each.key not in before]
        log.info("connector removed", connector=connector_id, retired=len(retired))
        found = [retired_view(each) for each in retired if each.connector == connector_id]
        return {"removed": connector_id, "retired": found}

    async def sync(self, connector_id: str, wanted: SyncRequest | None = None) -> dict[str, Any]:
        """Ask for a sync now; follow it at the run's address."""
        run = await self._request(connector_id, full=wanted is not None and wanted.full)
        return {"run": run, "href": f"/v1/runs/{run}", "events": f"/v1/runs/{run}/events"}

    async def _enter(self, connector: Connector) -> Entrance:
        try:
            return await self.door(connector)
        except Invalid as error:
            raise Unsuitable(str(error), error.field) from error

    async def _keep(self, connector: Connector, entrance: Entrance) -> None:
        await connectors.put(
            self.graph,
            connector,
            account=entrance.account,
            organization=entrance.organization,
            state=ConnectorState.SYNCING,
            reason=None,
        )
        await connectors.add_log(self.graph, connector.id, "info", f"Saved; {entrance}")

    async def _request(self, connector_id: str, *, full: bool) -> str:
        return await runs.request(
            self.graph, connector_id, cause="manual", traceparent=current_traceparent(), full=full
        )

    async def _holds(self, stored: StoredConnector, connector: Connector) -> bool:
        """Whether these settings are kept already and were accepted by AWS; not if a secret of them cannot be read."""
        if stored.state in (ConnectorState.DRAFT, ConnectorState.FAILED):
            return False
        try:
            return connector == await connectors.settings(self.graph, connector.id, stored.version)
        except SecretKeyError:
            return False

    async def _find(self, connector_id: str) -> StoredConnector | None:
        try:
            return await connectors.get(self.graph, connector_id)
        except NotFound:
            return None


def _answer(stored: StoredConnector, *, created: bool, run: str | None) -> dict[str, Any]:
    return {
        "connector": connector_view(stored),
        "created": created,
        "run": run,
        "not_yet_acting": stored.not_yet_acting(),
    }
