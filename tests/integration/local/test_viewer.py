"""The trace viewer shows what a real exporter sends, and survives what nobody should send."""

import asyncio
import gzip
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from opentelemetry.context import Context
from opentelemetry.trace import SpanKind

from grantwire.local.traces import TraceStore, Viewer, create_app, serve
from grantwire.telemetry import current_traceparent, links_to, setup, span
from grantwire.telemetry.clock import monotonic
from tests.support.quickest import quickest

TRACE = "0af7651916cd43dd8448eb211c80319c"
START = 1_700_000_000_000_000_000


@pytest.fixture
async def viewer() -> AsyncIterator[Viewer]:
    async with serve() as viewer:
        yield viewer


@pytest.fixture
async def client(viewer: Viewer) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=viewer.url) as client:
        yield client


def export(*spans: dict[str, Any], service: str = "api") -> dict[str, Any]:
    resource = {"attributes": [{"key": "service.name", "value": {"stringValue": service}}]}
    return {"resourceSpans": [{"resource": resource, "scopeSpans": [{"spans": list(spans)}]}]}


def a_span(number: int, parent: int | None = None, **but: Any) -> dict[str, Any]:
    ids = {"traceId": TRACE, "spanId": f"{number:016x}"}
    times = {"startTimeUnixNano": str(START + number), "endTimeUnixNano": str(START + number + 1_000_000)}
    parents = {} if parent is None else {"parentSpanId": f"{parent:016x}"}
    return {**ids, **parents, "name": f"span {number}", **times, **but}


async def test_spans_of_several_services_in_one_process_are_shown_as_one_trace(
    viewer: Viewer, client: httpx.AsyncClient
) -> None:
    telemetry = setup("up", endpoint=viewer.url)
    with span("cli", "grant", kind=SpanKind.CLIENT):
        first = current_traceparent()
        with pytest.raises(ValueError), span("provisioner", "act", attributes={"account": "210987654321"}):
            raise ValueError("refused with password=hunter2")
    with span("relay", "publish", parent=Context(), links=links_to(first)):
        pass
    await asyncio.to_thread(telemetry.shutdown)

    publish, grant = (await client.get("/api/traces")).json()
    assert (grant["title"], grant["services"], grant["errors"]) == ("grant", ["cli", "provisioner"], 1)
    trace = (await client.get(f"/api/traces/{grant['trace_id']}")).json()
    assert [(each["service"], each["name"], each["depth"], each["error"]) for each in trace["spans"]] == [
        ("cli", "grant", 0, False),
        ("provisioner", "act", 1, True),
    ]
    page = (await client.get(f"/traces/{grant['trace_id']}")).text
    for text in ("grant", "provisioner", "210987654321", "1 error", "ValueError: refused with password=***"):
        assert text in page
    assert "hunter2" not in page
    linked = (await client.get(f"/traces/{publish['trace_id']}")).text
    assert f'href="/traces/{grant["trace_id"]}"' in linked


async def test_a_dead_backend_delays_the_end_by_seconds_at_most() -> None:
    async with serve() as gone:
        url = gone.url

    async def ended() -> float:
        telemetry = setup("api", endpoint=url)
        with span("api", "in vain"):
            pass
        began = monotonic()
        await asyncio.to_thread(telemetry.shutdown)
        return monotonic() - began

    assert await quickest(ended, 4) < 4


async def test_json_with_hex_ids_is_read_gzipped_or_not(client: httpx.AsyncClient) -> None:
    plain = json.dumps(export(a_span(1))).encode()
    zipped = gzip.compress(json.dumps(export(a_span(2, parent=1))).encode())
    kind = {"content-type": "application/json"}
    assert (await client.post("/v1/traces", content=plain, headers=kind)).json() == {}
    await client.post("/v1/traces", content=zipped, headers={**kind, "content-encoding": "gzip"})
    trace = (await client.get(f"/api/traces/{TRACE}")).json()
    assert [(each["span_id"], each["depth"]) for each in trace["spans"]] == [("0" * 15 + "1", 0), ("0" * 15 + "2", 1)]


