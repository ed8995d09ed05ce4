"""Both local servers, started together, started again when they die, stopped in order."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from contextlib import AsyncExitStack, suppress
from types import TracebackType

import structlog

from grantwire.local.errors import StateError
from grantwire.local.nats import Nats
from grantwire.local.postgres import Postgres
from grantwire.local.process import Child
from grantwire.local.server import Server
from grantwire.local.state import StateDir
from grantwire.telemetry.clock import monotonic
from grantwire.telemetry.metrics import Recorder

_FIRST_PAUSE = 0.1
_LONGEST_PAUSE = 5.0
_STEADY_SECONDS = 30.0  # one that ran this long did not die of starting

_log = structlog.get_logger(__name__)


class Supervised:
    """One server that is kept running."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self._child: Child | None = None
        self._changed = asyncio.Condition()
        self._watch: asyncio.Task[None] | None = None
        self._recorder = Recorder("local")

    @property
    def pid(self) -> int | None:
        """The pid while it serves."""
        return self._child.pid if self._child else None

    async def start(self) -> None:
        """Start it for the first time. Raises StateError."""
        await self.server.prepare()
        self._child = await self.server.start()
        self._watch = asyncio.create_task(self._keep_running(self._child), name=f"keep {self.server.name} running")

    async def stop(self) -> None:
        """Stop it, and stop starting it again."""
        if self._watch is not None:
            self._watch.cancel()
            with suppress(asyncio.CancelledError):
                await self._watch
        if self._child is not None:
            await self.server.stop(self._child)
            self._child = None

    async def serving(self, other_than: int | None = None) -> int:
        """Wait until it serves under a pid other than the given one; returns that pid."""
        async with self._changed:
            await self._changed.wait_for(lambda: self.pid not in (None, other_than))
        assert self._child is not None
        return self._child.pid

    async def _keep_running(self, child: Child) -> None:
        pause = _FIRST_PAUSE
        while True:
            begun = monotonic()
            code = await child.exited()
            self._child = None
            if monotonic() - begun > _STEADY_SECONDS:
                pause = _FIRST_PAUSE
            _log.warning("local server died, starting it again", server=self.server.name, pid=child.pid, code=code)
            child = await self._start_again(pause)
            pause = min(pause * 2, _LONGEST_PAUSE)

    async def _start_again(self, pause: float) -> Child:
        while True:
            await asyncio.sleep(pause)
            try:
                self._child = child = await self.server.start()
            except (StateError, OSError) as error:
                _log.error("local server does not start", server=self.server.name, error=str(error))
                pause = min(pause * 2, _LONGEST_PAUSE)
                continue
            self._recorder.count("grantwire.local.restarts", server=self.server.name)
            _log.info("local server is back", server=self.server.name, pid=child.pid)
            async with self._changed:
                self._changed.notify_all()
            return child


class LocalStack:
    """The servers Grantwire needs, for one machine. A URL passed in means that server runs elsewhere.

    `async with LocalStack(state) as stack:` raises StateError if a server cannot be started.
    """

    def __init__(
        self,
        state: StateDir,
        *,
        postgres: bool = True,
        nats: bool = True,
        database_url: str | None = None,
        nats_url: str | None = None,
        make_postgres: Callable[[StateDir], Server] = Postgres,
        make_nats: Callable[[StateDir], Server] = Nats,
    ) -> None:
        self.state = state
        self._urls = {"postgres": database_url, "nats": nats_url}
        wanted = {
            "postgres": make_postgres if postgres and database_url is None else None,
            "nats": make_nats if nats and nats_url is None else None,
        }
        self._servers = {name: Supervised(make(state)) for name, make in wanted.items() if make}
        self._exit = AsyncExitStack()

    @property
    def database_url(self) -> str:
        """Where the database is, password included. Raises LookupError if the stack has none."""
        return self._url("postgres")

    @property
    def nats_url(self) -> str:
        """Where NATS is, password included. Raises LookupError if the stack has none."""
        return self._url("nats")

    def pids(self) -> dict[str, int]:
        """The pid of each server that serves right now, by name (`postgres`, `nats`)."""
        return {name: each.pid for name, each in self._servers.items() if each.pid is not None}

    async def serving(self, name: str, other_than: int | None = None) -> int:
        """Wait until a server of ours serves, after a kill under another pid than before; returns the pid."""
        return await self._servers[name].serving(other_than)

    async def __aenter__(self) -> "LocalStack":
        async with AsyncExitStack() as undo:
            undo.enter_context(self.state)
            for each in self._servers.values():
                undo.push_async_callback(each.stop)
            await _all(each.start() for each in self._servers.values())
            self._exit = undo.pop_all()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._exit.aclose()

    def _url(self, name: str) -> str:
        if name in self._servers:
            return self._servers[name].server.url
        url = self._urls[name]
        if url is None:
            raise LookupError(f"this stack has no {name}")
        return url


async def _all(starting: Iterable[Awaitable[None]]) -> None:
    """Run all to their end, then raise the first failure: none is left half started."""
    results = await asyncio.gather(*starting, return_exceptions=True)
    for result in results:
        if isinstance(result, BaseException):
            raise result
