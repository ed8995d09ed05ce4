"""How log lines look: one JSON object or one console line on stderr, with the trace they belong to and no secrets."""

import logging
import sys
from collections.abc import MutableMapping
from typing import Any, Literal

import structlog
from opentelemetry import trace

from grantwire.telemetry.clock import utc_now
from grantwire.telemetry.redaction import redact
from grantwire.telemetry.tracing import service_of

LogFormat = Literal["json", "console"]
Event = MutableMapping[str, Any]

# These say at INFO what our own lines already say better, once per request or call.
_TALKATIVE = ("asyncio", "botocore", "boto3", "urllib3", "httpx", "httpcore", "uvicorn", "nats")


def configure(service: str, log_format: LogFormat, level: str) -> None:
    """Route structlog and standard logging alike to stderr. May be called again; the last call holds."""
    shared = _shared_processors(service)
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    _take_over_stderr(_formatter(log_format, shared))
    logging.getLogger().setLevel(level.upper())
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(logging.WARNING)


def _take_over_stderr(formatter: logging.Formatter) -> None:
    """Leave handlers that write elsewhere alone; two on stderr would say everything twice."""
    root = logging.getLogger()
    for handler in list(root.handlers):
        if isinstance(handler, _Stderr) or getattr(handler, "stream", None) in (sys.stderr, sys.stdout):
            root.removeHandler(handler)
    ours = _Stderr()
    ours.setFormatter(formatter)
    root.addHandler(ours)


class _Stderr(logging.Handler):
    """Writes to whatever stderr is at the time of writing."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            sys.stderr.write(self.format(record) + "\n")
        except Exception:
            self.handleError(record)


def _formatter(log_format: LogFormat, shared: list[Any]) -> logging.Formatter:
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, _renderer(log_format)],
    )


def _renderer(log_format: LogFormat) -> Any:
    if log_format == "json":
        return structlog.processors.JSONRenderer(default=str)
    return structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), pad_event_to=40)


def _shared_processors(service: str) -> list[Any]:
    return [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.PositionalArgumentsFormatter(),
        _add_time,
        _Origin(service),
        structlog.processors.StackInfoRenderer(),
        structlog.processors.format_exc_info,  # before redaction: a traceback may quote a URL with a password
        redact,
    ]


def _add_time(_logger: object, _method: str, event: Event) -> Event:
    event["time"] = utc_now().isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return event


class _Origin:
    """Says which service wrote the line, and inside which span."""

    def __init__(self, service: str) -> None:
        self._service = service

    def __call__(self, _logger: object, _method: str, event: Event) -> Event:
        span = trace.get_current_span()
        context = span.get_span_context()
        event.setdefault("service", service_of(span) or self._service)
        if context.is_valid:
            event["trace_id"] = trace.format_trace_id(context.trace_id)
            event["span_id"] = trace.format_span_id(context.span_id)
        return event
