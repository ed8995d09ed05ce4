"""The client's connection to NATS: commands out, outcomes in, questions, and the stream of changes.

It imports nats-py and nothing of the services' own bus: another team installs it.
"""

import asyncio
import json
import logging
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

import nats.errors
from nats.aio.client import Client
from nats.aio.msg import Msg
from opentelemetry import trace
from opentelemetry.trace import SpanKind
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from grantwire.client.cursors import Bounds
from grantwire.client.login import Ears, Login, connect
from grantwire.client.wire import Heard, Page, Stored
from grantwire.contracts import subjects
from grantwire.contracts.commands import AccessCommand
from grantwire.contracts.envelope import MESSAGE_ID, TYPE, Envelope
from grantwire.contracts.failures import DependencyDown, GrantwireError, Malformed
from grantwire.contracts.outcomes import BY_TYPE, CommandTold
from grantwire.contracts.streams import CHANGES, COMMANDS

_log = logging.getLogger("grantwire.client")
_UNKNOWN: Final = "Gw-Unknown"
_BATCH: Final = 200
_ANSWER: Final = 5.0
_LOST: Final = (
    TimeoutError,
    OSError,
    nats.errors.ConnectionReconnectingError,
    nats.errors.NoRespondersError,
    nats.errors.OutboundBufferLimitError,
    nats.errors.StaleConnectionError,
)
_PROPAGATOR: Final = TraceContextTextMapPropagator()


