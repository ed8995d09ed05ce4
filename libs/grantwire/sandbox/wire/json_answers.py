"""An answer becomes JSON, as strictly as the query protocol's: what the model does not know, or misses, is refused."""

from __future__ import annotations

import base64
import json
from datetime import datetime
from typing import Any

from botocore.model import ListShape, MapShape, OperationModel, Shape, StructureShape

from grantwire.sandbox.wire.answers import ModelViolation, complete, fit, need


def success(operation: OperationModel, result: dict[str, Any]) -> bytes:
    """The JSON of a 200 answer; an operation without output answers with nothing at all. Raises `ModelViolation`."""
    shape = operation.output_shape
    if shape is not None:
        return _text(_content(shape, result, operation.name))
    if result:
        raise ModelViolation(f"{operation.name} has no output, got {sorted(result)}")
    return b""


def error(code: str, message: str, more: dict[str, str]) -> bytes:
    """The JSON of an error answer: the code under `__type`, the text under `Message`."""
    return _text({"__type": code, "Message": message} | more)


def _text(value: Any) -> bytes:
    try:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
    except UnicodeEncodeError as problem:
        raise ModelViolation(f"UTF-8 cannot hold {problem.object!r}") from problem


def _content(shape: Shape, value: Any, where: str) -> Any:
    if isinstance(shape, StructureShape):
        return _structure(shape, value, where)
    if isinstance(shape, ListShape):
        return [_content(shape.member, item, f"{where}[]") for item in need(value, list, where)]
    if isinstance(shape, MapShape):
        return {key: _content(shape.value, each, where) for key, each in need(value, dict, where).items()}
    fit(shape, value, where)
    return _scalar(shape, value)


def _structure(shape: StructureShape, value: Any, where: str) -> dict[str, Any]:
    complete(shape, value, where)
    return {
        str(inner.serialization.get("name", member)): _content(inner, value[member], f"{where}.{member}")
        for member, inner in shape.members.items()
        if member in value
    }


def _scalar(shape: Shape, value: Any) -> Any:
    if shape.type_name == "timestamp":  # seconds since 1970, as every JSON service of AWS writes them
        return value.timestamp() if isinstance(value, datetime) else value
    return base64.b64encode(value).decode() if shape.type_name == "blob" else value
