"""Talking to the server: one connection for a short task, API requests as JSON, failures as sentences."""

import asyncio
import json
import math
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any, Final, TypeVar
from urllib.parse import urlsplit

import nats.errors
from nats.aio.client import Client
from nats.aio.msg import Msg

from grantwire.bus import login
from grantwire.contracts.failures import DependencyDown, GrantwireError
from grantwire.contracts.subjects import inbox
from grantwire.identity import ADMIN
from grantwire.telemetry import monotonic

APPLY_HINT: Final = "run `grantwire bus apply`"

_LOOK_SECONDS: Final = 0.25
_ANSWER_SECONDS: Final = 5.0

# nats-py raises its own TimeoutError in some places and the builtin one in others; the builtin is the base of both.
UNREACHABLE: Final = (
    TimeoutError,
    OSError,
    nats.errors.ConnectionClosedError,
    nats.errors.ConnectionDrainingError,
    nats.errors.ConnectionReconnectingError,
    nats.errors.NoRespondersError,
    nats.errors.NoServersError,
    nats.errors.OutboundBufferLimitError,
    nats.errors.StaleConnectionError,
)

Json = dict[str, Any]
T = TypeVar("T")


class Refused(GrantwireError):
    """The server answered an API request with an error; ``code`` and ``description`` are its own."""

    def __init__(self, message: str, *, code: int, description: str) -> None:
        super().__init__(message)
        self.code = code
        self.description = description


async def ask(client: Client, subject: str, body: Json | None = None, *, wait: float = _ANSWER_SECONDS) -> Json:
    """The answer of ``$JS.API.<subject>``. Raises ``Refused``, or ``DependencyDown`` when there is no answer."""
    payload = json.dumps(body).encode() if body is not None else b""
    try:
        answer = await request(client, f"$JS.API.{subject}", payload, wait=wait)
    except UNREACHABLE as error:
        raise DependencyDown(f"NATS JetStream does not answer {subject} ({said(error)}); is it running?") from error
    found: Json = json.loads(answer.data)
    if refusal := found.get("error"):
        description = str(refusal.get("description", ""))
        raise Refused(
            f"NATS refuses {subject}: {description}.", code=refusal.get("err_code", 0), description=description
        )
    return found


async def ask_patiently(client: Client, subject: str, *, deadline: float) -> Json:
    """As ``ask``, again and again until there is an answer or ``deadline`` has come."""
    while True:
        try:
            return await ask(client, subject, wait=max(0.1, min(_ANSWER_SECONDS, deadline - monotonic())))
        except DependencyDown:
            if monotonic() + _LOOK_SECONDS > deadline:
                raise
        await asyncio.sleep(_LOOK_SECONDS)


async def request(
    client: Client, subject: str, body: bytes, *, wait: float, headers: dict[str, str] | None = None
) -> Msg:
    """The reply. Raises one of ``UNREACHABLE``, at once when the connection it was asked on is lost."""
    return await while_connected(client, client.request(subject, body, timeout=wait, headers=headers))


async def while_connected(client: Client, answer: Coroutine[Any, Any, T]) -> T:
    """What is awaited, or ``ConnectionReconnectingError`` soon after the connection is lost: it would wait in vain."""
    waiting = asyncio.create_task(answer)
    times = client.stats["reconnects"]
    try:
        while not waiting.done():
            await asyncio.wait({waiting}, timeout=_LOOK_SECONDS)
            if not waiting.done() and (not client.is_connected or client.stats["reconnects"] != times):
                raise nats.errors.ConnectionReconnectingError
        return waiting.result()
    finally:
        waiting.cancel()


async def until_connected(client: Client, deadline: float = math.inf) -> None:
    """Wait for a connection: what is sent without one fills a buffer and leaves much later.

    Raises ``ConnectionClosedError`` when it will not come, or not before ``deadline``.
    """
    while not client.is_connected:
        if client.is_closed or monotonic() >= deadline:
            raise nats.errors.ConnectionClosedError
        await asyncio.sleep(0.05)


@asynccontextmanager
async def connected(
    url: str, *, name: str, patience: float, seed: str | None = None, identity: str = ADMIN.name
) -> AsyncIterator[Client]:
    """A connection for a short task; it does not reconnect. ``seed`` is the key of ``identity``.

    Raises ``DependencyDown`` when no server lets us in within ``patience`` seconds.
    """
    client = await _connect_patiently(url, name, monotonic() + patience, seed, identity)
    try:
        yield client
    finally:
        await client.close()


async def _connect_patiently(url: str, name: str, deadline: float, seed: str | None, identity: str) -> Client:
    while True:
        client = login.client(seed)
        try:
            await client.connect(
                servers(url),
                name=name,
                allow_reconnect=False,
                max_reconnect_attempts=1,  # 0 would mean to try the first connection for ever
                reconnect_time_wait=0,
                connect_timeout=5,
                error_cb=_quiet,
                inbox_prefix=inbox(identity),
            )
            return client
        except (*UNREACHABLE, nats.errors.Error) as error:
            if monotonic() + _LOOK_SECONDS > deadline:
                told = f"NATS at {shown(url)} cannot be reached ({said(error)}); is it running?"
                raise DependencyDown(told) from error
        await asyncio.sleep(_LOOK_SECONDS)


def servers(url: str) -> list[str]:
    """The servers of a comma-separated URL."""
    return [each.strip() for each in url.split(",") if each.strip()]


def shown(url: str) -> str:
    """A URL as it may be shown: without the credentials."""
    return ",".join(urlsplit(each if "://" in each else f"//{each}").netloc.rpartition("@")[2] for each in servers(url))


def without_credentials(url: str) -> str:
    """A URL that another can be given."""
    return ",".join(f"nats://{shown(each)}" for each in servers(url))


def said(error: BaseException) -> str:
    """An error in a few words, even one whose text is empty."""
    return str(error).removeprefix("nats: ") or type(error).__name__


async def _quiet(_error: Exception) -> None:
    """What goes wrong on a short connection is raised; its default callback would print a traceback as well."""
