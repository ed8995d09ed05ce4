"""What the supervisor asks of a server, and what starting one has in common."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Protocol

from grantwire.local import ports
from grantwire.local.errors import PortInUse, ServerFailed
from grantwire.local.process import Child, tail
from grantwire.local.state import StateDir
from grantwire.telemetry.clock import monotonic

_PORT_PATIENCE = 5.0  # seconds a predecessor whose parent was killed may need to go
_POLL = 0.01


class Server(Protocol):
    """One local server. `name` is also the name of its port, its folder and its log."""

    name: str

    async def prepare(self) -> None:
        """Make everything the server needs on disk. Raises StateError."""

    async def start(self) -> Child:
        """Start it and return once it serves. Raises StateError."""

    async def stop(self, child: Child) -> None:
        """Stop it in an orderly way."""

    @property
    def url(self) -> str:
        """Where it serves, credentials included."""


async def claim_port(state: StateDir, name: str) -> int:
    """The server's port, free. Raises PortInUse."""
    port = state.port(name)
    if not await ports.wait_free(port, _PORT_PATIENCE):
        raise PortInUse(name, port, ports.holder(port), state.port_file(name))
    return port


async def until_ready(
    name: str, child: Child, ready: Callable[[], Awaitable[bool]], log: Path, log_start: int, patience: float
) -> None:
    """Wait until `ready` says so. Raises ServerFailed if the child ends first or `patience` seconds pass."""
    deadline = monotonic() + patience
    while not await ready():
        if not child.running:
            code = await child.exited()
            raise ServerFailed(name, f"ended with code {code} instead of starting", log, tail(log, log_start))
        if monotonic() > deadline:
            raise ServerFailed(name, f"was not ready after {patience:.0f} s", log, tail(log, log_start))
        await asyncio.sleep(_POLL)
