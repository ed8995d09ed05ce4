"""Spans: one exporter for the process, one provider for each service in it, so a trace shows who did what."""

import logging
import threading
import traceback
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from opentelemetry import context as otel_context
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter
from opentelemetry.trace import Link, Span, SpanKind, Status, StatusCode, Tracer
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from opentelemetry.util.types import AttributeValue

from grantwire.telemetry.clock import monotonic
from grantwire.telemetry.redaction import mask_text

_EXPORT_SECONDS = 2.0  # the default of 10 makes a process with a dead backend take 7 s to stop
_DELAY_MS = 300  # short enough to see a trace right after the act that caused it
_QUEUE = 32_768  # a collector's burst of calls overruns the default of 2,048
_QUIET_SECONDS = 60.0
_EXPORT_LOGGERS = (
    "opentelemetry.exporter.otlp.proto.http.trace_exporter",
    "opentelemetry.exporter.otlp.proto.http.metric_exporter",
)

_PROPAGATOR = TraceContextTextMapPropagator()


class Providers:
    """The tracer providers of this process, all feeding one span processor."""

    def __init__(self, processor: SpanProcessor | None) -> None:
        self._processor = processor
        self._providers: dict[str, trace.TracerProvider] = {}
        self._lock = threading.Lock()

    def of(self, service: str) -> trace.TracerProvider:
        """The provider whose spans carry `service.name` = `service`; one that records nothing without a backend."""
        with self._lock:
            if service not in self._providers:
                self._providers[service] = self._make(service)
            return self._providers[service]

    @property
    def records(self) -> bool:
        """Whether there is a backend."""
        return self._processor is not None

    def shutdown(self) -> None:
        """Send what is queued, for at most a few seconds. Blocking."""
        if self._processor is not None:
            self._processor.shutdown()

    def _make(self, service: str) -> trace.TracerProvider:
        if self._processor is None:
            return trace.NoOpTracerProvider()
        resource = Resource.create({SERVICE_NAME: service})
        provider = TracerProvider(resource=resource, shutdown_on_exit=False)
        provider.add_span_processor(self._processor)
        return provider


_current = Providers(None)


def use(providers: Providers) -> None:
    """Make these the providers of this process."""
    global _current
    _current = providers


def recording() -> bool:
    """Whether spans go anywhere by now."""
    return _current.records


def batching(endpoint: str) -> SpanProcessor:
    """A processor that sends spans to an OTLP/HTTP backend at the base URL `endpoint`, such as http://127.0.0.1:4318."""
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

    for name in _EXPORT_LOGGERS:
        logger = logging.getLogger(name)
        if not any(isinstance(item, _OncePerMinute) for item in logger.filters):
            logger.addFilter(_OncePerMinute())
    return batch(OTLPSpanExporter(endpoint=f"{endpoint.rstrip('/')}/v1/traces", timeout=_EXPORT_SECONDS))


def batch(exporter: SpanExporter) -> SpanProcessor:
    """Queue spans for `exporter` and send them within 300 ms."""
    return BatchSpanProcessor(exporter, max_queue_size=_QUEUE, schedule_delay_millis=_DELAY_MS)


def tracer(service: str) -> Tracer:
    """A tracer whose spans belong to `service`. Ask again after `setup`: one from before records nothing."""
    return _current.of(service).get_tracer("grantwire")


def tracer_provider(service: str) -> trace.TracerProvider:
    """The provider to hand to a library that makes its own spans (FastAPI, FastStream) on behalf of `service`."""
    return _current.of(service)


@contextmanager
def span(
    service: str | Tracer,
    name: str,
    *,
    kind: SpanKind = SpanKind.INTERNAL,
    attributes: Mapping[str, AttributeValue] | None = None,
    parent: Context | None = None,
    links: Iterable[Link] = (),
) -> Iterator[Span]:
    """A span around the block, current inside it; an exception marks it as failed and is raised again.

    `parent=None` means the current span; `parent=Context()` starts a new trace, as a long-lived loop must.
    Never `yield` to a caller from inside the block: the caller would run in this span.
    """
    source = tracer(service) if isinstance(service, str) else service
    with source.start_as_current_span(
        name,
        context=parent,
        kind=kind,
        attributes=attributes,
        links=tuple(links),
        record_exception=False,
        set_status_on_exception=False,
    ) as current:
        try:
            yield current
        except Exception as error:
            record_error(current, error)
            raise


def record_error(current: Span, error: Exception) -> None:
    """Mark a span as failed by `error`. Its message and traceback are masked like log lines."""
    text = mask_text(str(error))
    stack = mask_text("".join(traceback.format_exception(error)))
    current.record_exception(error, {"exception.message": text, "exception.stacktrace": stack})
    current.set_status(Status(StatusCode.ERROR, f"{type(error).__name__}: {text}"))


@contextmanager
def detached() -> Iterator[None]:
    """Run the block outside any trace, so that a task created in it does not become part of the caller's."""
    token = otel_context.attach(Context())
    try:
        yield
    finally:
        otel_context.detach(token)


def current_traceparent() -> str | None:
    """The W3C `traceparent` of the current span, for a header; None outside a trace."""
    carrier: dict[str, str] = {}
    _PROPAGATOR.inject(carrier)
    return carrier.get("traceparent")


def context_from(traceparent: str | None) -> Context:
    """The context a `traceparent` names, to be a span's `parent`; an empty one if it is missing or malformed."""
    return _PROPAGATOR.extract({"traceparent": traceparent} if traceparent else {}, context=Context())


def links_to(*traceparents: str | None) -> list[Link]:
    """Span links to the spans these name; what is missing or malformed is left out."""
    contexts = (trace.get_current_span(context_from(each)).get_span_context() for each in traceparents)
    return [Link(context) for context in contexts if context.is_valid]


def service_of(current: Span) -> str | None:
    """The service a recording span belongs to; None for a remote or an empty one."""
    resource = getattr(current, "resource", None)
    return str(resource.attributes[SERVICE_NAME]) if resource is not None else None


class Following(trace.TracerProvider):
    """Gives a library's spans to the service that is at work, for libraries instrumented once per process."""

    def __init__(self, default: str) -> None:
        self.default = default

    def get_tracer(self, instrumenting_module_name: str, *_args: Any, **_kwargs: Any) -> Tracer:
        return _FollowingTracer(self.default, instrumenting_module_name)


class _FollowingTracer(Tracer):
    def __init__(self, default: str, module: str) -> None:
        self._default = default
        self._module = module

    def start_span(self, name: str, context: Context | None = None, *args: Any, **kwargs: Any) -> Span:
        return self._real(context).start_span(name, context, *args, **kwargs)

    def start_as_current_span(self, name: str, context: Context | None = None, *args: Any, **kwargs: Any) -> Any:
        return self._real(context).start_as_current_span(name, context, *args, **kwargs)

    def _real(self, context: Context | None) -> Tracer:
        service = service_of(trace.get_current_span(context)) or self._default
        return _current.of(service).get_tracer(self._module)


class _OncePerMinute(logging.Filter):
    """The exporter says for every batch that the backend is away; once a minute is enough."""

    def __init__(self) -> None:
        super().__init__()
        self._next = 0.0

    def filter(self, record: logging.LogRecord) -> bool:
        if monotonic() < self._next:
            return False
        self._next = monotonic() + _QUIET_SECONDS
        return True