class Link:
    """One connection, as ``wire.Wire`` wants it. It reconnects for as long as it is open."""

    def __init__(self, login: Login) -> None:
        self._login = login
        self._team = login.team
        self._client: Client | None = None
        self._listeners: dict[UUID, list[Heard]] = {}
        self._denied: set[str] = set()
        self._hears_changes = False
        self._mark = 0
        self._news = asyncio.Event()
        self._back = asyncio.Event()
        self._upset = asyncio.Event()

    async def open(self) -> None:
        """Raises ``DependencyDown`` when no server lets it in."""
        self._client = await connect(self._login, Ears(self._on_error, self._on_upset, self._on_back))
        await self._client.subscribe(subjects.outcomes(self._team), cb=self._on_told)
        await self._client.flush()  # nats-py's ping overtakes what is still to be written: the second comes after it,
        await self._client.flush()  # and after what the server says against it

    async def close(self) -> None:
        if self._client is not None and not self._client.is_closed:
            await self._client.close()

    async def publish(self, command: AccessCommand, copy: int, wait: float) -> None:
        """Raises ``GrantwireError`` for what repeating will not change."""
        subject = self._subject(command)
        tracer = trace.get_tracer("grantwire.client")
        with tracer.start_as_current_span(f"send {command.verb()}", kind=SpanKind.PRODUCER) as span:
            span.set_attributes({"grantwire.command": str(command.id), "messaging.system": "nats"})
            answer = await self._request(subject, command.encode(), wait, self._headers(command, copy))
        if refusal := json.loads(answer.data or b"{}").get("error"):
            raise _refusal(refusal, subject)

    async def ask(self, id: UUID, wait: float) -> CommandTold | None:
        subject = subjects.ask(self._team, str(id)) if self._team else subjects.asked(str(id))
        answer = await self._request(subject, b"", wait)
        if (answer.headers or {}).get(_UNKNOWN):
            return None
        try:
            return _told(answer)
        except Malformed as error:
            raise DependencyDown(f"The answer about command {id} is of another version: {error}") from error

    @contextmanager
    def listening(self, id: UUID) -> Iterator[Heard]:
        heard: Heard = asyncio.Queue()
        self._listeners.setdefault(id, []).append(heard)
        try:
            yield heard
        finally:
            self._listeners[id].remove(heard)
            if not self._listeners[id]:
                del self._listeners[id]

    async def rest(self, seconds: float) -> None:
        await _either(seconds, self._back)

    async def bounds(self) -> Bounds:
        subject = f"$JS.API.STREAM.INFO.{CHANGES.name}" if self._team else subjects.CHANGES_INFO
        answer = await self._request(subject, b"", _ANSWER)
        found = json.loads(answer.data)
        if refusal := found.get("error"):
            raise DependencyDown(f"The stream {CHANGES.name} cannot be read: {refusal.get('description')}.")
        return Bounds(found["created"], int(found["state"]["first_seq"]), int(found["state"]["last_seq"]))

    async def page(self, after: int) -> Page:
        inbox = self._open().new_inbox()
        answers = await self._open().subscribe(inbox)
        request = {"seq": after + 1, "next_by_subj": CHANGES.subjects[0], "batch": _BATCH}
        found: list[Stored] = []
        try:
            await self._open().publish(f"$JS.API.DIRECT.GET.{CHANGES.name}", json.dumps(request).encode(), reply=inbox)
            while (status := _header(answer := await self._hear(answers.next_msg(_ANSWER)), "Status")) == "":
                found.append(_stored(answer))
        except (*_LOST, nats.errors.Error) as error:
            raise self._failed(f"$JS.API.DIRECT.GET.{CHANGES.name}", error) from error
        finally:
            with suppress(nats.errors.Error):
                await answers.unsubscribe()
        if status not in ("204", "404"):
            raise DependencyDown(f"The stream {CHANGES.name} cannot be read (status {status}).")
        return Page(found, int(_header(answer, "Nats-Num-Pending") or 0))

    def mark(self) -> int:
        return self._mark

    async def changed(self, mark: int, seconds: float) -> bool:
        if not self._hears_changes:
            self._hears_changes = True
            await self._open().subscribe(CHANGES.subjects[0], cb=self._on_change)
            return True  # one may have come before
        return self._mark != mark or await _either(seconds, self._news, self._back)

    async def _on_change(self, _message: Msg) -> None:
        self._mark += 1
        self._news.set()
        self._news = asyncio.Event()

    async def _on_told(self, message: Msg) -> None:
        try:
            told = _told(message)
        except Malformed as error:
            _log.warning("An outcome is of another version and was passed over: %s", error)
            return
        for heard in self._listeners.get(told.command, ()):
            heard.put_nowait(told)

    async def _on_back(self) -> None:
        self._back.set()
        self._back = asyncio.Event()

    async def _on_upset(self) -> None:
        self._upset.set()
        self._upset = asyncio.Event()

    async def _on_error(self, error: Exception) -> None:
        """A denial comes by itself, and names its subject in small letters."""
        text = str(error)
        if "permissions violation" in text:
            self._denied.add(text.partition('"')[2].rstrip('"'))
            await self._on_upset()
        _log.warning("The bus reports an error: %s", text)

    async def _request(self, subject: str, body: bytes, wait: float, headers: dict[str, str] | None = None) -> Msg:
        try:
            return await self._hear(self._open().request(subject, body, timeout=wait, headers=headers))
        except (*_LOST, nats.errors.Error) as error:
            raise self._failed(subject, error) from error

    async def _hear(self, answer: Coroutine[Any, Any, Msg]) -> Msg:
        """The answer. Raises at once when the connection is lost or something is denied: it might never come."""
        waiting = asyncio.create_task(answer)
        upset = asyncio.create_task(self._upset.wait())
        try:
            await asyncio.wait({waiting, upset}, return_when=asyncio.FIRST_COMPLETED)
            if not waiting.done():
                raise nats.errors.ConnectionReconnectingError
            return waiting.result()
        finally:
            upset.cancel()
            waiting.cancel()

    def _open(self) -> Client:
        """Raises ``DependencyDown`` while the connection is lost, ``GrantwireError`` when it will not come back."""
        if self._client is None:
            raise GrantwireError("The client is not open; use it as `async with`.")
        if self._client.is_closed:
            raise GrantwireError(f"The bus has closed the connection for good: {self._client.last_error}.")
        if not self._client.is_connected:
            raise DependencyDown("The bus is away; reconnecting.")
        return self._client

    def _failed(self, subject: str, error: Exception) -> GrantwireError:
        if subject.lower() in self._denied:
            return GrantwireError(
                f"The bus does not let this key publish {subject}; next: use the key and the URL that `grantwire team "
                "add` gave this team."
            )
        told = str(error).removeprefix("nats: ") or type(error).__name__
        return DependencyDown(f"Nobody answers {subject} ({told}).")

    def _subject(self, command: AccessCommand) -> str:
        if self._team:
            return subjects.command(self._team, command.connector, command.account, command.verb())
        return subjects.sent(command.connector, command.account, command.verb())

    def _headers(self, command: AccessCommand, copy: int) -> dict[str, str]:
        carrier: dict[str, str] = {}
        _PROPAGATOR.inject(carrier)
        now = datetime.now(UTC).isoformat()  # noqa: TID251  telemetry's clock would bring the SDK along
        envelope = Envelope(
            str(command.id), command.type(), self._login.name, now, traceparent=carrier.get("traceparent")
        )
        message_id = f"{command.id}:{command.fingerprint()}" + (f":{copy}" if copy else "")
        return envelope.headers() | {MESSAGE_ID: message_id, "Nats-Expected-Stream": COMMANDS.name}


def _told(message: Msg) -> CommandTold:
    """Raises ``Malformed``, also for a type that this version does not know."""
    found = BY_TYPE.get(_header(message, TYPE))
    if found is None:
        raise Malformed(f"there is no type {_header(message, TYPE)!r}; install a newer client.")
    return found.parse(message.data)


def _stored(message: Msg) -> Stored:
    return Stored(
        int(_header(message, "Nats-Sequence")), _header(message, MESSAGE_ID), _header(message, TYPE), message.data
    )


def _header(message: Msg, name: str) -> str:
    return str((message.headers or {}).get(name, ""))


def _refusal(error: dict[str, Any], subject: str) -> GrantwireError:
    text = error.get("description", "")
    if error.get("err_code") == 10077 or error.get("code") == 503:  # full, or without a leader: both pass
        return DependencyDown(f"The bus cannot store {subject} now: {text}.")
    return GrantwireError(f"The bus refuses {subject}: {text}.")


async def _either(seconds: float, *events: asyncio.Event) -> bool:
    """Whether one of them was set within that time."""
    waiting = {asyncio.create_task(each.wait()) for each in events}
    try:
        done, _ = await asyncio.wait(waiting, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        return bool(done)
    finally:
        for each in waiting:
            each.cancel()
