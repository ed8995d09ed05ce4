"""What the services need before they can start: state directory, log, trace viewer, Postgres and NATS, in shape."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from grantwire import telemetry
from grantwire.cli import logfile
from grantwire.cli.catalog import load_services
from grantwire.cli.settings import SECRET_KEY_FILE, TOKEN_FILE, Settings
from grantwire.local import LocalStack, StateDir

if TYPE_CHECKING:
    from collections.abc import Callable

    from grantwire.bus import BusSettings
    from grantwire.graph.settings import KeySettings


@dataclass(frozen=True)
class Servers:
    """Running servers and, unless each runs in a process of its own, the modules of the services, ready to be built."""

    state: StateDir
    token: str = field(repr=False)
    database_url: str = field(repr=False)
    nats_url: str = field(repr=False)
    bus: "Callable[[str], BusSettings]"  # where a service finds NATS, and its key
    keys: "KeySettings"
    traces: str | None
    modules: dict[str, Any]
    log: Path | None


@asynccontextmanager
async def servers(
    state: StateDir, settings: Settings, *, traces: bool, verbose: bool, apart: bool = False
) -> AsyncIterator[Servers]:
    """Start them in an opened state directory; stop them in order afterwards. ``apart``: no service runs in here."""
    async with AsyncExitStack() as stack:
        viewer = await _viewer(stack) if traces else None
        log = _listen(stack, state, viewer, verbose=verbose)
        imports = asyncio.create_task(
            asyncio.to_thread(dict if apart else load_services)
        )  # seconds of work while the servers start
        embedded = LocalStack(state, database_url=settings.database_url, nats_url=settings.nats_url)
        try:
            await stack.enter_async_context(embedded)
            modules = await imports
        finally:
            await asyncio.gather(imports, return_exceptions=True)
        token, keys = state.read_or_create_secret(TOKEN_FILE.name), _keys(state)
        logins = partial(login_of, state, settings.nats_url)
        await _in_shape(embedded, keys, logins("admin"))
        yield Servers(state, token, embedded.database_url, embedded.nats_url, logins, keys, viewer, modules, log)


async def _viewer(stack: AsyncExitStack) -> str:
    from grantwire.local.traces import serve

    viewer = await stack.enter_async_context(serve())
    return viewer.url


def _listen(stack: AsyncExitStack, state: StateDir, viewer: str | None, *, verbose: bool) -> Path | None:
    """Switch logs and traces on. Spans that are still queued are sent before the viewer goes."""
    switched = telemetry.setup("grantwire", endpoint=viewer, log_format="console" if verbose else "json")
    stack.push_async_callback(asyncio.to_thread, switched.shutdown)
    if verbose:
        return None
    log = logfile.path_in(state)
    logfile.into_file(log)
    return log


def _keys(state: StateDir) -> "KeySettings":
    """The keys that the environment gives, or else those in the state directory: one is made at first use."""
    from grantwire.graph.settings import KeySettings

    if (given := KeySettings()).keys():
        return given
    state.read_or_create_secret(SECRET_KEY_FILE.name)
    return KeySettings(secret_key_file=state.path / SECRET_KEY_FILE)


def login_of(state: StateDir, given: str | None, identity: str) -> "BusSettings":
    """As whom an identity comes: by its own key, unless the URL or the environment says for all as whom. A server that
    wants no key is not sent one."""
    from grantwire.bus import BusSettings
    from grantwire.local import Nats

    nats = Nats(state)
    own = nats.keyring.seed_file(identity)
    if given is None:
        return BusSettings(nats_url=nats.address, nats_nkey=None, nats_nkey_file=own)
    told = BusSettings(nats_url=given)
    if "@" in given or told.nats_nkey or told.nats_nkey_file:
        return told
    return BusSettings(nats_url=given, nats_nkey_file=own)


async def _in_shape(embedded: LocalStack, keys: "KeySettings", admin: "BusSettings") -> None:
    """Tables and streams as this version needs them, secrets under the newest key."""
    from grantwire import bus
    from grantwire.graph import Graph, migrate, resealing

    await asyncio.gather(migrate.upgrade(embedded.database_url), bus.apply(admin.nats_url, seed=admin.seed()))
    async with Graph.open(embedded.database_url, application_name="cli", keys=keys.keys()) as graph:
        await resealing.rotate(graph)
