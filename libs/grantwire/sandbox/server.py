"""The sandbox over HTTP: one ASGI application, served in this thread or in one of its own."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator, MutableMapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.request import Request, urlopen

import uvicorn

from grantwire.sandbox import control
from grantwire.sandbox.blueprint import plan
from grantwire.sandbox.gateway import Gateway
from grantwire.sandbox.identity_center.facts import ORGANIZATION, DirectorySizes
from grantwire.sandbox.plan import Extras, Plan, Sizes, facts_line
from grantwire.sandbox.replies import Reply
from grantwire.sandbox.scim import endpoint as scim
from grantwire.sandbox.state import Options, State
from grantwire.sandbox.wire.services import JSON_SERVICES, SERVICES, load

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


class Application:
    """AWS calls on every path but /_sandbox/ and SCIM's. Handlers never wait, so every call is atomic."""

    def __init__(self, state: State) -> None:
        self.state, self.gateway, self.scim = state, Gateway(state), scim.Endpoint(state)

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        if (body := await _body(receive)) is None:
            return
        path, headers = scope["path"], {name.decode(): value.decode("latin-1") for name, value in scope["headers"]}
        if path.startswith("/_sandbox/"):
            asked = control.Asked(scope["method"], scope["query_string"].decode(), body)
            reply = control.answer(self.state, path, asked)
        elif self.state.scim is not None and scim.PATH.fullmatch(path):
            reply = self.scim.answer(scim.Asked(scope["method"], path, scope["query_string"].decode(), headers))
        else:
            reply = self.gateway.answer(headers, f"http://{headers.get('host', '')}{path}", body)
        await _deliver(reply, receive, send)


async def _body(receive: Receive) -> bytes | None:
    """None where the sender was gone before all of it arrived: what was killed while it asked has asked nothing."""
    chunks = []
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        chunks.append(message.get("body", b""))
        if not message.get("more_body"):
            return b"".join(chunks)


