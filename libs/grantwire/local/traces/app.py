"""The viewer's HTTP side: an OTLP sink, two pages and the same as JSON. Loopback, no scripts, no outside assets."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import asdict, dataclass
from importlib.resources import files
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from grantwire.local.ports import LOOPBACK
from grantwire.local.traces import otlp, pages
from grantwire.local.traces.spans import Row, SpanRecord, Trace, TraceStore

_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
_READERS: dict[str, Callable[[bytes], list[SpanRecord]]] = {
    "application/x-protobuf": otlp.from_protobuf,
    "application/json": otlp.from_json,
}


@dataclass(frozen=True)
class Viewer:
    """A viewer that is running."""

    url: str  # also the OTLP endpoint
    store: TraceStore


def create_app(store: TraceStore, max_body: int = otlp.MAX_BODY) -> Starlette:
    """The application over a store. Bodies above `max_body` bytes are refused with 413."""
    handlers = _Handlers(store, max_body)
    return Starlette(
        routes=[
            Route("/", handlers.list_page),
            Route("/traces/{trace_id}", handlers.trace_page),
            Route("/style.css", _style),
            Route("/api/traces", handlers.list_json),
            Route("/api/traces/{trace_id}", handlers.trace_json),
            Route("/v1/traces", handlers.receive, methods=["POST"]),
            Route("/v1/{signal:path}", _discard, methods=["POST"]),
        ],
        # A page on another site could otherwise read this one through a name that resolves to 127.0.0.1.
        middleware=[Middleware(TrustedHostMiddleware, allowed_hosts=[LOOPBACK, "localhost"])],
    )


@asynccontextmanager
async def serve(port: int = 0, store: TraceStore | None = None) -> AsyncIterator[Viewer]:
    """Run a viewer in this event loop, on loopback. Port 0 takes any. Raises OSError if the port is in use."""
    store = store or TraceStore()
    with socket.create_server((LOOPBACK, port)) as listening:
        server = _Server(_config(create_app(store)))
        running = asyncio.create_task(server.serve(sockets=[listening]), name="trace viewer")
        try:
            yield Viewer(f"http://{LOOPBACK}:{listening.getsockname()[1]}", store)
        finally:
            server.should_exit = True
            await running


def _config(app: Starlette) -> uvicorn.Config:
    return uvicorn.Config(
        app, lifespan="off", log_config=None, access_log=False, ws="none", timeout_graceful_shutdown=1, loop="none"
    )


class _Server(uvicorn.Server):
    """Signals belong to the process around it."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class _Handlers:
    def __init__(self, store: TraceStore, max_body: int) -> None:
        self._store = store
        self._max_body = max_body

    async def list_page(self, _request: Request) -> Response:
        return HTMLResponse(pages.list_page(self._store.latest()), headers=_HEADERS)

    async def trace_page(self, request: Request) -> Response:
        trace = self._store.get(request.path_params["trace_id"])
        if trace is None:
            return HTMLResponse(pages.missing_page(), 404, headers=_HEADERS)
        return HTMLResponse(pages.trace_page(trace), headers=_HEADERS)

    async def list_json(self, _request: Request) -> Response:
        return JSONResponse([_summary(trace) for trace in self._store.latest()], headers=_HEADERS)

    async def trace_json(self, request: Request) -> Response:
        trace = self._store.get(request.path_params["trace_id"])
        if trace is None:
            return JSONResponse({"error": "no such trace"}, 404, headers=_HEADERS)
        return JSONResponse({**_summary(trace), "spans": [_span(row) for row in trace.rows()]}, headers=_HEADERS)

    async def receive(self, request: Request) -> Response:
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind not in _READERS:
            return _refusal(415, f"send {' or '.join(_READERS)}")
        try:
            body = await _body(request, self._max_body)
            self._store.add(_READERS[kind](body))
        except otlp.TooLarge:
            return _refusal(413, f"a body may have {self._max_body} bytes")
        except otlp.Malformed as error:
            return _refusal(400, str(error))
        # An empty protobuf message is no bytes at all; an empty JSON one is braces.
        return Response(b"{}" if kind == "application/json" else b"", media_type=kind)


async def _body(request: Request, limit: int) -> bytes:
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > limit:
            raise otlp.TooLarge
    if request.headers.get("content-encoding", "").lower() == "gzip":
        return otlp.unzipped(bytes(body), limit)
    return bytes(body)


async def _style(_request: Request) -> Response:
    text = files("grantwire.local.traces").joinpath("style.css").read_text("utf-8")
    return Response(text, media_type="text/css", headers=_HEADERS)


async def _discard(_request: Request) -> Response:
    """Metrics and logs are taken, so that a sender does not complain, and dropped."""
    return Response(b"", media_type="application/x-protobuf")


def _refusal(status: int, reason: str) -> Response:
    return JSONResponse({"error": reason}, status, headers=_HEADERS)


def _summary(trace: Trace) -> dict[str, Any]:
    return {
        "trace_id": trace.trace_id,
        "title": trace.title,
        "services": trace.services,
        "span_count": len(trace.spans),
        "errors": trace.errors,
        "dropped": trace.dropped,
        "start_ns": trace.start_ns,
        "duration_ns": trace.duration_ns,
    }


def _span(row: Row) -> dict[str, Any]:
    return {**asdict(row.span), "depth": row.depth, "duration_ns": row.span.duration_ns}