async def test_what_came_from_outside_is_escaped_and_scripts_are_forbidden(client: httpx.AsyncClient) -> None:
    evil = '"><script>alert(1)</script>'
    attributes = [{"key": evil, "value": {"stringValue": evil}}]
    sent = export(a_span(1, name=evil, attributes=attributes, status={"code": 2, "message": evil}), service=evil)
    await client.post("/v1/traces", json=sent)
    for path in ("/", f"/traces/{TRACE}"):
        answer = await client.get(path)
        assert "&lt;script&gt;" in answer.text
        assert "<script" not in answer.text
        assert " style=" not in answer.text  # the policy below would drop it
        policy = answer.headers["content-security-policy"]
        assert policy.startswith("default-src 'none'; style-src 'self'")
        assert "unsafe" not in policy


async def test_a_cycle_of_parents_and_a_missing_parent_lose_no_span(client: httpx.AsyncClient) -> None:
    cycle = [a_span(1, parent=2), a_span(2, parent=1), a_span(3, parent=3), a_span(4, parent=99)]
    await client.post("/v1/traces", json=export(*cycle))
    trace = (await client.get(f"/api/traces/{TRACE}")).json()
    assert sorted(each["name"] for each in trace["spans"]) == ["span 1", "span 2", "span 3", "span 4"]
    assert "(not received)" in (await client.get(f"/traces/{TRACE}")).text


async def test_a_trace_without_length_is_shown(client: httpx.AsyncClient) -> None:
    await client.post("/v1/traces", json=export(a_span(0, endTimeUnixNano=str(START))))
    page = await client.get(f"/traces/{TRACE}")
    assert page.status_code == 200
    assert 'width="1000.00"' in page.text


async def test_an_impossible_time_is_shown(client: httpx.AsyncClient) -> None:
    far = str(2**64 - 1)
    await client.post("/v1/traces", json=export(a_span(1, startTimeUnixNano=far, endTimeUnixNano="0")))
    assert (await client.get("/")).status_code == 200
    assert (await client.get(f"/traces/{TRACE}")).status_code == 200


async def test_a_full_trace_says_how_much_it_left_out() -> None:
    store = TraceStore(max_spans=3)
    async with serve(store=store) as viewer, httpx.AsyncClient(base_url=viewer.url) as client:
        await client.post("/v1/traces", json=export(*(a_span(number) for number in range(1, 6))))
        assert (await client.get(f"/api/traces/{TRACE}")).json()["dropped"] == 2
        assert "2 more spans not kept" in (await client.get(f"/traces/{TRACE}")).text


async def test_too_large_a_body_is_refused_before_and_after_decompression() -> None:
    transport = httpx.ASGITransport(create_app(TraceStore(), max_body=1_000))
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
        kind = {"content-type": "application/json"}
        assert (await client.post("/v1/traces", content=b" " * 1_001, headers=kind)).status_code == 413
        bomb = gzip.compress(b" " * 900_000)
        zipped = {**kind, "content-encoding": "gzip"}
        assert len(bomb) < 1_000
        assert (await client.post("/v1/traces", content=bomb, headers=zipped)).status_code == 413


@pytest.mark.parametrize(
    ("kind", "body", "status"),
    [
        ("text/plain", b"{}", 415),
        ("application/json", b"{", 400),
        ("application/json", b'{"resourceSpans": 1}', 400),
        ("application/json", b'{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"zz"}]}]}]}', 400),
        ("application/json", b"[" * 100_000, 400),
        ("application/x-protobuf", b"\xff\xff\xff", 400),
    ],
)
async def test_nonsense_is_refused(client: httpx.AsyncClient, kind: str, body: bytes, status: int) -> None:
    assert (await client.post("/v1/traces", content=body, headers={"content-type": kind})).status_code == status


async def test_a_foreign_host_name_is_refused(client: httpx.AsyncClient) -> None:
    assert (await client.get("/", headers={"host": "evil.example"})).status_code == 400


async def test_metrics_are_taken_and_dropped(client: httpx.AsyncClient) -> None:
    assert (await client.post("/v1/metrics", content=b"x")).status_code == 200


async def test_an_empty_viewer_says_what_to_do_next_and_that_it_keeps_nothing(client: httpx.AsyncClient) -> None:
    page = (await client.get("/")).text
    assert "No traces yet" in page
    assert "Development trace viewer, keeps nothing" in page
    assert (await client.get("/traces/none")).status_code == 404
    assert (await client.get("/api/traces/none")).status_code == 404
