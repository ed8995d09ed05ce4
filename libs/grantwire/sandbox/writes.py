"""The log of what was carried out: every call that changes something, by whom, where, with what."""

from __future__ import annotations

from typing import Any

from grantwire.sandbox.operations import Call
from grantwire.sandbox.replies import Request

_READS = ("Get", "List", "Describe", "AssumeRole", "IsMemberInGroups", "GenerateCredentialReport")


def reads(name: str) -> bool:
    """Whether an operation changes nothing."""
    return name.startswith(_READS)


def write(request: Request, call: Call) -> dict[str, Any]:
    """The entry of a call that was carried out; of an assignment, that was accepted."""
    return {
        "service": request.service.name,
        "operation": request.model.name,
        "account": call.params.get("TargetId") or call.world.account,
        "parameters": call.params,
        "caller": call.caller.arn,
        "at": call.exactly,
        "request_id": request.request_id,
    }
