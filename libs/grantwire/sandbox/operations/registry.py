"""How an operation is written: a function of one `Call`, registered under its service and its model's name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from grantwire.sandbox.access.principals import Principal
from grantwire.sandbox.access.sessions import Sessions
from grantwire.sandbox.credentials.report import Reports
from grantwire.sandbox.identity_center.center import Center
from grantwire.sandbox.identity_center.provisioning import Provisioning
from grantwire.sandbox.organization.tree import Tree
from grantwire.sandbox.paging import Page
from grantwire.sandbox.world import World


class Failure(Exception):
    """An error that AWS would answer: code, text, HTTP status, and the further members of it in JSON."""

    def __init__(self, code: str, message: str, status: int = 400, **more: str) -> None:
        super().__init__(message)
        self.code, self.status, self.more = code, status, more


@dataclass(frozen=True)
class Call:
    """One authenticated, parsed request.

    `now` is whole seconds since 1970 on the sandbox's clock.
    """

    world: World
    worlds: dict[str, World]
    sessions: Sessions
    caller: Principal
    params: dict[str, Any]
    now: int
    organization: Tree | None = None
    account_state: str = "both"  # which of `State` and `Status` accounts show
    exactly: float = 0.0  # `now` with its fraction
    region: str = ""  # that the request was signed for
    center: Center | None = None
    provisioning: Provisioning | None = None
    reports: Reports = field(default_factory=Reports)


Handler = Callable[[Call], "dict[str, Any] | Page"]
Resource = Callable[[Call], "str | tuple[str, ...]"]


@dataclass(frozen=True)
class Operation:
    """A handler, and the resource that the caller's policies must allow, or several, each of which they must.

    None when the handler decides by itself.
    """

    handler: Handler
    resource: Resource | None


OPERATIONS: dict[tuple[str, str], Operation] = {}


def everything(_: Call) -> str:
    """The resource of actions that have no narrower one."""
    return "*"


def operation(service: str, name: str, resource: Resource | None) -> Callable[[Handler], Handler]:
    """Register a handler for `service.name`."""

    def register(handler: Handler) -> Handler:
        OPERATIONS[service, name] = Operation(handler, resource)
        return handler

    return register
