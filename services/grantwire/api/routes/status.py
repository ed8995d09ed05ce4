"""Everything at a glance: connectors with the tail of their logs, scopes and their freshness, what is held."""

import asyncio
from dataclasses import dataclass
from typing import Any, Final

from fastapi import APIRouter
from fastapi.encoders import jsonable_encoder

from grantwire.api.views import connector_view, freshness_of, scope_view
from grantwire.graph import Graph, connectors, queries
from grantwire.graph.connectors import StoredConnector
from grantwire.telemetry import utc_now

LOG_LINES: Final = 5


@dataclass(frozen=True)
class StatusRoutes:
    graph: Graph

    def router(self) -> APIRouter:
        router = APIRouter(prefix="/v1", tags=["status"])
        router.add_api_route("/status", self.status, methods=["GET"])
        return router

    async def status(self) -> dict[str, Any]:
        """Freshness is computed now, from when reading AWS began, so a dead scheduler shows too."""
        now = utc_now()
        stored, scopes, counts, revision = await asyncio.gather(
            self._connectors(),
            queries.scopes(self.graph, now),
            queries.counts(self.graph),
            queries.revision(self.graph),
        )
        return {
            "time": now.isoformat(),
            "state": freshness_of(scopes),
            "revision": revision,
            "connectors": [connector_view(each, log_lines=LOG_LINES) for each in stored],
            "scopes": [scope_view(scope) for scope in scopes],
            "counts": jsonable_encoder(counts),
        }

    async def _connectors(self) -> list[StoredConnector]:
        found = await connectors.list_all(self.graph)
        return [await connectors.get(self.graph, each.connector.id) for each in found]  # the list has no logs
