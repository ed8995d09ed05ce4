"""A query-protocol body becomes parameters; parameters are held to the model's bounds."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl

from botocore.model import ListShape, MapShape, Shape, StructureShape

from grantwire.sandbox.wire.services import Unsupported


class Invalid(Exception):
    """The input breaks the model's own bounds; the message is AWS's `ValidationError` text.

    `reason` is what Organizations calls the breach; None: the input cannot be read at all.
    """

    def __init__(self, message: str, reason: str | None = None) -> None:
        super().__init__(message)
        self.reason = reason


Tree = dict[str, Any]


def form(body: bytes) -> dict[str, str]:
    """The flat fields of a form body. `Invalid` when it is not UTF-8."""
    try:
        return dict(parse_qsl(body.decode("utf-8"), keep_blank_values=True, errors="strict"))
    except UnicodeDecodeError as error:
        raise Invalid("1 validation error detected: the request is not UTF-8") from error


def parse(shape: StructureShape | None, fields: dict[str, str]) -> dict[str, Any]:
    """Fields such as `Tags.member.1.Key` as the parameters of `shape`; what the model does not know is ignored."""
    if shape is None:
        return {}
    tree: Tree = {}
    for name, text in fields.items():
        _plant(tree, name.split("."), text)
    return _structure(shape, tree)


def _plant(tree: Tree, steps: list[str], value: str) -> None:
    for step in steps[:-1]:
        tree = tree.setdefault(step, {})
    tree.setdefault(steps[-1], {})[""] = value


def _value(shape: Shape, tree: Tree) -> Any:
    if isinstance(shape, StructureShape):
        return _structure(shape, tree)
    if isinstance(shape, ListShape):
        return _list(shape, tree)
    if isinstance(shape, MapShape):
        return _map(shape, tree)
    return _scalar(shape, tree.get("", ""))


def _name(shape: Shape, otherwise: str) -> str:
    return str(shape.serialization.get("name", otherwise))


def _structure(shape: StructureShape, tree: Tree) -> dict[str, Any]:
    found = {}
    for member, inner in shape.members.items():
        branch = tree.get(_name(inner, member))
        if branch is not None:
            found[member] = _value(inner, branch)
    return found


def _numbered(tree: Tree) -> Iterator[Tree]:
    for index in sorted((step for step in tree if step.isdigit()), key=int):
        yield tree[index]


def _list(shape: ListShape, tree: Tree) -> list[Any]:
    flat = shape.serialization.get("flattened")
    under = tree if flat else tree.get(_name(shape.member, "member"), {})
    return [_value(shape.member, branch) for branch in _numbered(under)]


def _map(shape: MapShape, tree: Tree) -> dict[str, Any]:
    under = tree if shape.serialization.get("flattened") else tree.get("entry", {})
    key, value = _name(shape.key, "key"), _name(shape.value, "value")
    return {str(_value(shape.key, pair[key])): _value(shape.value, pair.get(value, {})) for pair in _numbered(under)}


def _scalar(shape: Shape, text: str) -> Any:
    try:
        match shape.type_name:
            case "boolean":
                return {"true": True, "false": False}[text.lower()]
            case "integer" | "long":
                return int(text)
            case "float" | "double":
                return float(text)
            case "blob":
                return base64.b64decode(text, validate=True)
            case "timestamp":
                moment = datetime.fromisoformat(text)
                return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
            case "string" | "character":
                return text
    except (KeyError, ValueError) as error:
        raise Invalid(f"1 validation error detected: '{text}' is not a {shape.type_name}") from error
    raise Unsupported(f"input of type {shape.type_name}")


def check(shape: Shape | None, value: Any, where: str = "") -> None:
    """Hold `value` to the model: required members, min, max, enum, pattern. Raises `Invalid` at the first breach."""
    if getattr(shape, "is_document_type", False):  # any JSON there is
        return
    if isinstance(shape, StructureShape):
        _check_structure(shape, value, where)
    elif isinstance(shape, ListShape):
        _check_size(shape, len(value), value, where, "length")
        for index, item in enumerate(value, 1):
            check(shape.member, item, f"{where}.{index}.member")
    elif shape is not None and shape.type_name == "string":
        _check_text(shape, value, where)
    elif shape is not None and shape.type_name in ("integer", "long"):
        _check_size(shape, value, value, where, "value")


def _check_structure(shape: StructureShape, value: dict[str, Any], where: str) -> None:
    prefix = f"{where}." if where else ""
    for member in shape.required_members:
        if member not in value:
            raise _breach("null", prefix + _camel(member), "Member must not be null", "INPUT_REQUIRED")
    for member, inner in value.items():
        check(shape.members[member], inner, prefix + _camel(member))


def _check_text(shape: Shape, value: str, where: str) -> None:
    _check_size(shape, len(value), value, where, "length")
    allowed = shape.metadata.get("enum")
    if allowed and value not in allowed:
        raise _breach(value, where, f"Member must satisfy enum value set: [{', '.join(allowed)}]", "INVALID_ENUM")
    pattern = shape.metadata.get("pattern", "")
    # Unicode classes and astral ranges are Java's spelling, which `re` reads otherwise: those few are not checked.
    if pattern and r"\p{" not in pattern and r"\u10" not in pattern and not re.fullmatch(pattern, value, re.ASCII):
        raise _breach(value, where, f"Member must satisfy regular expression pattern: {pattern}", "INVALID_PATTERN")


def _check_size(shape: Shape, size: int, value: object, where: str, what: str) -> None:
    least, most = shape.metadata.get("min"), shape.metadata.get("max")
    if least is not None and size < least:
        raise _breach(
            value, where, f"Member must have {what} greater than or equal to {least}", f"MIN_{what.upper()}_EXCEEDED"
        )
    if most is not None and size > most:
        raise _breach(
            value, where, f"Member must have {what} less than or equal to {most}", f"MAX_{what.upper()}_EXCEEDED"
        )


def _breach(value: object, where: str, rule: str, reason: str) -> Invalid:
    shown = "null" if value == "null" else f"'{value}'"
    text = f"1 validation error detected: Value {shown} at '{where}' failed to satisfy constraint: {rule}"
    return Invalid(text, reason)


def _camel(name: str) -> str:
    return name[:1].lower() + name[1:]
