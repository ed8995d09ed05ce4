"""A JSON body becomes parameters. What the model does not know is ignored; what is of another type is refused."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime
from typing import Any

from botocore.model import ListShape, MapShape, Shape, StructureShape

from grantwire.sandbox.wire.requests import Invalid
from grantwire.sandbox.wire.services import Unsupported


def body(text: bytes) -> dict[str, Any]:
    """The members of a request's body; an empty body has none. `Invalid` when it is no JSON object."""
    try:
        found = json.loads(text or b"{}")
    except ValueError as error:
        raise Invalid("Unable to parse the request body as JSON") from error
    if not isinstance(found, dict):
        raise Invalid("Start of structure or map found where not expected.")
    return found


def parse(shape: StructureShape | None, given: dict[str, Any]) -> dict[str, Any]:
    """The members of a body as the parameters of `shape`."""
    return _structure(shape, given) if shape is not None else {}


def _value(shape: Shape, given: Any) -> Any:
    if getattr(shape, "is_document_type", False):
        return given
    if isinstance(shape, StructureShape):
        return _structure(shape, _a(dict, given))
    if isinstance(shape, ListShape):
        return [_value(shape.member, item) for item in _a(list, given)]
    if isinstance(shape, MapShape):
        return {key: _value(shape.value, item) for key, item in _a(dict, given).items()}
    return _scalar(shape, given)


def _structure(shape: StructureShape, given: dict[str, Any]) -> dict[str, Any]:
    named = {member: str(inner.serialization.get("name", member)) for member, inner in shape.members.items()}
    there = {member: given[name] for member, name in named.items() if given.get(name) is not None}
    return {member: _value(shape.members[member], value) for member, value in there.items()}


def _a(kind: type, given: Any) -> Any:
    if not isinstance(given, kind) or (isinstance(given, bool) and kind is not bool):
        raise Invalid(f"{type(given).__name__} value can not be converted to {kind.__name__}")
    return given


def _scalar(shape: Shape, given: Any) -> Any:
    match shape.type_name:
        case "string" | "character":
            return _a(str, given)
        case "boolean":
            return _a(bool, given)
        case "integer" | "long":
            return _a(int, given)
        case "float" | "double":
            return float(_a(int, given) if isinstance(given, int) else _a(float, given))
        case "timestamp":
            return datetime.fromtimestamp(_a(int, given) if isinstance(given, int) else _a(float, given), UTC)
        case "blob":
            return _decoded(_a(str, given))
    raise Unsupported(f"input of type {shape.type_name}")


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except ValueError as error:
        raise Invalid("the value is not base64") from error
