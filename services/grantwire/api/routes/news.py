"""News of a connector as they come: its label, and its log."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Annotated, Any, Final

from fastapi import APIRouter, Header, Query
from fastapi.encoders import jsonable_encoder
from fastapi.responses import JSONResponse, Response, StreamingResponse

from grantwire.api.views import connector_view, cursor_of
from grantwire.graph import Graph, connectors, logbook
from grantwire.telemetry import monotonic

_LOOK_EVERY: Final = 0.1  # one indexed read; a notification would save it and add a connection per waiting client
_LOG_LINES: Final = 5
_STREAM: Final = "text/event-stream"

After = Annotated[str, Query(description="The last answer's `cursor`.")]
Wait = Annotated[float, Query(ge=0, le=30, description="Seconds to wait for news.")]


@dataclass(frozen=True)
class NewsRoutes:
    graph: Graph

    def router(self) -> APIRouter:
        router = APIRouter(prefix="/v1/connectors/{connector_id}", tags=["connectors"])
        router.add_api_route("/events", self.events, methods=["GET"])
        router.add_api_route("/log", self.log, methods=["GET"])
        return router

    async def events(
        self,
        connector_id: str,
        after: After = "",
        wait: Wait = 20.0,
        accept: Annotated[str, Header()] = "",
        last_event_id: Annotated[str, Header()] = "",
    ) -> Response:
        """The connector as soon as it differs from what `after` names, or when `wait` seconds are over. A client that
        accepts `text/event-stream` gets every state in those seconds as an event of its own, and comes again with
        Last-Event-ID."""
        after = after or last_event_id
        if _STREAM in accept:
            await connectors.get(self.graph, connector_id)  # 404 before the stream begins
            return StreamingResponse(self._stream(connector_id, after, wait), media_type=_STREAM)
        return JSONResponse(await self._next(connector_id, after, monotonic() + wait))

    async def log(
        self,
        connector_id: str,
        after: Annotated[int, Query(ge=0, description="The last line's `id`.")] = 0,
        limit: Annotated[int, Query(ge=1, le=logbook.MOST)] = 100,
        wait: Wait = 0.0,
    ) -> dict[str, Any]:
        """The newest lines after the one that `after` names, oldest first; with `wait`, as soon as there is one. A
        removed connector's log stays."""
        deadline = monotonic() + wait
        while True:
            found = await logbook.entries(self.graph, connector_id, after=after, limit=limit)
            if found or monotonic() >= deadline:
                return {"connector": connector_id, "lines": jsonable_encoder(found)}
            await asyncio.sleep(_LOOK_EVERY)

    async def _next(self, connector_id: str, after: str, deadline: float) -> dict[str, Any]:
        while True:
            view = connector_view(await connectors.get(self.graph, connector_id), log_lines=_LOG_LINES)
            cursor = cursor_of(view)
            if cursor != after or monotonic() >= deadline:
                return {"cursor": cursor, "connector": jsonable_encoder(view)}
            await asyncio.sleep(_LOOK_EVERY)

    async def _stream(self, connector_id: str, after: str, wait: float) -> AsyncIterator[str]:
        deadline = monotonic() + wait
        yield "retry: 1000\n\n"
        while monotonic() < deadline:
            news = await self._next(connector_id, after, deadline)
            if news["cursor"] != after:
                after = news["cursor"]
                yield f"id: {after}\nevent: connector\ndata: {json.dumps(news['connector'])}\n\n"
