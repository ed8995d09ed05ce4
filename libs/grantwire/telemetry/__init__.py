"""Logs, traces, metrics and the clock: how every service tells what it does, and when."""

from grantwire.telemetry.clock import monotonic, utc_now
from grantwire.telemetry.instruments import instrument
from grantwire.telemetry.metrics import CounterName, HistogramName, Recorder
from grantwire.telemetry.redaction import mask, mask_text
from grantwire.telemetry.setup import Telemetry, setup
from grantwire.telemetry.tracing import (
    context_from,
    current_traceparent,
    detached,
    links_to,
    record_error,
    span,
    tracer,
    tracer_provider,
)

__all__ = [
    "CounterName",
    "HistogramName",
    "Recorder",
    "Telemetry",
    "context_from",
    "current_traceparent",
    "detached",
    "instrument",
    "links_to",
    "mask",
    "mask_text",
    "monotonic",
    "record_error",
    "setup",
    "span",
    "tracer",
    "tracer_provider",
    "utc_now",
]
