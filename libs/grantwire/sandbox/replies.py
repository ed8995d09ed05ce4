"""A call as it was read, and what goes back."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from botocore.model import OperationModel

from grantwire.sandbox.access.sessions import Signed
from grantwire.sandbox.wire.dialects import Dialect, Problem
from grantwire.sandbox.wire.services import Service


@dataclass
class Reply:
    """What goes back. `delay` in seconds; `hang`: nothing does; `drop`: the connection goes; `cut`: half the body."""

    status: int
    body: bytes
    content_type: str = "text/xml"
    headers: dict[str, str] = field(default_factory=dict)
    delay: float = 0.0
    hang: bool = False
    drop: bool = False
    cut: bool = False


@dataclass(frozen=True)
class Request:
    """One call, read but not yet believed."""

    service: Service
    dialect: Dialect
    model: OperationModel
    signed: Signed
    fields: dict[str, Any]
    request_id: str

    @property
    def name(self) -> str:
        return f"{self.service.name}.{self.model.name}"

    @property
    def action(self) -> str:
        """As policies name it."""
        return f"{self.service.prefix}:{self.model.name}"

    @property
    def has_marker(self) -> bool:
        """Whether it asks for a further page."""
        return bool(self.fields.get("Marker") or self.fields.get("NextToken"))

    @property
    def target(self) -> str | None:
        """The account of the role that is to be assumed."""
        parts = str(self.fields.get("RoleArn", "")).split(":", 5)
        return parts[4] if self.name == "sts.AssumeRole" and len(parts) == 6 else None


def answered(request: Request, body: bytes) -> Reply:
    """The reply of a call that went well."""
    return Reply(200, body, request.dialect.content_type, {"x-amzn-requestid": request.request_id})


def explained(request: Request, problem: Problem) -> Reply:
    """The reply of a call that did not."""
    return written(request.service, request.dialect, problem, request.request_id)


def written(service: Service, dialect: Dialect, problem: Problem, request_id: str) -> Reply:
    """An error as a service writes it."""
    body = dialect.error(service, problem, request_id)
    return Reply(problem.status, body, dialect.content_type, {"x-amzn-requestid": request_id})
