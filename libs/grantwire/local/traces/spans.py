"""What the viewer remembers for a while: spans, grouped into traces, arranged as trees. No I/O here."""

from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

MAX_TRACES = 1_000
MAX_SPANS = 2_000  # per trace


@dataclass(frozen=True)
class SpanRecord:
    """One finished span. Ids are lower-case hex, times nanoseconds since 1970."""

    trace_id: str
    span_id: str
    parent_id: str | None
    name: str
    service: str
    kind: str
    start_ns: int
    end_ns: int
    error: bool = False
    message: str = ""
    attributes: Mapping[str, Any] = field(default_factory=dict)
    events: Sequence[Mapping[str, Any]] = ()
    links: Sequence[str] = ()  # the trace ids linked to

    @property
    def duration_ns(self) -> int:
        """Never negative, whatever the clocks said."""
        return max(self.end_ns - self.start_ns, 0)


@dataclass(frozen=True)
class Window:
    """The stretch of time a trace covers, in nanoseconds."""

    start: int
    length: int  # 0 for a trace without length


@dataclass(frozen=True)
class Row:
    """A span where it stands in its trace's tree."""

    span: SpanRecord
    depth: int


@dataclass
class Trace:
    """The spans of one trace received so far."""

    trace_id: str
    spans: dict[str, SpanRecord] = field(default_factory=dict)
    dropped: int = 0

    def add(self, span: SpanRecord, limit: int) -> None:
        """Keep a span, or count it as dropped once the trace is full."""
        if len(self.spans) >= limit and span.span_id not in self.spans:
            self.dropped += 1
        else:
            self.spans[span.span_id] = span

    @property
    def window(self) -> Window:
        """From the earliest beginning to the latest end."""
        start = min(span.start_ns for span in self.spans.values())
        return Window(start, max(max(span.end_ns for span in self.spans.values()) - start, 0))

    @property
    def start_ns(self) -> int:
        """When the earliest span began."""
        return self.window.start

    @property
    def duration_ns(self) -> int:
        """The length of the window."""
        return self.window.length

    @property
    def errors(self) -> int:
        """How many spans failed."""
        return sum(span.error for span in self.spans.values())

    @property
    def services(self) -> list[str]:
        """Which services took part, in the order they joined."""
        by_time = sorted(self.spans.values(), key=_by_start)
        return list(dict.fromkeys(span.service for span in by_time))

    @property
    def title(self) -> str:
        """The name of the span it began with."""
        return next(self.rows()).span.name

    def rows(self) -> Iterator[Row]:
        """Every span exactly once, parents before children, siblings by time.

        A span whose parent has not arrived stands at the top, and so does the earliest span of a cycle of parents.
        """
        children = self._children()
        shown: set[str] = set()
        for top in [*children.get(None, ()), *sorted(self.spans.values(), key=_by_start)]:
            stack = [Row(top, 0)]
            while stack:
                row = stack.pop()
                if row.span.span_id in shown:
                    continue
                shown.add(row.span.span_id)
                yield row
                stack.extend(Row(child, row.depth + 1) for child in reversed(children.get(row.span.span_id, ())))

    def _children(self) -> dict[str | None, list[SpanRecord]]:
        children: dict[str | None, list[SpanRecord]] = {}
        for span in sorted(self.spans.values(), key=_by_start):
            parent = span.parent_id if span.parent_id in self.spans else None
            children.setdefault(parent, []).append(span)
        return children


def _by_start(span: SpanRecord) -> tuple[int, int]:
    return span.start_ns, -span.end_ns


class TraceStore:
    """The last traces, in memory only; the oldest goes when there are too many."""

    def __init__(self, max_traces: int = MAX_TRACES, max_spans: int = MAX_SPANS) -> None:
        self._max_traces = max_traces
        self._max_spans = max_spans
        self._traces: OrderedDict[str, Trace] = OrderedDict()

    def add(self, spans: Iterable[SpanRecord]) -> None:
        """Take spans in, whatever order they come in."""
        for span in spans:
            trace = self._traces.setdefault(span.trace_id, Trace(span.trace_id))
            trace.add(span, self._max_spans)
        while len(self._traces) > self._max_traces:
            self._traces.popitem(last=False)

    def get(self, trace_id: str) -> Trace | None:
        """One trace, if it is still here."""
        return self._traces.get(trace_id)

    def latest(self) -> list[Trace]:
        """All of them, the one that began last first."""
        return sorted(self._traces.values(), key=lambda trace: trace.start_ns, reverse=True)
