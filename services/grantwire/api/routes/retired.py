"""Retired scopes: what no longer counts is kept for a while, and purged then or on demand."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import structlog
from fastapi import APIRouter
from fastapi.encoders import jsonable_encoder
from pydantic import BaseModel, ConfigDict

from grantwire.api.views import retired_view
from grantwire.contracts.failures import NotFound
from grantwire.graph import Graph, retiring
from grantwire.telemetry import utc_now

log = structlog.get_logger(__name__)


class Purge(BaseModel):
    """One scope, or with ``all`` every retired one; with neither, those whose time is over."""

    model_config = ConfigDict(extra="forbid")
    scope: str | None = None
    all: bool = False


@dataclass(frozen=True)
class RetiredRoutes:
    graph: Graph

    def router(self) -> APIRouter:
        router = APIRouter(prefix="/v1/retired", tags=["retired"])
        router.add_api_route("", self.list_all, methods=["GET"])
        router.add_api_route("/purge", self.purge, methods=["POST"])
        return router

    async def list_all(self) -> dict[str, Any]:
        """Every retired scope: why, since when, and when it is purged; the first to go first."""
        found = await retiring.retired(self.graph)
        return {"time": utc_now().isoformat(), "retired": [retired_view(each) for each in found]}

    async def purge(self, wanted: Purge | None = None) -> dict[str, Any]:
        """Delete what retired scopes hold, for good. 404 for a scope that is not retired."""
        wanted = wanted or Purge()
        at_once = wanted.all or wanted.scope is not None
        age = timedelta() if at_once else retiring.RETENTION
        purged = await retiring.purge(self.graph, older_than=age, scope=wanted.scope)
        if wanted.scope is not None and not purged:
            raise NotFound(f"Scope {wanted.scope!r} is not retired; `grantwire retired list` shows those that are.")
        log.info("retired scopes purged", scopes=[each.scope for each in purged])
        return {"purged": jsonable_encoder(purged)}
