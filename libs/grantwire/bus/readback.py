"""Reading stored messages without a consumer: batched direct get."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Final

from nats.aio.client import Client
from nats.aio.msg import Msg

from grantwire.bus.connection import APPLY_HINT, UNREACHABLE, said
from grantwire.contracts.envelope import CHUNK, SNAPSHOT
from grantwire.contracts.failures import DependencyDown
from grantwire.telemetry import monotonic

_BATCH: Final = 64  # of at most 200 KB each
_WAIT_SECONDS: Final = 3.0
_PAUSE_SECONDS: Final = 0.2


@dataclass(frozen=True, slots=True)
class Stored:
    """A message as its stream keeps it."""

    sequence: int
    subject: str
    headers: dict[str, str]
    body: bytes
    at: str


async def chunks(
    client: Client, stream: str, subject: str, first: int, last: int, *, snapshot: str, deadline: float
) -> list[bytes]:
    """The bodies of a snapshot's chunks by number; other snapshots of the same subject may lie between them."""
    found: dict[int, bytes] = {}
    async for message in stored(client, stream, subject, first, last, deadline=deadline):
        number = message.headers.get(CHUNK, "")
        if message.headers.get(SNAPSHOT) == snapshot and number.isdecimal():
            found.setdefault(int(number), message.body)
    return [found[number] for number in sorted(found)]


async def stored(
    client: Client, stream: str, subject: str, first: int, last: int | None = None, *, deadline: float
) -> AsyncIterator[Stored]:
    """What a subject (wildcards allowed) holds from ``first`` to ``last``, or to its end. Raises ``DependencyDown``."""
    sequence = first
    while last is None or sequence <= last:
        page, more = await _page_patiently(client, stream, subject, sequence, deadline)
        for message in page:
            if last is not None and message.sequence > last:
                return
            yield message
            sequence = message.sequence + 1
        if not more:
            return


async def _page_patiently(
    client: Client, stream: str, subject: str, sequence: int, deadline: float
) -> tuple[list[Stored], bool]:
    while True:
        try:
            return await _page(client, stream, subject, sequence, deadline)
        except UNREACHABLE as error:
            if monotonic() + _PAUSE_SECONDS > deadline:
                raise DependencyDown(
                    f"The stream {stream} cannot be read ({said(error)}); if NATS is up, {APPLY_HINT}."
                ) from error
        await asyncio.sleep(_PAUSE_SECONDS)


async def _page(client: Client, stream: str, subject: str, sequence: int, deadline: float) -> tuple[list[Stored], bool]:
    """One request's messages, and whether there are more behind them."""
    reply = client.new_inbox()
    answers = await client.subscribe(reply)
    try:
        request = {"seq": max(1, sequence), "next_by_subj": subject, "batch": _BATCH}
        await client.publish(f"$JS.API.DIRECT.GET.{stream}", json.dumps(request).encode(), reply=reply)
        page: list[Stored] = []
        while True:
            answer = await answers.next_msg(timeout=max(0.1, min(_WAIT_SECONDS, deadline - monotonic())))
            if (status := _header(answer, "Status")) is None:
                page.append(_stored(answer))
            else:
                return page, _more(status, answer)
    finally:
        await answers.unsubscribe()


def _more(status: str, answer: Msg) -> bool:
    """204 ends a page, 404 says that there is nothing; 503 is the client's word for "nobody answers"."""
    if status in ("204", "404"):
        return status == "204" and int(_header(answer, "Nats-Num-Pending") or 0) > 0
    raise TimeoutError(f"status {status}")


def _stored(answer: Msg) -> Stored:
    headers = dict(answer.headers or {})
    return Stored(
        int(headers["Nats-Sequence"]), headers["Nats-Subject"], headers, answer.data, headers.get("Nats-Time-Stamp", "")
    )


def _header(answer: Msg, name: str) -> str | None:
    return (answer.headers or {}).get(name)
