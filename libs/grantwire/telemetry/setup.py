"""Switching it all on, once per process, and off again."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from opentelemetry import metrics
from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import SpanProcessor
from opentelemetry.sdk.trace.export import SpanExporter

from grantwire.telemetry import logs, tracing
from grantwire.telemetry.logs import LogFormat

if TYPE_CHECKING:
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.metrics.export import MetricReader

_METRICS_EVERY_MS = 15_000


@dataclass(frozen=True)
class Telemetry:
    """What `setup` switched on."""

    service: str
    _providers: tracing.Providers
    _meters: "MeterProvider | None"

    def shutdown(self) -> None:
        """Send what is still queued and stop. Blocks, about 2 s if the backend is away: call it in a thread."""
        self._providers.shutdown()
        if self._meters is not None:
            self._meters.shutdown(timeout_millis=2_000)
        tracing.use(tracing.Providers(None))


def setup(
    service: str,
    *,
    endpoint: str | None = None,
    log_format: LogFormat = "json",
    level: str = "info",
    metrics_endpoint: str | None = None,
    exporter: SpanExporter | None = None,
) -> Telemetry:
    """Configure logs on stderr, and traces if there is an `endpoint` to send them to.

    `endpoint` and `metrics_endpoint` are OTLP/HTTP base URLs, such as http://127.0.0.1:4318; without them nothing is
    recorded. `exporter` takes the spans instead of `endpoint`, which is how tests see them. The sampler is
    OpenTelemetry's own setting (OTEL_TRACES_SAMPLER), always on by default.
    """
    logs.configure(service, log_format, level)
    providers = tracing.Providers(_processor(endpoint, exporter))
    tracing.use(providers)
    return Telemetry(service, providers, _metrics(service, metrics_endpoint))


def _processor(endpoint: str | None, exporter: SpanExporter | None) -> SpanProcessor | None:
    if exporter is not None:
        return tracing.batch(exporter)
    return tracing.batching(endpoint) if endpoint else None


def _metrics(service: str, endpoint: str | None) -> "MeterProvider | None":
    if not endpoint:
        return None
    from opentelemetry.sdk.metrics import MeterProvider

    provider = MeterProvider([_reader(endpoint)], Resource.create({SERVICE_NAME: service}), shutdown_on_exit=False)
    metrics.set_meter_provider(provider)
    return provider


def _reader(endpoint: str) -> "MetricReader":
    from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
    from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader

    exporter = OTLPMetricExporter(endpoint=f"{endpoint.rstrip('/')}/v1/metrics", timeout=2)
    return PeriodicExportingMetricReader(exporter, export_interval_millis=_METRICS_EVERY_MS)
