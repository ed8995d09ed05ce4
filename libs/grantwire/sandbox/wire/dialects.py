"""The protocols side by side: how a request names its operation, and how answers and errors are written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from botocore.model import OperationModel, StructureShape

from grantwire.sandbox.wire import answers, json_answers, json_requests, requests
from grantwire.sandbox.wire.requests import Invalid
from grantwire.sandbox.wire.services import CENTER_SERVICES, Service

Fields = dict[str, Any]


@dataclass(frozen=True)
class Problem:
    """An error to be written: `code` in the protocol's own spelling."""

    code: str
    message: str
    status: int
    more: dict[str, str] = field(default_factory=dict)


class Dialect(Protocol):
    """What differs between protocols. `problem` turns an error in IAM's words into this protocol's."""

    content_type: str

    def read(self, headers: Mapping[str, str], body: bytes) -> tuple[str, Fields]: ...
    def parse(self, shape: StructureShape | None, fields: Fields) -> dict[str, Any]: ...
    def success(self, model: OperationModel, result: dict[str, Any], request_id: str) -> bytes: ...
    def problem(self, code: str, message: str, status: int) -> Problem: ...
    def invalid(self, breach: Invalid) -> Problem: ...
    def error(self, service: Service, problem: Problem, request_id: str) -> bytes: ...


class Query:
    """STS and IAM."""

    content_type = "text/xml"

    def read(self, headers: Mapping[str, str], body: bytes) -> tuple[str, Fields]:
        fields = requests.form(body)
        return fields.get("Action", ""), fields

    def parse(self, shape: StructureShape | None, fields: Fields) -> dict[str, Any]:
        return requests.parse(shape, fields)

    def success(self, model: OperationModel, result: dict[str, Any], request_id: str) -> bytes:
        return answers.success(model, result, request_id)

    def problem(self, code: str, message: str, status: int) -> Problem:
        return Problem(code, message, status, {})

    def invalid(self, breach: Invalid) -> Problem:
        return Problem("ValidationError", str(breach), 400, {})

    def error(self, service: Service, problem: Problem, request_id: str) -> bytes:
        space = str(service.model.metadata["xmlNamespace"])
        return answers.error(space, problem.code, problem.message, request_id, sender=problem.status < 500)


# What IAM and STS call an error, and what the JSON services call it. Their client errors are all HTTP 400.
_CODES = {
    "AccessDenied": "AccessDeniedException",
    "ExpiredToken": "ExpiredTokenException",
    "IncompleteSignature": "IncompleteSignatureException",
    "InternalFailure": "ServiceException",
    "InvalidClientTokenId": "UnrecognizedClientException",
    "MissingAuthenticationToken": "MissingAuthenticationTokenException",
    "ServiceUnavailable": "ServiceUnavailableException",
    "SignatureDoesNotMatch": "InvalidSignatureException",
    "Throttling": "TooManyRequestsException",
}


class Json:
    """Organizations, in JSON 1.1."""

    content_type = "application/x-amz-json-1.1"
    codes: Mapping[str, str] = _CODES

    def read(self, headers: Mapping[str, str], body: bytes) -> tuple[str, Fields]:
        return headers.get("x-amz-target", "").rpartition(".")[2], json_requests.body(body)

    def parse(self, shape: StructureShape | None, fields: Fields) -> dict[str, Any]:
        return json_requests.parse(shape, fields)

    def success(self, model: OperationModel, result: dict[str, Any], request_id: str) -> bytes:
        return json_answers.success(model, result)

    def problem(self, code: str, message: str, status: int) -> Problem:
        return Problem(self.codes.get(code, code), message, 400 if status < 500 else status, {})

    def invalid(self, breach: Invalid) -> Problem:
        if breach.reason is None:
            return Problem("SerializationException", str(breach), 400, {})
        return Problem("InvalidInputException", "You specified an invalid value.", 400, {"Reason": breach.reason})

    def error(self, service: Service, problem: Problem, request_id: str) -> bytes:
        return json_answers.error(problem.code, problem.message, problem.more)


class CenterJson(Json):
    """Identity Center and its directory: the same protocol, other words for the errors."""

    codes = _CODES | {
        "InternalFailure": "InternalServerException",
        "ServiceUnavailable": "InternalServerException",
        "Throttling": "ThrottlingException",
    }

    def invalid(self, breach: Invalid) -> Problem:
        if breach.reason is None:
            return Problem("SerializationException", str(breach), 400, {})
        return Problem("ValidationException", str(breach), 400, {})


QUERY, JSON, CENTER = Query(), Json(), CenterJson()


def dialect_of(service: Service) -> Dialect:
    """The protocol that a service speaks."""
    if service.name in CENTER_SERVICES:
        return CENTER
    return JSON if service.model.metadata["protocol"] == "json" else QUERY
