"""Sending until acknowledged: the same id again and again, refusals told apart from silence."""

import asyncio
import json
import uuid
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final, TypeVar

import nats.errors
import structlog
from nats.aio.client import Client
from nats.js.errors import APIError

from grantwire.bus.connection import APPLY_HINT, UNREACHABLE, request, said, until_connected
from grantwire.bus.errors import Busy, Full
from grantwire.bus.outgoing import Outgoing
from grantwire.contracts.failures import DependencyDown, GrantwireError, Oversized
from grantwire.telemetry import monotonic

_log = structlog.get_logger(__name__)

_T = TypeVar("_T")

_ATTEMPT_SECONDS: Final = 5.0
_PAUSES: Final = (0.05, 2.0)  # the first pause between attempts, and the longest
_FULL_SECONDS: Final = 10.0


class Repeated(Exception):
    """A batch contains a message that is already stored; the server took none of it."""


async def persist(client: Client, stream: str, message: Outgoing, *, deadline: float) -> tuple[int, bool]:
    """The sequence it has, and whether it was there before. Raises what ``refusal`` says, or ``DependencyDown``."""

    async def attempt() -> tuple[int, bool]:
        answer = await _request(client, message, message.wire_headers(stream), deadline)
        return int(answer["seq"]), bool(answer.get("duplicate"))

    return await _until_answered(client, stream, attempt, deadline)


async def persist_batch(client: Client, stream: str, batch: Sequence[Outgoing], *, deadline: float) -> None:
    """All of them or none, in order. Raises ``Repeated`` when one is stored already, else as ``persist``."""

    async def attempt() -> None:
        name = uuid.uuid4().hex  # a new one each time: the server may still hold half of the last attempt
        for number, message in enumerate(batch, start=1):
            headers = message.wire_headers(stream) | {"Nats-Batch-Id": name, "Nats-Batch-Sequence": str(number)}
            if number == len(batch):
                await _request(client, message, headers | {"Nats-Batch-Commit": "1"}, deadline)
            elif number == 1:  # answered too, so a stream that refuses batches says so before the rest is sent
                await _request(client, message, headers, deadline)
            else:
                await client.publish(message.subject, message.body, headers=headers)

    await _until_answered(client, stream, attempt, deadline)


def refusal(error: APIError, stream: str, subject: str) -> Exception | None:
    """The error to raise for an answer that repeating will not change, or None where it may."""
    text = (
        error.description or ""
    )  # 10077 is any failure to store: only the text tells a busy subject from a full stream
    match error.err_code:
        case 10077 if "per subject" in text:
            return Busy(f"{subject} already holds a message that is waiting or being handled.")
        case 10077:
            return Full(
                f"The stream {stream} is full ({text}); nothing more is taken until there is room.", delay=_FULL_SECONDS
            )
        case 10054:
            return Oversized(
                f"A message for {subject} is larger than the stream {stream} takes ({text}); it was not stored."
            )
        case 10060:
            return GrantwireError(f"{subject} does not belong to the stream {stream}; {APPLY_HINT}.")
        case 10201:
            return Repeated()
        case 10174:
            return GrantwireError(f"The stream {stream} takes no atomic batches; {APPLY_HINT}.")
    return None


async def _until_answered(client: Client, stream: str, attempt: Callable[[], Awaitable[_T]], deadline: float) -> _T:
    pause, longest = _PAUSES
    while True:
        try:
            await until_connected(client, deadline)
            return await attempt()
        except (*UNREACHABLE, APIError) as error:
            if monotonic() + pause >= deadline:
                raise _unanswered(stream, error) from error
        await asyncio.sleep(pause)
        pause = min(longest, pause * 2)


async def _request(client: Client, message: Outgoing, headers: dict[str, str], deadline: float) -> dict[str, Any]:
    wait = max(0.1, min(_ATTEMPT_SECONDS, deadline - monotonic()))
    answer = await request(client, message.subject, message.body, wait=wait, headers=headers)
    found: dict[str, Any] = json.loads(answer.data) if answer.data else {}
    if failed := found.get("error"):
        error = APIError(failed.get("code"), failed.get("description"), failed.get("err_code"))
        if told := refusal(error, headers["Nats-Expected-Stream"], message.subject):
            if isinstance(told, Full):
                _log.warning(str(told))
            raise told
        raise error
    return found


def _unanswered(stream: str, error: Exception) -> DependencyDown:
    if isinstance(error, nats.errors.NoRespondersError):
        return DependencyDown(f"No stream takes messages for {stream}; if NATS is up, {APPLY_HINT}.")
    return DependencyDown(f"NATS does not acknowledge messages for {stream} ({said(error)}); is it running?")
