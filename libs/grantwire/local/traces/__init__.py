"""A development trace viewer: takes OTLP over HTTP, shows waterfalls, keeps nothing."""

from grantwire.local.traces.app import Viewer, create_app, serve
from grantwire.local.traces.spans import SpanRecord, TraceStore

__all__ = ["SpanRecord", "TraceStore", "Viewer", "create_app", "serve"]
