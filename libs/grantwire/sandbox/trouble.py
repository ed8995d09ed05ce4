"""What the faults that fire make of a call's answer."""

from __future__ import annotations

from typing import Any

from grantwire.sandbox.replies import Reply, Request, explained
from grantwire.sandbox.wire.dialects import Problem

Fired = dict[str, dict[str, Any]]
_SKEWED = "Signature expired: 20200101T000000Z is now earlier than 20200101T001500Z (20200101T003000Z - 15 min.)"
_CONFLICT = "A conflict with a previous successful write is detected."
_UNKNOWN = "The request processing has failed because of an unknown error."


def early(request: Request, fired: Fired) -> Reply | None:
    """The reply of the faults that stand in the way of the call itself."""
    if "timeout" in fired or "drop" in fired:
        return Reply(500, b"", hang="timeout" in fired, drop="drop" in fired)
    if "garbage" in fired:
        body = fired["garbage"].get("body", "<html><body><h1>Welcome</h1></body></html>")
        return Reply(200, str(body).encode(), "text/html")
    for kind in ("throttle", "deny", "error", "skew", "conflict"):
        if kind in fired:
            return explained(request, _problem(request, kind, fired[kind]))
    return None


def _problem(request: Request, kind: str, options: dict[str, Any]) -> Problem:
    code, message, status = _failure(request, kind, options)
    found = request.dialect.problem(code, options.get("message", message), status)
    # A code that a test asks for is sent as it is.
    return Problem(options.get("code", found.code), found.message, found.status, found.more)


def _failure(request: Request, kind: str, options: dict[str, Any]) -> tuple[str, str, int]:
    match kind:
        case "throttle":
            return "Throttling", "Rate exceeded", 400
        case "deny":
            text = f"User is not authorized to perform: {request.action} with an explicit deny"
            return "AccessDenied", f"{text} in a service control policy", 403
        case "skew":
            return "SignatureDoesNotMatch", _SKEWED, 403
        case "conflict":
            return ("ConcurrentModification" if request.service.name == "iam" else "ConflictException"), _CONFLICT, 409
    status = int(options.get("status", 500))
    return "ServiceUnavailable" if status == 503 else "InternalFailure", _UNKNOWN, status


def lost(request: Request, reply: Reply, fired: Fired) -> Reply:
    """The reply to a call that was carried out and of which the caller does not learn that; refusals are told."""
    if "lost" not in fired or reply.status != 200:
        return reply
    how = fired["lost"].get("how", "drop")
    if how == "error":
        return explained(request, _problem(request, "error", fired["lost"]))
    return Reply(500, b"", hang=how == "hang", drop=how == "drop")


def bent(request: Request, params: dict[str, Any], result: dict[str, Any], fired: Fired) -> dict[str, Any]:
    """A list answer after the faults of paging."""
    config = request.service.paging.get(request.model.name)
    if config is None:
        return result
    more = config.get("more_results")
    if "repeat_token" in fired:
        result = result | {config["output_token"]: params[config["input_token"]]} | ({more: True} if more else {})
    if "empty" in fired:
        keys = config["result_key"] if isinstance(config["result_key"], list) else [config["result_key"]]
        result = {key: value for key, value in result.items() if key != config["output_token"]}
        result |= {key: [] for key in keys} | ({more: False} if more else {})
    return result
