"""Replies that would parse into something else than AWS said are refused before or while they are parsed.

A cut or empty 200 reply reads as an empty list in some of botocore's parsers, and an empty list means removals.
"""

import json
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeVar

from botocore.client import BaseClient
from botocore.exceptions import BotoCoreError, ClientError
from botocore.model import OperationModel
from botocore.parsers import ResponseParserError

T = TypeVar("T")
_FOREIGN: Final = "is not AWS's: something between here and AWS answered"


class GarbledReply(Exception):
    """A reply that is not whole or not AWS's. ``operation`` is ``service:Operation``. Reads may be asked again."""

    def __init__(self, operation: str, why: str) -> None:
        super().__init__(f"The reply to {operation} {why}")
        self.operation = operation
        self.why = why


def guard(client: BaseClient) -> None:
    """From now on the client raises ``GarbledReply`` for replies that are cut, empty or not AWS's."""
    client.meta.events.register("before-parse", _refuse)


def unspoilt(operation: str, call: Callable[[], T]) -> T:
    """The call's answer. Raises ``GarbledReply`` where botocore's parser stumbles, and botocore's own errors."""
    try:
        return call()
    except (BotoCoreError, ClientError):
        raise  # some of these are ValueErrors too
    except ResponseParserError as error:
        raise GarbledReply(operation, "is not well-formed") from error
    except (LookupError, ValueError, TypeError, AttributeError) as error:
        raise GarbledReply(operation, f"cannot be parsed ({type(error).__name__})") from error


def _refuse(response_dict: Mapping[str, Any], operation_model: OperationModel, **_: Any) -> None:
    if why := flaw(operation_model, response_dict["status_code"], response_dict["headers"], response_dict["body"]):
        service = operation_model.service_model.signing_name
        raise GarbledReply(f"{service}:{operation_model.name}", why)


def flaw(model: OperationModel, status: int, headers: Mapping[str, str], body: bytes) -> str | None:
    """What is wrong with a reply, in words, or None. Only whole bodies of the expected form pass as successes."""
    length = headers.get("content-length")
    if length is not None and "content-encoding" not in headers and int(length) != len(body):
        return f"is cut: {len(body)} of {length} bytes arrived"
    if not 200 <= status < 300:
        return None
    enveloped = model.service_model.resolved_protocol in ("query", "ec2")  # answers without members too
    if model.output_shape is None and not enveloped:
        return None
    if not body.strip():
        return "is empty"
    if enveloped:
        return None if f"<{model.name}Response".encode() in body[:1024] else _FOREIGN
    return _flaw_of_json(body)


def _flaw_of_json(body: bytes) -> str | None:
    """botocore reads what is not JSON as an object without members, and so as empty lists."""
    if not body.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{"):
        return _FOREIGN
    try:
        json.loads(body)
    except (ValueError, RecursionError):
        return "is not whole JSON"
    return None
