"""Reading OTLP trace exports, protobuf and JSON, into spans. Hostile sizes are refused, hostile text stays text."""

import base64
import binascii
import json
import zlib
from collections.abc import Iterator
from typing import Any

from google.protobuf.message import DecodeError  # type: ignore[import-untyped]
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1 import trace_pb2

from grantwire.local.traces.spans import SpanRecord

MAX_BODY = 8_000_000  # bytes, before and after decompression
_MAX_TEXT = 4_000  # characters of one attribute
_MAX_ATTRIBUTES = 128
_ID_KEYS = {"traceId", "spanId", "parentSpanId", "trace_id", "span_id", "parent_span_id"}


class Malformed(Exception):
    """The body is not an OTLP trace export."""


class TooLarge(Exception):
    """The body is larger than the viewer takes."""


def unzipped(body: bytes, limit: int = MAX_BODY) -> bytes:
    """The body decompressed; stops at `limit` bytes rather than after them. Raises Malformed or TooLarge."""
    inflate = zlib.decompressobj(wbits=31)  # gzip
    try:
        plain = inflate.decompress(body, limit)
    except zlib.error as error:
        raise Malformed(f"not gzip: {error}") from error
    if inflate.unconsumed_tail:
        raise TooLarge
    return plain


def from_protobuf(body: bytes) -> list[SpanRecord]:
    """The spans of a protobuf export. Raises Malformed."""
    try:
        request = ExportTraceServiceRequest.FromString(body)
    except DecodeError as error:
        raise Malformed(str(error)) from error
    return list(_spans(request))


def from_json(body: bytes) -> list[SpanRecord]:
    """The spans of a JSON export, whose ids are hex where protobuf's own JSON has base64. Raises Malformed."""
    # Grantwire's own exporter speaks protobuf; this is for others.
    from google.protobuf.json_format import ParseDict, ParseError  # type: ignore[import-untyped]

    try:
        request = ParseDict(_ids_in_base64(json.loads(body)), ExportTraceServiceRequest(), ignore_unknown_fields=True)
    except (ParseError, ValueError, RecursionError) as error:
        raise Malformed(str(error)) from error
    return list(_spans(request))


def _ids_in_base64(value: Any) -> Any:
    if isinstance(value, list):
        return [_ids_in_base64(item) for item in value]
    if isinstance(value, dict):
        return {key: _base64(item) if key in _ID_KEYS else _ids_in_base64(item) for key, item in value.items()}
    return value


def _base64(identifier: Any) -> str:
    try:
        return base64.b64encode(bytes.fromhex(identifier)).decode()
    except (TypeError, ValueError, binascii.Error) as error:
        raise Malformed(f"not a hex id: {identifier!r:.80}") from error


def _spans(request: ExportTraceServiceRequest) -> Iterator[SpanRecord]:
    for group in request.resource_spans:
        service = str(_attributes(group.resource.attributes).get("service.name", "unknown"))
        for scope in group.scope_spans:
            yield from (_span(span, service) for span in scope.spans if span.trace_id and span.span_id)


def _span(span: trace_pb2.Span, service: str) -> SpanRecord:
    return SpanRecord(
        trace_id=span.trace_id.hex(),
        span_id=span.span_id.hex(),
        parent_id=span.parent_span_id.hex() or None,
        name=span.name[:_MAX_TEXT] or "(no name)",
        service=service,
        kind=_kind(span.kind),
        start_ns=span.start_time_unix_nano,
        end_ns=max(span.end_time_unix_nano, span.start_time_unix_nano),
        error=span.status.code == trace_pb2.Status.STATUS_CODE_ERROR,
        message=span.status.message[:_MAX_TEXT],
        attributes=_attributes(span.attributes),
        events=[{"name": event.name, **_attributes(event.attributes)} for event in span.events[:_MAX_ATTRIBUTES]],
        links=[link.trace_id.hex() for link in span.links[:_MAX_ATTRIBUTES]],
    )


def _kind(number: int) -> str:
    known = trace_pb2.Span.SpanKind.values()
    return trace_pb2.Span.SpanKind.Name(number).removeprefix("SPAN_KIND_").lower() if number in known else "unknown"


def _attributes(pairs: Any) -> dict[str, Any]:
    kept: list[KeyValue] = list(pairs[:_MAX_ATTRIBUTES])
    return {pair.key: _value(pair.value) for pair in kept}


def _value(value: AnyValue) -> Any:
    match value.WhichOneof("value"):
        case "string_value":
            return value.string_value[:_MAX_TEXT]
        case "array_value":
            return [_value(item) for item in value.array_value.values]
        case "kvlist_value":
            return _attributes(value.kvlist_value.values)
        case "bytes_value":
            return value.bytes_value.hex()[:_MAX_TEXT]
        case None:
            return None
        case name:
            return getattr(value, name)
