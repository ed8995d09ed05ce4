"""Who may speak to the api at all: the rules, and the ASGI middleware that keeps them in front of every route."""

import ipaddress
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from grantwire.api.problems import Problem, respond

BODY_LIMIT: Final = 1024 * 1024
_OPEN_PATH: Final = "/healthz"

Headers = Mapping[str, Sequence[str]]


@dataclass(frozen=True)
class Rules:
    """``public_host`` is the Host (with its port, if it has one) under which a proxy publishes this api."""

    token: str
    port: int
    public_host: str | None = None

    def refuse(self, path: str, headers: Headers) -> Problem | None:
        """Why a request may not pass, or None. A foreign page is refused before anyone looks at its token."""
        if not self._known_host(headers.get("host", ())):
            return _foreign("Host", headers.get("host", ()))
        if not self._known_origin(headers.get("origin", ())):
            return _foreign("Origin", headers.get("origin", ()))
        if path != _OPEN_PATH and not is_bearer(headers.get("authorization", ()), self.token):
            return _unauthenticated()
        return declared_too_large(headers)

    def _known_host(self, given: Sequence[str]) -> bool:
        if len(given) != 1:
            return False
        host = given[0].strip().lower()
        published = (self.public_host or "").lower()
        return is_loopback(host, self.port) or (published != "" and host == published)

    def _known_origin(self, given: Sequence[str]) -> bool:
        if not given:
            return True
        scheme, _, host = given[0].strip().lower().partition("://")
        return len(given) == 1 and scheme in ("http", "https") and self._known_host([host])


def is_loopback(host: str, port: int) -> bool:
    """Whether a Host header names this machine and our port: a page that rebinds its own name is not us."""
    try:
        parts = urlsplit(f"//{host}")
        named, given = parts.hostname or "", parts.port or 80
    except ValueError:
        return False
    if parts.username is not None or parts.path or parts.query or parts.fragment or given != port:
        return False
    return named == "localhost" or _is_loopback_address(named)


def is_bearer(given: Sequence[str], token: str) -> bool:
    """Whether exactly one Authorization header carries the token; takes equally long for every wrong one."""
    scheme, _, credential = (given[0] if len(given) == 1 else "").partition(" ")
    same = secrets.compare_digest(credential.strip().encode(), token.encode())
    return same and scheme.lower() == "bearer" and bool(token)


def declared_too_large(headers: Headers) -> Problem | None:
    """A body that says of itself that it is too large is refused unread."""
    length = (headers.get("content-length") or ["0"])[0]
    return too_large() if not length.isdigit() or int(length) > BODY_LIMIT else None


def too_large() -> Problem:
    return Problem(
        413,
        "too-large",
        "The request is too large",
        f"The body is larger than {BODY_LIMIT:,} bytes, and nothing this api accepts comes near that.",
        "Send one connector per request.",
    )


class Guard:
    """Puts the rules in front of an application. The whole body is read here, so a limit is a limit."""

    def __init__(self, app: ASGIApp, rules: Rules) -> None:
        self._app = app
        self._rules = rules

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        refusal = self._rules.refuse(scope["path"], _headers(scope))
        body = None if refusal else await _read(receive)
        if refusal or body is None:
            await respond(refusal or too_large(), scope["path"])(scope, receive, send)
        else:
            await self._app(scope, _again(body, receive), send)


async def _read(receive: Receive) -> bytes | None:
    """The whole body, or None when it outgrows the limit."""
    body = bytearray()
    while len(body) <= BODY_LIMIT:
        message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body", False):
            return bytes(body) if len(body) <= BODY_LIMIT else None
    return None


def _again(body: bytes, receive: Receive) -> Receive:
    """Gives the body once, then whatever the client does next, which is to leave."""
    pending: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def give() -> Message:
        return pending.pop() if pending else await receive()

    return give


def _headers(scope: Mapping[str, Any]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name, value in scope["headers"]:
        found.setdefault(name.decode("latin-1").lower(), []).append(value.decode("latin-1"))
    return found


def _is_loopback_address(name: str) -> bool:
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def _foreign(header: str, given: Sequence[str]) -> Problem:
    said = ", ".join(given) or "none"
    return Problem(
        403,
        f"foreign-{header.lower()}",
        f"Foreign {header}",
        f"The request's {header} is {said[:200]!r}, and this api answers only to its own address.",
        "Use the printed URL on 127.0.0.1, or set GRANTWIRE_PUBLIC_HOST to the host under which a proxy publishes it.",
    )


def _unauthenticated() -> Problem:
    return Problem(
        401,
        "unauthenticated",
        "The admin token is missing or wrong",
        "Every request but /healthz must carry the header `Authorization: Bearer <admin token>`.",
        "Read the token from secrets/admin-token in the state directory (the file GRANTWIRE_ADMIN_TOKEN_FILE names "
        "otherwise); the command line does so by itself.",
    )
