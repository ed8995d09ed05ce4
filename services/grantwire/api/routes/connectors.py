"""Connectors: adding one (checked against AWS first), reading them, and asking for a sync."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import structlog
from fastapi import APIRouter, Response
from pydantic import BaseModel, ConfigDict

from grantwire.api.views import connector_view
from grantwire.contracts.connectors import Connector, ConnectorState
from grantwire.contracts.failures import NotFound
from grantwire.contracts.ids import AccountId
from grantwire.graph import Graph, connectors, runs
from grantwire.graph.connectors import StoredConnector
from grantwire.telemetry import current_traceparent

log = structlog.get_logger(__name__)

Door = Callable[[Connector], Awaitable[AccountId]]  # asks AWS whether a connector works; gives its account


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
        sync is asked for at once. The same settings again change nothing and give 200."""
        before = await self._find(connector.id)
        if before is not None and _holds(before, connector):
            response.status_code = 200
            return _answer(before, created=False, run=None)
        account = await self.door(connector)
        await connectors.put(self.graph, connector, account=account, state=ConnectorState.SYNCING, reason=None)
        await connectors.add_log(self.graph, connector.id, "info", f"Saved; AWS lets it into account {account}.")
        run = await self._request(connector.id, full=False)
        response.status_code = 201 if before is None else 200
        log.info("connector saved", connector=connector.id, account=account, run=run)
        return _answer(await connectors.get(self.graph, connector.id), created=before is None, run=run)

    async def sync(self, connector_id: str, wanted: SyncRequest | None = None) -> dict[str, Any]:
        """Ask for a sync now; follow it at the run's address."""
        run = await self._request(connector_id, full=wanted is not None and wanted.full)
        return {"run": run, "href": f"/v1/runs/{run}", "events": f"/v1/runs/{run}/events"}

    async def _request(self, connector_id: str, *, full: bool) -> str:
        return await runs.request(
            self.graph, connector_id, cause="manual", traceparent=current_traceparent(), full=full
        )

    async def _find(self, connector_id: str) -> StoredConnector | None:
        try:
            return await connectors.get(self.graph, connector_id)
        except NotFound:
            return None


def _holds(stored: StoredConnector, connector: Connector) -> bool:
    """Whether these settings are kept already and were accepted by AWS."""
    return stored.connector == connector and stored.state not in (ConnectorState.DRAFT, ConnectorState.FAILED)


def _answer(stored: StoredConnector, *, created: bool, run: str | None) -> dict[str, Any]:
    return {
        "connector": connector_view(stored),
        "created": created,
        "run": run,
        "not_yet_acting": stored.connector.not_yet_acting(),
    }
