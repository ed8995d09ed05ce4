"""One trace from the act to the last handler, by the `traceparent` header."""

from collections.abc import Iterator

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanContext, SpanKind, StatusCode

from grantwire.bus import Outgoing
from grantwire.contracts.envelope import TRACEPARENT
from grantwire.contracts.failures import Transient
from grantwire.contracts.streams import JOBS, SNAPSHOTS
from grantwire.telemetry import current_traceparent, span, tracing
from tests.integration.bus.stage import JOB_CONSUMER, SUBJECT, Handler, Stage, job, until
from tests.integration.bus.stage import TRACEPARENT as GIVEN

PROCESS = f"process {JOB_CONSUMER.name}"


@pytest.fixture
def spans() -> Iterator[InMemorySpanExporter]:
    exporter = InMemorySpanExporter()
    before = tracing._current
    tracing.use(tracing.Providers(SimpleSpanProcessor(exporter)))
    yield exporter
    tracing.use(before)


def named(spans: InMemorySpanExporter, name: str) -> list[ReadableSpan]:
    return [each for each in spans.get_finished_spans() if each.name == name]


def trace_id(each: ReadableSpan) -> int:
    return context(each).trace_id


def context(each: ReadableSpan) -> SpanContext:
    found = each.get_span_context()
    assert found
    return found


async def test_a_handler_works_in_the_trace_of_whoever_published(stage: Stage, spans: InMemorySpanExporter) -> None:
    inside: list[str | None] = []

    async def remember(*_: object) -> None:
        inside.append(current_traceparent())

    handler = Handler(act=remember)
    async with stage.publisher() as publisher, stage.service(handler.route()):
        with span("api", "sync"):
            await publisher.send(JOBS, SUBJECT, job(), id="j1")
        await until(lambda: named(spans, PROCESS), what="the consumer span")
    [act], [publish], [process] = named(spans, "sync"), named(spans, "publish JOBS"), named(spans, PROCESS)
    assert publish.parent == context(act) and publish.kind is SpanKind.PRODUCER
    assert process.parent and process.parent.span_id == context(publish).span_id
    assert process.kind is SpanKind.CONSUMER and trace_id(process) == trace_id(act)
    assert inside[0] and f"{context(process).span_id:016x}" in inside[0]
    assert (publish.resource.attributes["service.name"], process.resource.attributes["service.name"]) == (
        "scheduler",
        "collector-iam",
    )
    assert process.attributes and process.attributes["grantwire.settlement"] == "ack"


async def test_a_given_traceparent_is_sent_as_it_is(stage: Stage, spans: InMemorySpanExporter) -> None:
    handler = Handler()
    async with stage.publisher() as publisher, stage.service(handler.route()):
        await publisher.send(JOBS, SUBJECT, job(), id="j1", traceparent=GIVEN)
        await until(lambda: named(spans, PROCESS), what="the consumer span")
    assert handler.seen[0][1].envelope.traceparent == GIVEN
    for each in (*named(spans, PROCESS), *named(spans, "publish JOBS")):
        assert f"{trace_id(each):032x}" == GIVEN.split("-")[1]


async def test_redeliveries_stay_in_the_trace_link_to_its_origin_and_show_the_cause(
    stage: Stage, spans: InMemorySpanExporter
) -> None:
    handler = Handler(errors=[Transient("AWS throttles.")])
    async with stage.publisher() as publisher, stage.service(handler.route()):
        await publisher.send(JOBS, SUBJECT, job(), id="j1")
        await until(lambda: len(named(spans, PROCESS)) == 2, what="both attempts")
    [publish] = named(spans, "publish JOBS")
    first, second = named(spans, PROCESS)
    assert trace_id(first) == trace_id(second) == trace_id(publish)
    assert not first.links
    [link] = second.links
    assert link.context.span_id == context(publish).span_id
    assert dict(link.attributes or {}) == {"redelivery": 2}
    assert first.status.status_code is StatusCode.ERROR and "AWS throttles." in str(first.status.description)
    assert first.events[0].name == "exception"
    assert second.status.is_ok or second.status.status_code is StatusCode.UNSET


async def test_a_batch_links_to_the_traces_of_its_messages(stage: Stage, spans: InMemorySpanExporter) -> None:
    other = GIVEN.replace("0af7", "1af7")
    items = [
        Outgoing("gw.resources.a.b.c", b"x", {TRACEPARENT: trace} if trace else {}, f"s:{number}")
        for number, trace in enumerate([GIVEN, GIVEN, other, None])
    ]
    async with stage.publisher() as publisher:
        await publisher.send_batch(SNAPSHOTS, items)
        last = await publisher.position(SNAPSHOTS)
    [publish] = named(spans, "publish SNAPSHOTS")
    assert [f"{link.context.trace_id:032x}" for link in publish.links] == [GIVEN.split("-")[1], other.split("-")[1]]
    stored = [await stage.client.jetstream().get_msg(SNAPSHOTS.name, last - 3 + number) for number in range(4)]
    sent = [(message.headers or {})[TRACEPARENT] for message in stored]
    assert sent[:3] == [GIVEN, GIVEN, other]
    assert f"{context(publish).span_id:016x}" in sent[3]


async def test_a_message_without_a_trace_begins_one(stage: Stage, spans: InMemorySpanExporter) -> None:
    async with stage.service(Handler().route()):
        headers = {"ce-id": "1", "ce-type": job().type(), "ce-source": "x", TRACEPARENT: "nonsense"}
        await stage.raw(SUBJECT, job().encode(), headers)
        await until(lambda: named(spans, PROCESS), what="the consumer span")
    [process] = named(spans, PROCESS)
    assert process.parent is None
