"""Traces are arranged so that every span is shown once, whatever was sent."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grantwire.local.traces.pages import duration_text, list_page, trace_page
from grantwire.local.traces.spans import SpanRecord, Trace, TraceStore


def a_span(span_id: str, parent_id: str | None = None, start: int = 0, end: int = 10, trace: str = "t") -> SpanRecord:
    return SpanRecord(trace, span_id, parent_id, f"span {span_id}", "api", "internal", start, end)


def a_trace(*spans: SpanRecord) -> Trace:
    trace = Trace("t")
    for span in spans:
        trace.add(span, limit=1_000)
    return trace


def test_parents_come_before_children_and_siblings_by_time() -> None:
    trace = a_trace(a_span("c", "a", 5), a_span("b", "a", 2), a_span("d", "b", 3), a_span("a"))
    assert [(row.span.span_id, row.depth) for row in trace.rows()] == [("a", 0), ("b", 1), ("d", 2), ("c", 1)]


@given(st.lists(st.tuples(st.integers(0, 9), st.none() | st.integers(0, 12), st.integers(0, 5)), min_size=1))
def test_every_span_is_shown_exactly_once(spans: list[tuple[int, int | None, int]]) -> None:
    trace = a_trace(*(a_span(str(own), None if parent is None else str(parent), start) for own, parent, start in spans))
    shown = [row.span.span_id for row in trace.rows()]
    assert sorted(shown) == sorted(trace.spans)
    assert trace_page(trace).count("<details>") == len(trace.spans)


def test_a_chain_deeper_than_the_stack_is_shown() -> None:
    trace = Trace("t")
    for number in range(5_000):
        trace.add(a_span(str(number), str(number - 1) if number else None, number), limit=10_000)
    assert [row.depth for row in trace.rows()] == list(range(5_000))
    assert "span 4999" in trace_page(trace)


def test_the_oldest_trace_goes_first_and_a_full_one_counts_what_it_drops() -> None:
    store = TraceStore(max_traces=2, max_spans=1)
    for trace in ("one", "two", "three"):
        store.add([a_span("a", trace=trace), a_span("b", trace=trace)])
    assert store.get("one") is None
    assert [(trace.trace_id, len(trace.spans), trace.dropped) for trace in store.latest()] == [
        ("two", 1, 1),
        ("three", 1, 1),
    ]


def test_a_span_that_is_sent_again_is_not_counted_twice() -> None:
    trace = a_trace(a_span("a"), a_span("a", end=20))
    assert (len(trace.spans), trace.duration_ns) == (1, 20)


@pytest.mark.parametrize(
    ("nanoseconds", "text"),
    [
        (0, "0"),
        (850_000, "850 µs"),
        (12_400_000, "12.4 ms"),
        (3_210_000_000, "3.21 s"),
        (125_000_000_000, "2 min 5 s"),
    ],
)
def test_durations_are_written_for_people(nanoseconds: int, text: str) -> None:
    assert duration_text(nanoseconds) == text


def test_an_empty_list_has_a_next_step() -> None:
    assert "Send some" in list_page([])
