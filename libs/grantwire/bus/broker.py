"""The broker every service uses: FastStream's, with the defaults that lose or freeze things taken out."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

import nats.errors
import structlog
from faststream import AckPolicy
from faststream.nats import NatsBroker
from faststream.nats.message import NatsMessage
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import ConnectionClosedError, ConnectionReconnectingError
from nats.js import JetStreamContext
from nats.js.errors import BadRequestError, NotFoundError

from grantwire.bus import login
from grantwire.bus.connection import APPLY_HINT, UNREACHABLE, said, servers, shown, until_connected, while_connected
from grantwire.contracts.failures import DependencyDown, GrantwireError
from grantwire.contracts.subjects import inbox

_log = structlog.get_logger(__name__)

_PING_SECONDS: Final = 20  # the default of 120 notices a silent peer after four minutes
_PAUSE_SECONDS: Final = 1.0
_DENIED: Final = "authorization violation"


@dataclass(frozen=True, slots=True)
class Received:
    """A message as FastStream hands it over: undecoded, because `application/…+json` is not JSON to FastStream."""

    raw: Msg
    bus: "Bus"


class Bus(NatsBroker):
    """A ``NatsBroker`` that reconnects for ever, never spins, reports what is asynchronous, and stops when told."""

    def __init__(self, url: str, *, service: str, seed: str | None = None, stop_seconds: float = 15.0) -> None:
        self.service = service
        self._seed = seed
        self.shown_url = shown(url)
        self.stopping = asyncio.Event()
        super().__init__(
            servers(url),
            name=f"grantwire-{service}",
            connect_timeout=5,
            reconnect_time_wait=1,
            max_reconnect_attempts=-1,  # once exhausted, FastStream's pull loop would freeze the event loop for ever
            ping_interval=_PING_SECONDS,
            inbox_prefix=inbox(service),
            ack_policy=AckPolicy.MANUAL,  # the default terminates a message on any exception
            apply_types=False,
            serializer=None,
            decoder=self._received,
            disconnected_cb=self._on_disconnected,
            closed_cb=self._on_closed,
            graceful_timeout=stop_seconds,
            drain_timeout=5,
            logger=_quiet_logger(),
            log_level=logging.DEBUG,
        )

    async def start(self) -> None:
        """Connect and start the routes.

        Waits for NATS as long as it takes. Raises ``GrantwireError`` for a missing consumer, ``DependencyDown`` when
        NATS refuses the credentials.
        """
        try:
            await super().start()
        except (NotFoundError, BadRequestError) as error:
            raise GrantwireError(f"A stream or consumer of {self.service} is missing; {APPLY_HINT}.") from error
        except nats.errors.Error as error:
            raise DependencyDown(f"NATS at {self.shown_url} does not let {self.service} in: {said(error)}.") from error
        for subscriber in self._pulls():
            subscriber.subscription = PatientPull(subscriber.subscription, client_of(self))

    async def stop(self, *failure: Any) -> None:
        """Let running handlers end, then close. It also succeeds while NATS is away."""
        self.stopping.set()
        client = self._connection
        try:
            await super().stop(*failure)
        except (*UNREACHABLE, nats.errors.Error, ExceptionGroup) as error:
            _log.warning("The bus connection could not be drained.", service=self.service, error=said(error))
            self._connection = None
        finally:
            if client is not None and not client.is_closed:
                await client.close()

    def ailment(self) -> str | None:
        """Why this broker will never receive again, or None while it can."""
        if self.stopping.is_set() or self._connection is None:
            return None
        if self._connection.is_closed:
            return f"the connection is closed; its last error: {self._connection.last_error}"
        if any(subscriber.tasks and all(task.done() for task in subscriber.tasks) for subscriber in self._pulls()):
            return "a subscriber's task has ended"
        return None

    async def _connect(self) -> Client:
        connection = login.client(self._seed)
        await connection.connect(**self._connection_kwargs)
        self.config.connect(connection)
        return connection

    def _pulls(self) -> list[Any]:
        return [each for each in self.subscribers if getattr(each, "pull_sub", None) is not None]

    async def _received(self, message: NatsMessage) -> Received:
        return Received(message.raw_message, self)

    def _log_connection_broken(self, error_cb: Any = None) -> Callable[[Exception], Awaitable[None]]:
        # FastStream's own raises for some errors, which ends the reconnecting for good; ours does so only while the
        # first connection is made, and only for credentials that are not accepted.
        async def report(error: Exception) -> None:
            _log.error("The bus reports an error.", service=self.service, error=said(error), kind=type(error).__name__)
            if self._connection is None and _DENIED in said(error).lower():
                raise error

        return report

    async def _on_disconnected(self) -> None:
        if not self.stopping.is_set():
            _log.warning("The bus is away; reconnecting until it is back.", service=self.service, url=self.shown_url)

    async def _on_closed(self) -> None:
        if not self.stopping.is_set():
            _log.critical("The bus connection is closed for good.", service=self.service, url=self.shown_url)


class PatientPull:
    """A pull subscription that waits a moment after a failure.

    FastStream asks again at once: 1,900 times a second for a deleted consumer, and without ever yielding to the event
    loop on a closed connection.
    """

    def __init__(self, pull: JetStreamContext.PullSubscription, client: Client) -> None:
        self._pull = pull
        self._client = client
        self._ailing = False

    async def fetch(self, batch: int = 1, timeout: float | None = 5, **options: Any) -> list[Msg]:
        try:
            messages = await while_connected(self._client, self._pull.fetch(batch, timeout, **options))
        except ConnectionReconnectingError:  # what was asked for is forgotten: ask again when the server is back
            with suppress(ConnectionClosedError):
                await until_connected(self._client)
            return []
        except TimeoutError:  # nats-py's own or the builtin one: nothing came
            return []
        except Exception as error:
            await self._pause(error)
            return []
        self._ailing = False
        return messages

    async def unsubscribe(self) -> None:
        await self._pull.unsubscribe()

    async def _pause(self, error: Exception) -> None:
        if not self._ailing:
            _log.error("The bus cannot be read; trying on.", error=said(error), kind=type(error).__name__)
        self._ailing = True
        await asyncio.sleep(_PAUSE_SECONDS)


def broker(url: str, *, service: str, seed: str | None = None, stop_seconds: float = 15.0) -> Bus:
    """A broker for ``service``; ``url`` may name several servers, separated by commas. It connects when started.

    ``seed`` is the service's key, where the server knows one; without it the URL may hold user and password.
    """
    return Bus(url, service=service, seed=seed, stop_seconds=stop_seconds)


def _quiet_logger() -> logging.Logger:
    """FastStream tells of every message and task; what matters is told by us."""
    logger = logging.getLogger("grantwire.bus.faststream")
    logger.setLevel(logging.WARNING)
    return logger


def client_of(bus: NatsBroker) -> Client:
    """The connection under a broker. Raises ``DependencyDown`` before it is started."""
    connection = bus._connection
    if connection is None:
        raise DependencyDown("The bus is not connected; start the broker first.")
    return connection
