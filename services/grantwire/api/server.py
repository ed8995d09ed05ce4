"""An ASGI application served inside the running event loop: own socket, no signal handlers, orderly end."""

import asyncio
import contextlib
import errno
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import uvicorn
from starlette.types import ASGIApp

from grantwire.contracts.failures import Conflict, GrantwireError


@dataclass(frozen=True)
class Address:
    """Where a server listens; ``port`` 0 lets the system choose."""

    host: str
    port: int

    @property
    def url(self) -> str:
        return f"http://[{self.host}]:{self.port}" if ":" in self.host else f"http://{self.host}:{self.port}"


@asynccontextmanager
async def serving(make: Callable[[int], ASGIApp], wanted: Address) -> AsyncIterator[Address]:
    """Serve the application while entered. ``make`` is told the bound port, which the guards need to know."""
    with _listening(wanted) as listener:
        bound = Address(wanted.host, listener.getsockname()[1])
        server = _Server(_config(make(bound.port)))
        task = asyncio.create_task(server.serve(sockets=[listener]), name="api http")
        try:
            await _started(server, task)
            yield bound
        finally:
            server.should_exit = True
            await task


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Signals belong to whoever runs the process."""
        yield


def _config(app: ASGIApp) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        lifespan="off",
        ws="none",
        server_header=False,
        timeout_graceful_shutdown=2,  # a client that waits for news must not keep the process
    )


async def _started(server: uvicorn.Server, task: "asyncio.Task[None]") -> None:
    while not server.started:
        if task.done():
            await task
            raise GrantwireError("The HTTP server ended while it started; the log above says why.")
        await asyncio.sleep(0.01)


@contextlib.contextmanager
def _listening(wanted: Address) -> Iterator[socket.socket]:
    family = socket.AF_INET6 if ":" in wanted.host else socket.AF_INET
    # The protocol is named because asyncio switches Nagle's algorithm off only then: without it each answer but the
    # first of a connection waits 40 ms for the client's delayed acknowledgement.
    with socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((wanted.host, wanted.port))
            listener.listen(128)  # here, so that a port in use is found before anything else is started
        except OSError as error:
            raise _unusable(wanted, error) from error
        yield listener


def _unusable(wanted: Address, error: OSError) -> GrantwireError:
    if error.errno == errno.EADDRINUSE:
        return Conflict(
            f"Port {wanted.port} on {wanted.host} is in use by another process. "
            "Stop that one, or choose another port with --port (0 lets the system choose)."
        )
    return GrantwireError(
        f"The api cannot listen on {wanted.host} port {wanted.port}: {error.strerror}. "
        "Choose another with GRANTWIRE_API_HOST and GRANTWIRE_API_PORT (--port)."
    )
