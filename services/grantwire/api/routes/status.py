"""Everything at a glance: connectors with their last run and the tail of their logs, scopes and their freshness."""

import asyncio
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from fastapi import APIRouter
from fastapi.encoders import jsonable_encoder

from grantwire.api.views import connector_view, freshness_of, last_run_view, scope_view
from grantwire.graph import Graph, connectors, queries, retiring, runs
from grantwire.graph.connectors import StoredConnector
from grantwire.graph.queries import ScopeView
from grantwire.graph.retiring import RetiredScope
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
        """Freshness is computed now, from when reading AWS began, so a dead scheduler shows too. An account that is
        known to be unreachable is named and counted, but spoils nothing."""
        now = utc_now()
        stored, latest, scopes, retired, counts, revision = await asyncio.gather(
            self._connectors(),
            runs.latest(self.graph),
            queries.scopes(self.graph, now),
            retiring.retired(self.graph),
            queries.counts(self.graph),
            queries.revision(self.graph),
        )
        names = {part.scope: part.name for run in latest for part in run.scopes if part.source != "organization"}
        return {
            "time": now.isoformat(),
            "state": freshness_of(scope for scope in scopes if scope.state != "unreachable"),
            "revision": revision,
            "connectors": _connectors(stored, latest, _accounts(scopes, retired)),
            "scopes": [scope_view(scope) | {"name": names.get(scope.key)} for scope in scopes],
            "counts": jsonable_encoder(counts),
        }

    async def _connectors(self) -> list[StoredConnector]:
        found = await connectors.list_all(self.graph)
        return [await connectors.get(self.graph, each.connector.id) for each in found]  # the list has no logs


def _connectors(
    stored: list[StoredConnector], latest: list[RunView], accounts: Mapping[str, Counter[str]]
) -> list[dict[str, Any]]:
    ran = {run.connector: last_run_view(run) for run in latest}
    return [
        connector_view(each, log_lines=LOG_LINES)
        | {"last_run": ran.get(each.connector.id), "accounts": dict(accounts.get(each.connector.id, {}))}
        for each in stored
    ]


def _accounts(scopes: list[ScopeView], retired: list[RetiredScope]) -> dict[str, Counter[str]]:
    """How many accounts of each connector are in which state, the retired ones too. An organization is none."""
    counts: dict[str, Counter[str]] = {}
    found: list[tuple[str, str, str]] = [(each.connector, each.source, each.state) for each in scopes]
    found += [(each.connector, each.source, "retired") for each in retired]
    for connector, source, state in found:
        if source == "iam":
            counts.setdefault(connector, Counter())[state] += 1
    return counts
