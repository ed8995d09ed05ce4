"""What is counted: a closed list, so that a misspelt name fails the type check and this file is its documentation."""

from collections.abc import Mapping
from typing import Literal

from opentelemetry import metrics
from opentelemetry.metrics import Counter, Histogram, MeterProvider
from opentelemetry.util.types import AttributeValue

CounterName = Literal[
    # Calls sent to AWS, by api, operation and outcome. Compare with the plan: asked twice is a bug.
    "grantwire.aws.calls",
    # Calls AWS refused for their rate, by api. Rising: lower the budget or stretch the interval.
    "grantwire.aws.throttled",
    # Collection runs ended, by source and outcome (complete, unchanged, incomplete, failed).
    "grantwire.collections.ended",
    # Sealed snapshots applied to the graph, by source and result (applied, unchanged, older, resync,
    # stale, retired). Many `resync` mean that digests and rows part: ask `grantwire db check`.
    "grantwire.snapshots.applied",
    # Rows the graph gained, lost or changed, by source and act (inserted, changed, removed). Sudden
    # losses are what the removal guard is for.
    "grantwire.graph.rows",
    # Removals that the guard began to hold back until a person decides, by source. Each one wants a look.
    "grantwire.removals.held",
    # Commands taken into the inbox, by verb.
    "grantwire.commands.accepted",
    # Final outcomes, by verb and outcome. `failed` and `refused` are for people to read.
    "grantwire.commands.ended",
    # Leases that ended, by cause (expired, revoked, lost).
    "grantwire.leases.ended",
    # Messages taken off a stream, by stream and settlement (ack, retry, dead).
    "grantwire.bus.settled",
    # Jobs thrown away because their scope's next one was refused for two intervals, by source. Are collectors alive?
    "grantwire.jobs.cleared",
    # Messages given up on, by stream and consumer. Each one waits in DEAD for a person.
    "grantwire.bus.dead",
    # Outbox rows published, by stream.
    "grantwire.outbox.published",
    # Children of the local stack started again after they died, by server.
    "grantwire.local.restarts",
]

HistogramName = Literal[
    # Seconds one AWS call took, waiting for the budget excluded, by api and operation.
    "grantwire.aws.call.duration",
    # Seconds a call waited for its rate budget, by api. Seconds here are the price of being gentle.
    "grantwire.aws.budget.wait",
    # Seconds from the start of reading AWS to the seal, by source.
    "grantwire.collection.duration",
    # Seconds to apply one sealed snapshot, by source and result.
    "grantwire.snapshot.apply.duration",
    # Seconds from command published to final outcome, by verb and outcome.
    "grantwire.command.duration",
    # Seconds a lease ended after it was due. The promise is minutes, the aim is seconds.
    "grantwire.lease.lateness",
    # Seconds a handler held one message, by stream.
    "grantwire.bus.handle.duration",
    # Seconds an outbox row waited to be published, by stream.
    "grantwire.outbox.lag",
]

# In seconds; the default buckets are made for milliseconds and put everything of ours into one.
BUCKETS_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300)


class Recorder:
    """Counts and times on behalf of one service. Attributes must be few and bounded: kinds and outcomes, never ids."""

    def __init__(self, service: str, provider: MeterProvider | None = None) -> None:
        """`provider` defaults to the one `setup` installed, even if that happens later."""
        self._service = service
        self._meter = provider.get_meter("grantwire") if provider else metrics.get_meter("grantwire")
        self._counters: dict[str, Counter] = {}
        self._histograms: dict[str, Histogram] = {}

    def count(self, name: CounterName, amount: int = 1, **attributes: AttributeValue) -> None:
        """Add `amount` to a counter."""
        if name not in self._counters:
            self._counters[name] = self._meter.create_counter(name)
        self._counters[name].add(amount, self._labels(attributes))

    def observe(self, name: HistogramName, seconds: float, **attributes: AttributeValue) -> None:
        """Record one duration in seconds."""
        if name not in self._histograms:
            self._histograms[name] = self._meter.create_histogram(
                name, unit="s", explicit_bucket_boundaries_advisory=BUCKETS_SECONDS
            )
        self._histograms[name].record(seconds, self._labels(attributes))

    def _labels(self, attributes: Mapping[str, AttributeValue]) -> dict[str, AttributeValue]:
        return {"service": self._service, **attributes}
