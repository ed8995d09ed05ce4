"""What is counted arrives under its name, with its service, in buckets made for seconds."""

from datetime import UTC, datetime
from typing import get_args

from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import HistogramDataPoint, InMemoryMetricReader, NumberDataPoint

from grantwire.telemetry import CounterName, HistogramName, Recorder, monotonic, utc_now
from grantwire.telemetry.metrics import BUCKETS_SECONDS


def test_counts_and_durations_carry_service_and_attributes() -> None:
    reader = InMemoryMetricReader()
    recorder = Recorder("collectors", MeterProvider([reader]))
    recorder.count("grantwire.aws.calls", api="iam")
    recorder.count("grantwire.aws.calls", 2, api="iam")
    recorder.observe("grantwire.aws.call.duration", 0.02, api="iam")
    data = reader.get_metrics_data()
    assert data is not None
    points = {metric.name: metric.data.data_points[0] for metric in data.resource_metrics[0].scope_metrics[0].metrics}
    calls, duration = points["grantwire.aws.calls"], points["grantwire.aws.call.duration"]
    assert isinstance(calls, NumberDataPoint)
    assert (calls.value, calls.attributes) == (3, {"service": "collectors", "api": "iam"})
    assert isinstance(duration, HistogramDataPoint)
    assert tuple(duration.explicit_bounds) == BUCKETS_SECONDS


def test_every_name_is_ours_and_used_once() -> None:
    names = [*get_args(CounterName), *get_args(HistogramName)]
    assert len(set(names)) == len(names)
    assert all(name.startswith("grantwire.") for name in names)


def test_the_clock_is_in_utc_and_never_runs_backwards() -> None:
    first = monotonic()
    assert utc_now().tzinfo is UTC
    assert utc_now() > datetime(2024, 1, 1, tzinfo=UTC)
    assert monotonic() >= first
