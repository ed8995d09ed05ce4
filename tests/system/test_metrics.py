"""What operators graph: every measure of reading and projecting arrives, with bounded attributes."""

from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
import pytest_asyncio
from opentelemetry import metrics
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader

from tests.support.eventually import eventually
from tests.support.house import House, house, use
from tests.support.nats import NatsServer
from tests.support.postgres import database_url, postgres_server, template_url
from tests.support.subscriber import Subscriber
from tests.support.world import Sandbox, sandbox

__all__ = ["database_url", "postgres_server", "template_url"]

MEASURED = {
    "grantwire.aws.calls": {"api", "operation", "outcome"},
    "grantwire.aws.call.duration": {"api", "operation"},
    "grantwire.collections.ended": {"source", "outcome"},
    "grantwire.collection.duration": {"source", "outcome"},
    "grantwire.snapshots.applied": {"source", "result"},
    "grantwire.snapshot.apply.duration": {"source", "result"},
    "grantwire.graph.rows": {"source", "act"},
    "grantwire.removals.held": {"source"},
    "grantwire.outbox.published": {"stream"},
    "grantwire.outbox.lag": {"stream"},
    "grantwire.bus.settled": {"stream", "settlement"},
    "grantwire.bus.handle.duration": {"stream"},
}


@pytest.fixture(scope="module")
def reader() -> InMemoryMetricReader:
    """Of this process: OpenTelemetry takes one provider, so nothing else in these tests may install one."""
    found = InMemoryMetricReader()
    metrics.set_meter_provider(MeterProvider([found]))
    return found


@pytest.fixture(scope="module")
def aws() -> Iterator[Sandbox]:
    with sandbox(3, "--calm", "--accounts", "2", "--users", "30", "--groups", "2", "--roles", "4") as running:
        yield running


@pytest_asyncio.fixture
async def home(
    reader: InMemoryMetricReader, aws: Sandbox, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[House]:
    use(aws, monkeypatch)
    with NatsServer() as nats:
        async with house(database_url, nats.url) as running:
            yield running


async def test_a_sync_leaves_every_measure_of_its_steps(
    reader: InMemoryMetricReader, aws: Sandbox, home: House
) -> None:
    life = Subscriber(aws, home, "minimum")
    await life.connect()
    await life.sync()
    for operation in ("ListUsers", "GetGroup"):
        aws.fault({"kind": "empty", "service": "iam", "operation": operation, "account": aws.members[-1]})
    await life.sync("partial")

    def measured() -> bool:  # some of it after the last message was told
        found = _attributes(reader)
        assert {name: found.get(name) for name in MEASURED} == MEASURED
        return True

    await eventually(measured)


def _attributes(reader: InMemoryMetricReader) -> dict[str, set[str]]:
    """The names of the attributes of each metric, the service's apart."""
    data: Any = reader.get_metrics_data()
    named = [metric for each in data.resource_metrics for scope in each.scope_metrics for metric in scope.metrics]
    return {
        metric.name: {key for point in metric.data.data_points for key in point.attributes} - {"service"}
        for metric in named
    }
