"""Everything at a glance: connectors with their last run and the tail of their logs, scopes and their freshness."""

import asyncio
from dataclasses import dataclass
from typing import Any, Final

from fastapi import APIRouter
from fastapi.encoders import jsonable_encoder

from grantwire.api.views import connector_view, freshness_of, last_run_view, scope_view
from grantwire.graph import Graph, connectors, queries, runs
from grantwire.graph.connectors import StoredConnector
from grantwire.graph.runs import RunView
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
        stored, latest, scopes, counts, revision = await asyncio.gather(
            self._connectors(),
            runs.latest(self.graph),
            queries.scopes(self.graph, now),
            queries.counts(self.graph),
            queries.revision(self.graph),
        )
        return {
            "time": now.isoformat(),
            "state": freshness_of(scopes),
            "revision": revision,
            "connectors": _connectors(stored, latest),
            "scopes": [scope_view(scope) for scope in scopes],
            "counts": jsonable_encoder(counts),
        }

    async def _connectors(self) -> list[StoredConnector]:
        found = await connectors.list_all(self.graph)
        return [await connectors.get(self.graph, each.connector.id) for each in found]  # the list has no logs


def _connectors(stored: list[StoredConnector], latest: list[RunView]) -> list[dict[str, Any]]:
    ran = {run.connector: last_run_view(run) for run in latest}
    return [connector_view(each, log_lines=LOG_LINES) | {"last_run": ran.get(each.connector.id)} for each in stored]
