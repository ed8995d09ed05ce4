"""An answer becomes query-protocol XML, strictly: what the model does not know, or misses, is refused."""

from __future__ import annotations

import base64
import re
from datetime import UTC, datetime
from typing import Any

from botocore.model import ListShape, MapShape, OperationModel, Shape, StructureShape


class ModelViolation(Exception):
    """The sandbox's own answer does not fit the service model: a bug of the sandbox."""


_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "character": (str,),
    "integer": (int,),
    "long": (int,),
    "float": (int, float),
    "double": (int, float),
    "boolean": (bool,),
    "timestamp": (int, datetime),
    "blob": (bytes,),
}

# XML 1.0 cannot hold most control characters in any spelling, and readers turn a bare CR into LF.
_ESCAPES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "\r": "&#xD;"})
_ESCAPED = re.compile('[&<>"\r]')
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


def success(operation: OperationModel, result: dict[str, Any], request_id: str) -> bytes:
    """The XML of a 200 answer. Raises `ModelViolation`."""
    name, shape = operation.name, operation.output_shape
    space = operation.service_model.metadata["xmlNamespace"]
    if shape is None and result:
        raise ModelViolation(f"{name} has no output, got {sorted(result)}")
    inner = _element(shape, f"{name}Result", result, name) if shape is not None else ""
    metadata = f"<ResponseMetadata><RequestId>{request_id}</RequestId></ResponseMetadata>"
    return f'<{name}Response xmlns="{space}">{inner}{metadata}</{name}Response>'.encode()


def error(space: str, code: str, message: str, request_id: str, sender: bool = True) -> bytes:
    """The XML of an error answer in the query protocol's form."""
    kind = "Sender" if sender else "Receiver"
    inner = f"<Error><Type>{kind}</Type><Code>{_text(code)}</Code><Message>{_text(message)}</Message></Error>"
    return f'<ErrorResponse xmlns="{space}">{inner}<RequestId>{request_id}</RequestId></ErrorResponse>'.encode()


def _element(shape: Shape, tag: str, value: Any, where: str) -> str:
    if isinstance(shape, ListShape) and shape.serialization.get("flattened"):
        return "".join(_element(shape.member, tag, item, where) for item in value)
    if isinstance(shape, MapShape) and shape.serialization.get("flattened"):
        return "".join(_pair(shape, tag, pair, where) for pair in value.items())
    return f"<{tag}>{_content(shape, value, where)}</{tag}>"


def _content(shape: Shape, value: Any, where: str) -> str:
    if isinstance(shape, StructureShape):
        return _structure(shape, value, where)
    if isinstance(shape, ListShape):
        member = str(shape.member.serialization.get("name", "member"))
        return "".join(_element(shape.member, member, item, f"{where}[]") for item in need(value, list, where))
    if isinstance(shape, MapShape):
        return "".join(_pair(shape, "entry", pair, where) for pair in need(value, dict, where).items())
    return _scalar(shape, value, where)


def need(value: Any, kind: type, where: str) -> Any:
    """The value, if it is of that kind."""
    if not isinstance(value, kind):
        raise ModelViolation(f"{where} must be a {kind.__name__}, got {value!r}")
    return value


def _structure(shape: StructureShape, value: Any, where: str) -> str:
    complete(shape, value, where)
    parts = []
    for member, inner in shape.members.items():
        if member in value:
            tag = str(inner.serialization.get("name", member))
            parts.append(_element(inner, tag, value[member], f"{where}.{member}"))
    return "".join(parts)


def complete(shape: StructureShape, value: Any, where: str) -> None:
    """Refuse a structure with a member that the model does not know, or without one that it asks for."""
    need(value, dict, where)
    unknown = value.keys() - shape.members.keys()
    missing = set(shape.required_members) - value.keys()
    if unknown or missing:
        raise ModelViolation(f"{where}: unknown {sorted(unknown)}, missing {sorted(missing)}")


def _pair(shape: MapShape, tag: str, pair: tuple[str, Any], where: str) -> str:
    key = _element(shape.key, str(shape.key.serialization.get("name", "key")), pair[0], where)
    value = _element(shape.value, str(shape.value.serialization.get("name", "value")), pair[1], where)
    return f"<{tag}>{key}{value}</{tag}>"


def fit(shape: Shape, value: Any, where: str) -> None:
    """Refuse a scalar that is not of its shape's type and enumeration."""
    kind = shape.type_name
    fits: bool = isinstance(value, _TYPES[kind]) and (not isinstance(value, bool) or kind == "boolean")
    if not fits:
        raise ModelViolation(f"{where} must be a {kind}, got {value!r}")
    allowed = shape.metadata.get("enum")
    if allowed and value not in allowed:
        raise ModelViolation(f"{where}: {value!r} is not one of {allowed}")


def _scalar(shape: Shape, value: Any, where: str) -> str:
    kind = shape.type_name
    fit(shape, value, where)
    if kind == "boolean":
        return "true" if value else "false"
    if kind == "timestamp":
        return _time(value)
    return base64.b64encode(value).decode() if kind == "blob" else _text(str(value), where)


def _time(value: int | datetime) -> str:
    moment = value if isinstance(value, datetime) else datetime.fromtimestamp(value, UTC)
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _text(text: str, where: str = "message") -> str:
    if _FORBIDDEN.search(text):
        raise ModelViolation(f"{where}: XML cannot hold {text!r}")
    return text.translate(_ESCAPES) if _ESCAPED.search(text) else text
