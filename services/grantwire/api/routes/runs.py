"""Runs: the history, one of them with its scopes, and a way to wait for the next news of it."""

import asyncio
from dataclasses import dataclass
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query
from fastapi.encoders import jsonable_encoder

from grantwire.api.views import cursor_of
from grantwire.graph import Graph, runs
from grantwire.telemetry import monotonic, utc_now

_LOOK_EVERY: Final = 0.1  # one indexed read; a notification would save it and add a connection per waiting client


@dataclass(frozen=True)
class RunRoutes:
    graph: Graph

    def router(self) -> APIRouter:
        router = APIRouter(prefix="/v1/runs", tags=["runs"])
        router.add_api_route("", self.history, methods=["GET"])
        router.add_api_route("/{run_id}", self.get, methods=["GET"])
        router.add_api_route("/{run_id}/events", self.events, methods=["GET"])
        return router

    async def history(
        self, connector: str | None = None, limit: Annotated[int, Query(ge=1, le=1_000)] = 20
    ) -> dict[str, Any]:
        """The newest runs without their scopes, newest first: of one connector or of all, removed ones included."""
        found = await runs.history(self.graph, connector, limit)
        return {"time": utc_now().isoformat(), "runs": jsonable_encoder(found)}

    async def get(self, run_id: str) -> dict[str, Any]:
        """The run and each of its scopes."""
        view: dict[str, Any] = jsonable_encoder(await runs.get(self.graph, run_id))
        return view

    async def events(
        self, run_id: str, after: str = "", wait: Annotated[float, Query(ge=0, le=30)] = 20.0
    ) -> dict[str, Any]:
        """The run as soon as it differs from what `after` (the last answer's `cursor`) names, or when `wait` seconds
        are over."""
        deadline = monotonic() + wait
        while True:
            run = await self.get(run_id)
            cursor = cursor_of(run)
            if cursor != after or monotonic() >= deadline:
                return {"cursor": cursor, "run": run}
            await asyncio.sleep(_LOOK_EVERY)
