"""The viewer's two pages, as text. Everything that came from outside is escaped."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from html import escape
from typing import Any

from grantwire.local.traces.spans import Row, SpanRecord, Trace, Window

NOTE = "Development trace viewer, keeps nothing: traces live in memory and are gone when it stops."
_COLOURS = 8
_WIDTH = 1000.0  # of a bar's coordinate system; the page stretches it
_THINNEST = 2.0
_INDENT = 16
_DEEPEST = 16  # deeper rows are not indented further, or the name would leave its column


def list_page(traces: Sequence[Trace]) -> str:
    """All traces, newest first."""
    if not traces:
        return _page("Traces", _EMPTY)
    head = (
        "<tr><th>Trace</th><th>Services</th><th class=number>Spans</th><th class=number>Duration</th>"
        "<th class=number>Began (UTC)</th></tr>"
    )
    body = "".join(map(_list_row, traces))
    return _page("Traces", f"<table><thead>{head}</thead><tbody>{body}</tbody></table>")


def trace_page(trace: Trace) -> str:
    """One trace as a waterfall: a line per span, its bar where it was in time, its attributes behind it."""
    colours = {name: index % _COLOURS for index, name in enumerate(trace.services)}
    legend = "".join(_chip(name, colour) for name, colour in colours.items())
    window = trace.window
    rows = "".join(_span_row(row, trace, window, colours[row.span.service]) for row in trace.rows())
    content = f"{_facts(trace)}<div class=legend>{legend}</div>{_axis(window)}{rows}"
    return _page(trace.title, content, back=True)


def missing_page() -> str:
    """For a trace that is not, or no longer, here."""
    text = "<div class=empty><p>This trace is not here. It may have been pushed out by newer ones.</p></div>"
    return _page("No such trace", text, back=True)


def duration_text(nanoseconds: int) -> str:
    """`0`, `850 µs`, `12.4 ms`, `3.21 s`, `2 min 5 s`."""
    if nanoseconds == 0:
        return "0"
    if nanoseconds < 1_000_000:
        return f"{nanoseconds / 1_000:.0f} µs"
    if nanoseconds < 1_000_000_000:
        return f"{nanoseconds / 1_000_000:.1f} ms"
    if nanoseconds < 60_000_000_000:
        return f"{nanoseconds / 1_000_000_000:.2f} s"
    minutes, seconds = divmod(round(nanoseconds / 1_000_000_000), 60)
    return f"{minutes} min {seconds} s"


_EMPTY = """<div class=empty><p>No traces yet.</p>
<p>Send some: start a service with its OpenTelemetry endpoint set to this address, do something, reload.</p></div>"""


def _page(title: str, content: str, back: bool = False) -> str:
    trail = '<p><a href="/">Traces</a></p>' if back else ""
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f'<title>{escape(title)} · Grantwire traces</title><link rel="stylesheet" href="/style.css"></head><body>'
        f"<header>{trail}<h1>{escape(title)}</h1></header><main>{content}</main><footer>{NOTE}</footer></body></html>"
    )


def _list_row(trace: Trace) -> str:
    failed = f" <span class=failed>{_count(trace.errors, 'error')}</span>" if trace.errors else ""
    services = "".join(f"<span class=chip>{escape(name)}</span>" for name in trace.services)
    return (
        f'<tr><td><a href="/traces/{escape(trace.trace_id)}">{escape(trace.title)}</a>{failed}</td><td>{services}</td>'
        f"<td class=number>{len(trace.spans)}</td><td class=number>{duration_text(trace.duration_ns)}</td>"
        f'<td class=number title="{_instant(trace.start_ns)}">{_instant(trace.start_ns)[11:23]}</td></tr>'
    )


def _facts(trace: Trace) -> str:
    facts = [
        duration_text(trace.duration_ns),
        _count(len(trace.spans), "span"),
        _count(len(trace.services), "service"),
        f"began {_instant(trace.start_ns)}",
    ]
    if trace.errors:
        facts.insert(1, f"<span class=failed>{_count(trace.errors, 'error')}</span>")
    if trace.dropped:
        facts.append(f"<span class=failed>{_count(trace.dropped, 'more span')} not kept</span>")
    line = "".join(f"<span>{fact}</span>" for fact in facts)
    return f"<p class=facts>{line}</p><p class=id>{escape(trace.trace_id)}</p>"


def _axis(window: Window) -> str:
    ticks = "".join(f"<span>{duration_text(window.length * part // 4)}</span>" for part in range(5))
    return f"<div class=axis><span>Span</span><span>Service</span><span class=ticks>{ticks}</span><span></span></div>"


def _span_row(row: Row, trace: Trace, window: Window, colour: int) -> str:
    span = row.span
    name = f'<span class="{"failed" if span.error else "ok"}" title="{escape(span.name)}">{escape(span.name)}</span>'
    return (
        f"<details><summary><span class=name>{_indent(row.depth)}{name}</span>{_chip(span.service, colour)}"
        f"{_bar(span, window, colour)}<span class=number>{duration_text(span.duration_ns)}</span></summary>"
        f"<div class=more>{_more(span, trace, window)}</div></details>"
    )


def _indent(depth: int) -> str:
    width = min(depth, _DEEPEST) * _INDENT
    guides = "".join(f'<line class=guide x1="{x}.5" x2="{x}.5" y1="0" y2="32"/>' for x in range(4, width, _INDENT))
    return f'<svg width="{width}" height="32" aria-hidden="true">{guides}</svg>' if width else ""


def _bar(span: SpanRecord, window: Window, colour: int) -> str:
    x, width = _place(span, window)
    fill = "bad" if span.error else f"s{colour}"
    label = f"{span.service}: {span.name}, {duration_text(span.duration_ns)}" + (", failed" if span.error else "")
    return (
        f'<svg class=bar viewBox="0 0 {_WIDTH:.0f} 24" preserveAspectRatio="none" role="img">'
        f"<title>{escape(label)}</title>"
        f'<line class=track x1="0" x2="{_WIDTH:.0f}" y1="12" y2="12"/>'
        f'<rect class="{fill}" x="{x:.2f}" y="6" width="{width:.2f}" height="12"/></svg>'
    )


def _place(span: SpanRecord, window: Window) -> tuple[float, float]:
    """Where a bar begins and how wide it is. A trace without length fills the width."""
    if not window.length:
        return 0.0, _WIDTH
    width = max(span.duration_ns / window.length * _WIDTH, _THINNEST)
    x = (span.start_ns - window.start) / window.length * _WIDTH
    return min(x, _WIDTH - width), width


def _chip(service: str, colour: int) -> str:
    dot = f'<svg viewBox="0 0 8 8" aria-hidden="true"><circle class=s{colour} cx="4" cy="4" r="4"/></svg>'
    return f"<span class=chip>{dot}{escape(service)}</span>"


def _more(span: SpanRecord, trace: Trace, window: Window) -> str:
    parts = [f"<div class=broken>{escape(span.message or 'failed')}</div>"] if span.error else []
    parts.append(_pairs(_span_facts(span, trace, window)))
    if span.attributes:
        parts.append(f"<h2>Attributes</h2>{_pairs(span.attributes)}")
    parts.extend(f"<h2>Event: {escape(str(event['name']))}</h2>{_pairs(_but_name(event))}" for event in span.events)
    if span.links:
        parts.append(f"<h2>Linked traces</h2>{''.join(map(_link, span.links))}")
    return "".join(parts)


def _span_facts(span: SpanRecord, trace: Trace, window: Window) -> dict[str, str]:
    facts = {"kind": span.kind, "begins at": duration_text(span.start_ns - window.start), "span id": span.span_id}
    if span.parent_id:
        unknown = "" if span.parent_id in trace.spans else " (not received)"
        facts["parent"] = f"{span.parent_id}{unknown}"
    return facts


def _but_name(event: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in event.items() if key != "name"}


def _pairs(pairs: Mapping[str, Any]) -> str:
    return f"<dl>{''.join(f'<dt>{escape(key)}</dt><dd>{escape(str(value))}</dd>' for key, value in pairs.items())}</dl>"


def _link(trace_id: str) -> str:
    return f'<p class=id><a href="/traces/{escape(trace_id)}">{escape(trace_id)}</a></p>'


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _instant(nanoseconds: int) -> str:
    seconds, rest = divmod(nanoseconds, 1_000_000_000)
    try:
        moment = datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, ValueError, OSError):  # a sender may claim any time
        return "at an impossible time"
    return f"{moment:%Y-%m-%d %H:%M:%S}.{rest // 1_000_000:03d} UTC"
