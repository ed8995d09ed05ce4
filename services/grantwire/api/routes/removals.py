"""Removals that wait for a person: seeing them, and deciding."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

import structlog
from fastapi import APIRouter
from fastapi.encoders import jsonable_encoder
from pydantic import BaseModel

from grantwire.graph import Graph, holding
from grantwire.telemetry import current_traceparent, utc_now

log = structlog.get_logger(__name__)


class Confirmation(BaseModel):
    """``fingerprint`` names the set that was shown, as the list gave it."""

    fingerprint: UUID


@dataclass(frozen=True)
class RemovalRoutes:
    graph: Graph

    def router(self) -> APIRouter:
        router = APIRouter(prefix="/v1/removals", tags=["removals"])
        router.add_api_route("", self.list_all, methods=["GET"])
        # A scope's key has a slash; it may come as one or as %2F.
        router.add_api_route("/{scope:path}/confirm", self.confirm, methods=["POST"], status_code=202)
        router.add_api_route("/{scope:path}/reject", self.reject, methods=["POST"])
        return router

    async def list_all(self, ids: bool = False) -> dict[str, Any]:
        """Every scope that holds removals: how many of what, since when; with `ids`, which rows."""
        found = await holding.list_all(self.graph, ids=ids)
        return {"time": utc_now().isoformat(), "removals": jsonable_encoder(found, exclude_none=True)}

    async def confirm(self, scope: str, shown: Confirmation) -> dict[str, Any]:
        """Let the next reading remove exactly the set that was shown, and ask for that reading. 409 when another set
        waits by now, 404 when none does."""
        traceparent = current_traceparent()
        run = await holding.confirm(self.graph, scope, shown.fingerprint, traceparent=traceparent)
        log.info("removals confirmed", scope=scope, fingerprint=str(shown.fingerprint), run=run)
        href = f"/v1/runs/{run}"
        return {"scope": scope, "fingerprint": shown.fingerprint, "run": run, "href": href, "events": f"{href}/events"}

    async def reject(self, scope: str) -> dict[str, Any]:
        """Keep the rows as last known. The next reading is judged anew. 404 when nothing waits."""
        reason = await holding.reject(self.graph, scope)
        log.info("removals rejected", scope=scope)
        return {"scope": scope, "reason": reason.model_dump()}