async def _deliver(reply: Reply, receive: Receive, send: Send) -> None:
    if reply.hang:
        while (await receive())["type"] != "http.disconnect":
            pass
        reply.drop = True
    if reply.delay:
        await asyncio.sleep(reply.delay)
    if reply.drop:
        # ASGI has no way to break a connection: uvicorn's transport does it.
        send.__self__.transport.abort()  # type: ignore[attr-defined]
        return
    plain = {"content-type": reply.content_type, "content-length": str(len(reply.body))} | reply.headers
    headers = [(name.encode(), value.encode()) for name, value in plain.items()]
    await send({"type": "http.response.start", "status": reply.status, "headers": headers})
    if reply.cut:
        await send({"type": "http.response.body", "body": reply.body[: len(reply.body) // 2], "more_body": True})
        await asyncio.sleep(0.02)  # let the half that is there leave before the connection breaks
        send.__self__.transport.close()  # type: ignore[attr-defined]
        return
    await send({"type": "http.response.body", "body": reply.body})


@dataclass(frozen=True)
class Sandbox:
    """A running sandbox: the facts a client needs, and its control pages."""

    endpoint: str
    plan: Plan
    facts: dict[str, Any]

    @property
    def account(self) -> str:
        """The 12 digits of the simulated account."""
        return self.plan.account

    @property
    def region(self) -> str:
        """The region to configure; IAM and STS here answer for any."""
        return self.plan.region

    def control(self, method: str, page: str, body: Any = None) -> Any:
        """Call /_sandbox/`page`; JSON in, JSON or a list of JSON lines out. Raises `urllib.error.HTTPError`."""
        data = json.dumps(body).encode() if body is not None else None
        request = Request(f"{self.endpoint}/_sandbox/{page}", data, method=method)  # noqa: S310  our own endpoint
        with urlopen(request, timeout=30) as answer:  # noqa: S310
            text = answer.read().decode()
            if answer.headers["content-type"] == "application/x-ndjson":
                return [json.loads(line) for line in text.split("\n") if line]
            return json.loads(text)

    def truth(
        self,
        read_plan: str = "bulk",
        *,
        accounts: Iterable[str] | None = None,
        reader: str = "organization",
        sources: Iterable[str] | None = None,
        without: Iterable[str] = (),
    ) -> list[dict[str, Any]]:
        """The lines of the truth now, for the read plan `bulk` or `minimum`.

        Of an organization: with the IAM of `accounts`, else of those that `reader` (or `delegated`) can enter.
        `sources`: of `organization`, `iam`, `identity_center`, `credentials`, `scim`; the first two when not given.
        `without`: kinds and attributes (`access_key.report_time`) that are left out.
        """
        only = f"&accounts={','.join(accounts)}" if accounts is not None else ""
        only += f"&sources={','.join(sources)}" if sources is not None else ""
        only += f"&without={','.join(without)}"
        lines: list[dict[str, Any]] = self.control("GET", f"truth?plan={read_plan}&reader={reader}{only}")
        return lines

    def unreachable(self, reader: str = "organization") -> dict[str, str]:
        """The accounts of the organization that `reader` cannot enter now, and why."""
        found: dict[str, str] = self.control("GET", f"truth/unreachable?reader={reader}")
        return found

    def organization(self, *changes: dict[str, Any]) -> dict[str, Any]:
        """Change the organization behind its own back; what it is then."""
        shown: dict[str, Any] = self.control("POST" if changes else "GET", "organization", list(changes) or None)
        return shown

    def identity_center(self, *changes: dict[str, Any]) -> dict[str, Any]:
        """Change Identity Center behind its own back; what it is then."""
        shown: dict[str, Any] = self.control("POST" if changes else "GET", "identity-center", list(changes) or None)
        return shown

    def scim(self, *changes: dict[str, Any]) -> dict[str, Any]:
        """Change the SCIM endpoint; what it is then."""
        shown: dict[str, Any] = self.control("POST" if changes else "GET", "scim", list(changes) or None)
        return shown

    def unread(self, read_plan: str = "bulk", *, sources: Iterable[str] | None = None) -> list[str]:
        """What the read plan cannot read, and what no truth can know."""
        only = f"&sources={','.join(sources)}" if sources is not None else ""
        names: list[str] = self.control("GET", f"truth/unread?plan={read_plan}{only}")
        return names

    def fault(self, *rules: dict[str, Any]) -> None:
        """Put fault rules in force."""
        self.control("POST", "faults", list(rules))

    def writes(self) -> list[dict[str, Any]]:
        """The changes that were carried out, oldest first."""
        found: list[dict[str, Any]] = self.control("GET", "writes")
        return found

    def violations(self) -> list[str]:
        """What the sandbox could not do; a test that leaves any has asked for something not simulated."""
        found: list[str] = self.control("GET", "violations")
        return found

    def expect(self, role_arn: str, role_class: str, can_assume: list[dict[str, Any]]) -> None:
        """Tell the truth what the trust policy that a role has now means."""
        self.control("POST", "expect", {"role_arn": role_arn, "role_class": role_class, "can_assume": can_assume})


def listen(port: int = 0) -> socket.socket:
    """A listening socket on loopback. Its protocol is named: asyncio switches Nagle's algorithm off only where it is,
    and with it on each answer but the first of a connection waits 40 ms for the client's delayed acknowledgement."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", port))
    listener.listen(256)
    return listener


def endpoint_of(listener: socket.socket) -> str:
    """The URL of a listening socket."""
    return f"http://127.0.0.1:{listener.getsockname()[1]}"


def server(planned: Plan, options: Options) -> uvicorn.Server:
    """A server of the plan, not yet running. Service models are loaded here, not during the first call."""
    for name in SERVICES + JSON_SERVICES + (("sso", "identitystore") if planned.center is not None else ()):
        load(name)
    config = uvicorn.Config(
        Application(State(planned, options)),
        lifespan="off",
        log_level="critical",
        access_log=False,
        timeout_graceful_shutdown=1,
    )
    return uvicorn.Server(config)


@contextmanager
def start(
    seed: int = 1,
    *,
    users: int = 100,
    groups: int = 20,
    roles: int = 50,
    account: str | None = None,
    short: float = 0.0,
    empty: float = 0.0,
    latency_ms: float = 0.0,
    port: int = 0,
    accounts: int = 1,
    partition: str = "aws",
    calm: bool = False,
    account_state: str = "both",
    rates: dict[str, float] | None = None,
    identity_center: bool | str = False,
    identity_center_region: str | None = None,
    directory: DirectorySizes | None = None,
    credentials: bool = False,
    without: Iterable[str] = (),
    scim: bool = False,
    provisioning: bool = False,
) -> Iterator[Sandbox]:
    """A sandbox in a thread of its own for the time of a `with` block.

    `identity_center`: true is `organization`; else `account`, `several` or `none`, which is a service without instance.
    `without`: actions that no connector's role may do. `scim`: an endpoint over Identity Center's directory.
    `provisioning`: the connectors' roles may change what commands change.
    """
    kind = ORGANIZATION if identity_center is True else identity_center or None
    sizes = directory or DirectorySizes()
    extras = Extras(kind, identity_center_region, sizes, credentials, tuple(without), scim, provisioning)
    planned = plan(seed, Sizes(users, groups, roles), account, accounts, partition, calm, extras)
    listener = listen(port)
    served = server(planned, Options(short, empty, latency_ms, account_state, rates or {}))
    thread = threading.Thread(target=served.run, args=([listener],), name="sandbox", daemon=True)
    thread.start()
    try:
        endpoint = endpoint_of(listener)
        while not served.started and thread.is_alive():
            time.sleep(0.005)
        yield Sandbox(endpoint, planned, facts_line(planned, endpoint))
    finally:
        served.should_exit = True
        thread.join(10)
        listener.close()
