"""Errors as RFC 9457 problem+json: what happened, why, and what to do next. One table from failures to answers."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse

from grantwire.contracts.connectors import Connector
from grantwire.contracts.failures import (
    Ambiguous,
    AwsCause,
    AwsError,
    Conflict,
    GrantwireError,
    Invalid,
    Malformed,
    NotFound,
    Oversized,
    SecretKeyError,
    Transient,
)

log = structlog.get_logger(__name__)


class Unsuitable(Invalid):
    """AWS contradicts a setting that is well formed: the role cannot do what ``field`` asks for."""


class Contradictory(Invalid):
    """Settings that do not go together; ``fields`` names each with its sentence."""

    def __init__(self, fields: list[tuple[str, str]]) -> None:
        super().__init__("; ".join(f"{name}: {message}" for name, message in fields) + ".", fields[0][0])
        self.fields = fields


class NotLetIn(GrantwireError):
    """AWS did not let a connector in; ``fields`` are the settings that may be to blame, with what to compare."""

    def __init__(self, error: AwsError, fields: list[tuple[str, str]]) -> None:
        super().__init__(str(error))
        self.error = error
        self.fields = fields


@dataclass(frozen=True)
class Problem:
    """``slug`` is the stable name of the kind of problem, ``next_step`` what a person does about it."""

    status: int
    slug: str
    title: str
    detail: str
    next_step: str
    extra: Mapping[str, Any] = field(default_factory=dict)

    def body(self, path: str) -> dict[str, Any]:
        return {
            "type": f"urn:grantwire:problem:{self.slug}",
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
            "next_step": self.next_step,
            "instance": path,
            **self.extra,
        }


_AWS: Final[Mapping[AwsCause, tuple[int, str, str, str]]] = {
    AwsCause.DENIED: (
        403,
        "aws-denied",
        "AWS refused",
        "Compare the role's trust policy and the external id with the connector's, then send it again.",
    ),
    AwsCause.CLOCK: (502, "aws-clock", "The clocks differ", "Set this machine's clock (NTP), then send it again."),
    AwsCause.TRANSIENT: (
        503,
        "aws-unavailable",
        "AWS cannot be reached",
        "Check the network and AWS_ENDPOINT_URL, then send it again.",
    ),
    AwsCause.GONE: (422, "aws-gone", "AWS does not know it", "Check the name or ARN, then send it again."),
    AwsCause.CONFLICT: (503, "aws-busy", "AWS is busy with it", "Send it again in a minute."),
    AwsCause.FINAL: (502, "aws-failed", "AWS answered with an error", "Read the sentence above; no retry will help."),
}
_OURS: Final[tuple[tuple[type[GrantwireError], int, str, str, str], ...]] = (
    (NotFound, 404, "not-found", "There is no such thing", "Check the name; `grantwire status` lists what is there."),
    (Ambiguous, 409, "ambiguous", "Several things have that name", "Ask again with one of the candidates."),
    (Conflict, 409, "conflict", "It contradicts what is there", "Change one of the two."),
    (
        Unsuitable,
        400,
        "unsuitable",
        "AWS contradicts a setting",
        "Change the named setting, or the role, and send it again.",
    ),
    (Invalid, 422, "invalid", "A field cannot be accepted", "Correct the field and send it again."),
    (Malformed, 422, "malformed", "It cannot be read", "Correct it and send it again."),
    (Oversized, 413, "too-large", "It is too large for the bus", "Make it smaller."),
    (Transient, 503, "unavailable", "Something needed is away", "Send it again in a few seconds."),
    (
        SecretKeyError,
        500,
        "secret-key",
        "A secret cannot be encrypted or read",
        "Give the api its key (docs/deployment.md), then send it again.",
    ),
    (GrantwireError, 500, "failed", "It failed", "Read the sentence above and the api's log."),
)


def respond(problem: Problem, path: str) -> JSONResponse:
    headers = {"WWW-Authenticate": 'Bearer realm="grantwire"'} if problem.status == 401 else None
    return JSONResponse(problem.body(path), problem.status, headers, media_type="application/problem+json")


def problem_of(error: GrantwireError) -> Problem:
    """What a failure looks like from outside."""
    if isinstance(error, NotLetIn):
        problem = problem_of(error.error)
        return replace(problem, extra={**problem.extra, **_fields(error.fields)}) if error.fields else problem
    if isinstance(error, AwsError):
        status, slug, title, step = _AWS[error.cause]
        return Problem(status, slug, title, str(error), step, {"operation": error.operation, "code": error.code})
    status, slug, title, step = next(row[1:] for row in _OURS if isinstance(error, row[0]))
    return Problem(status, slug, title, str(error), step, _extra(error))


def problem_of_fields(errors: list[Mapping[str, Any]]) -> Problem:
    """Names every wrong field and how to put it right; never the value, which may be secret."""
    fields = [{"field": _field(item["loc"]), "message": _message(item)} for item in errors]
    detail = "; ".join(f"{item['field']}: {item['message']}" for item in fields) + "."
    return Problem(
        422,
        "invalid",
        "A field cannot be accepted",
        detail,
        "Correct the named field and send it again.",
        {"errors": fields},
    )


def register(app: FastAPI) -> None:
    """Every error of the application leaves as a problem."""
    app.add_exception_handler(GrantwireError, _on_failure)
    app.add_exception_handler(RequestValidationError, _on_fields)
    app.add_exception_handler(HTTPException, _on_http)
    app.add_exception_handler(OSError, _on_lost)
    app.add_exception_handler(Exception, _on_surprise)


async def _on_failure(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, GrantwireError)
    problem = problem_of(error)
    log.info(
        "request refused", path=request.url.path, status=problem.status, problem=problem.slug, detail=problem.detail
    )
    return respond(problem, request.url.path)


async def _on_fields(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    return respond(problem_of_fields(list(error.errors())), request.url.path)


async def _on_http(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    problem = Problem(
        error.status_code,
        "no-such-route" if error.status_code == 404 else "refused",
        str(error.detail),
        f"{request.method} {request.url.path}: {error.detail}.",
        "GET /openapi.json lists every route.",
    )
    return respond(problem, request.url.path)


async def _on_lost(request: Request, error: Exception) -> JSONResponse:
    log.warning("a dependency is away", path=request.url.path, error=str(error))
    problem = Problem(
        503,
        "unavailable",
        "Something needed is away",
        "The database or the bus cannot be reached.",
        "GET /healthz says which; it is tried anew with every request.",
    )
    return respond(problem, request.url.path)


async def _on_surprise(request: Request, error: Exception) -> JSONResponse:
    log.error("request failed", path=request.url.path, exc_info=error)
    problem = Problem(
        500,
        "unexpected",
        "Unexpected error",
        "The request failed for a reason nobody foresaw.",
        "The api's log has the details, with this request's trace id.",
    )
    return respond(problem, request.url.path)


def _extra(error: GrantwireError) -> dict[str, Any]:
    if isinstance(error, Ambiguous):
        return {"candidates": error.candidates}
    if isinstance(error, Contradictory):
        return _fields(error.fields)
    if isinstance(error, Invalid):
        return {"errors": [{"field": error.field, "message": str(error)}]}
    return {}


def _fields(found: list[tuple[str, str]]) -> dict[str, Any]:
    return {"errors": [{"field": name, "message": message} for name, message in found]}


def _field(location: tuple[Any, ...]) -> str:
    return ".".join(str(part) for part in location if part not in ("body", "query", "path")) or "body"


def _message(item: Mapping[str, Any]) -> str:
    if item["type"] == "extra_forbidden":
        return f"is not a field of a connector; the fields are {', '.join(Connector.model_fields)}"
    if item["type"] == "json_invalid":
        return "is not JSON"
    return str(item["msg"]).removeprefix("Value error, ").rstrip(".")
