"""Each service as a process of its own: started, killed without warning, started again."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import httpx

from grantwire.cli.catalog import SERVICES
from grantwire.cli.exits import Exit, Stop
from grantwire.cli.servers import Servers
from grantwire.cli.settings import TOKEN_FILE, Target
from grantwire.cli.simulated import RULES, SCIM_ALLOWED
from grantwire.local.process import Child, Program, tail
from grantwire.telemetry import monotonic

_READY_WITHIN, _POLL, _PATIENCE = 60.0, 0.1, 10.0


@dataclass
class Children:
    """The processes by service. ``api`` is where the one of the api listens; ``logins`` what only one of them is
    told."""

    environment: Mapping[str, str]
    logins: Callable[[str], Mapping[str, str]]
    logs: Path
    api: Target
    running: dict[str, Child] = field(default_factory=dict)

    async def start(self, name: str) -> int:
        """A new process of a service; its pid."""
        argv = (sys.executable, "-m", "grantwire.cli.main", "run", name)
        program = Program(argv, self.log(name), {**self.environment, **self.logins(name)}, signal.SIGTERM)
        self.running[name] = await Child.spawn(program)
        return self.running[name].pid

    async def kill(self, name: str) -> tuple[int, int]:
        """SIGKILL, and a new process at once; the pids of both."""
        victim = self.running.pop(name)
        victim.send(signal.SIGKILL)
        await victim.exited()
        return victim.pid, await self.start(name)

    async def stop(self) -> None:
        """All of them, in good order where they still can."""
        await asyncio.gather(*(each.stop(signal.SIGTERM, _PATIENCE) for each in self.running.values()))

    def fallen(self) -> str | None:
        """A service that ended although nobody killed it."""
        return next((name for name, child in self.running.items() if not child.running), None)

    def log(self, name: str) -> Path:
        return self.logs / f"{name}.log"

    async def ready(self) -> None:
        """Wait until the api answers and says that database and bus do. Raises ``Stop`` when a service falls."""
        until = monotonic() + _READY_WITHIN
        async with httpx.AsyncClient(base_url=self.api.url, trust_env=False) as http:
            while not await _healthy(http):
                if (name := self.fallen()) or monotonic() > until:
                    raise self._failed(name or "api")
                await asyncio.sleep(_POLL)

    def _failed(self, name: str) -> Stop:
        said = f"The service {name} did not start: {tail(self.log(name)) or 'it wrote nothing'}."
        return Stop(Exit.FAILED, said, f"Its log is {self.log(name)}.")


@asynccontextmanager
async def children(servers: Servers, port: int) -> AsyncIterator[Children]:
    """Every service of the catalogue against these servers, ready; stopped afterwards."""
    api = Target(f"http://127.0.0.1:{port}", servers.token, servers.traces, servers.state.path)
    found = Children(_environment(servers, port), partial(_login, servers), servers.state.folder("logs"), api)
    try:
        await asyncio.gather(*(found.start(name) for name in SERVICES))
        await found.ready()
        yield found
    finally:
        await found.stop()


def _environment(servers: Servers, port: int) -> dict[str, str]:
    told = {
        "GRANTWIRE_DATABASE_URL": servers.database_url,
        "GRANTWIRE_API_PORT": str(port),
        "GRANTWIRE_ADMIN_TOKEN_FILE": str(servers.state.path / TOKEN_FILE),
    }
    keys = _variables(servers.keys.given())
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GRANTWIRE_")}
    allowed = {name: os.environ[name] for name in (SCIM_ALLOWED, RULES) if name in os.environ}
    traces = {"OTEL_EXPORTER_OTLP_ENDPOINT": servers.traces} if servers.traces else {}
    return kept | told | keys | allowed | traces


def _login(servers: Servers, name: str) -> dict[str, str]:
    return _variables(servers.bus(name).given())


def _variables(given: Mapping[str, str]) -> dict[str, str]:
    return {f"GRANTWIRE_{name.upper()}": value for name, value in given.items()}


async def _healthy(http: httpx.AsyncClient) -> bool:
    try:
        return (await http.get("/healthz")).status_code == httpx.codes.OK
    except httpx.HTTPError:
        return False
