"""Spans belong to the service that made them, and traces cross processes by their traceparent."""

from collections.abc import Iterator

import pytest
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.instrumentation.botocore import BotocoreInstrumentor
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode

from grantwire.telemetry import (
    Telemetry,
    context_from,
    current_traceparent,
    detached,
    instrument,
    links_to,
    setup,
    span,
    tracer,
)
from grantwire.telemetry.tracing import Following


class Recorded:
    """Telemetry whose spans can be read back."""

    def __init__(self) -> None:
        self._exporter = InMemorySpanExporter()
        self.telemetry: Telemetry = setup("up", exporter=self._exporter)

    def spans(self) -> dict[str, ReadableSpan]:
        self.telemetry.shutdown()
        return {each.name: each for each in self._exporter.get_finished_spans()}


@pytest.fixture
def recorded() -> Iterator[Recorded]:
    recorded = Recorded()
    yield recorded
    recorded.telemetry.shutdown()


def service(each: ReadableSpan) -> object:
    return each.resource.attributes["service.name"]


def test_each_service_in_a_process_has_its_own_name_on_its_spans(recorded: Recorded) -> None:
    with span("api", "request"), span(tracer("relay"), "publish"):
        pass
    spans = recorded.spans()
    assert (service(spans["request"]), service(spans["publish"])) == ("api", "relay")
    assert spans["publish"].parent == spans["request"].context


def test_a_traceparent_carries_the_trace_to_another_process(recorded: Recorded) -> None:
    with span("api", "publish"):
        carried = current_traceparent()
    with span("provisioner", "handle", parent=context_from(carried)):
        pass
    spans = recorded.spans()
    assert spans["handle"].context is not None
    assert spans["publish"].context is not None
    assert spans["handle"].context.trace_id == spans["publish"].context.trace_id


@pytest.mark.parametrize("traceparent", [None, "", "nonsense", "00-0-0-01"])
def test_a_missing_or_malformed_traceparent_starts_a_new_trace(recorded: Recorded, traceparent: str | None) -> None:
    with span("api", "around"), span("api", "new", parent=context_from(traceparent)):
        pass
    assert recorded.spans()["new"].parent is None


def test_an_empty_context_and_a_detached_block_start_new_traces(recorded: Recorded) -> None:
    with span("api", "around"):
        with span("api", "loop", parent=Context()):
            pass
        with detached():
            assert current_traceparent() is None
            with span("api", "apart"):
                pass
        assert current_traceparent() is not None
    spans = recorded.spans()
    assert spans["loop"].parent is None
    assert spans["apart"].parent is None


def test_an_exception_marks_its_span_without_its_secrets_and_is_raised_again(recorded: Recorded) -> None:
    with pytest.raises(ValueError, match="hunter2"), span("api", "failing"):
        raise ValueError("nats://u:hunter2@h")
    failed = recorded.spans()["failing"]
    assert failed.status.status_code is StatusCode.ERROR
    assert failed.status.description == "ValueError: nats://u:***@h"
    [event] = failed.events
    assert event.name == "exception"
    assert "hunter2" not in str(event.attributes)


def test_links_name_the_spans_a_batch_came_from(recorded: Recorded) -> None:
    with span("api", "one"):
        first = current_traceparent()
    with span("relay", "batch", links=links_to(first, None, "nonsense")):
        pass
    spans = recorded.spans()
    assert [link.context.span_id for link in spans["batch"].links] == [spans["one"].context.span_id]


def test_a_library_s_spans_follow_the_service_at_work(recorded: Recorded) -> None:
    library = Following("up").get_tracer("some.library")
    with span("projector", "apply"), library.start_as_current_span("INSERT"):
        pass
    library.start_span("alone").end()
    spans = recorded.spans()
    assert service(spans["INSERT"]) == "projector"
    assert spans["INSERT"].parent == spans["apply"].context
    assert service(spans["alone"]) == "up"


def test_without_a_backend_nothing_is_recorded_and_nothing_breaks() -> None:
    telemetry = setup("api")
    with span("api", "unseen") as current:
        assert not current.is_recording()
        assert current_traceparent() is None
    telemetry.shutdown()


def test_instrumenting_twice_is_harmless(recorded: Recorded) -> None:
    instrument(botocore=True)
    instrument(botocore=True)
    assert _instrumented()
    BotocoreInstrumentor().uninstrument()  # type: ignore[no-untyped-call]


def test_calls_that_nobody_watches_are_left_as_they_are() -> None:
    setup("api").shutdown()
    instrument(botocore=True)
    assert not _instrumented()


def _instrumented() -> bool:
    return bool(BotocoreInstrumentor().is_instrumented_by_opentelemetry)  # type: ignore[no-untyped-call]


def test_setting_up_leaves_the_global_provider_alone() -> None:
    before = trace.get_tracer_provider()
    setup("api", exporter=InMemorySpanExporter()).shutdown()
    assert trace.get_tracer_provider() is before
