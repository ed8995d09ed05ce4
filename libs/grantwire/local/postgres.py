"""The local Postgres: made once, started as a direct child, reachable on loopback with a password only."""

import asyncio
import os
import shutil
import signal
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from grantwire.local import engine, process
from grantwire.local.engine import Engine
from grantwire.local.errors import NotWritable, OtherMajor, ServerFailed
from grantwire.local.ports import LOOPBACK
from grantwire.local.process import Account, Child, Program, tail
from grantwire.local.server import claim_port, until_ready
from grantwire.local.state import StateDir
from grantwire.telemetry.clock import monotonic

if TYPE_CHECKING:
    import asyncpg

USER = "grantwire"
DATABASE = "grantwire"
SUPERUSER = "postgres"

_PATIENCE = 30.0  # seconds for crash recovery after a power cut
_STOP_SECONDS = 20.0
_MAX_SOCKET_PATH = 107  # the kernel's limit for a unix socket address
_KEEP_LOG_BYTES = 10_000_000
# What a postmaster says while the one before it is still going away. Anything else will not pass by waiting.
_PASSING = ("pre-existing shared memory block", "lock file", "could not bind", "Address already in use")


class Postgres:
    """A Postgres in a state directory, which must be open."""

    name = "postgres"

    def __init__(self, state: StateDir, *, max_connections: int = 200) -> None:
        self._state = state
        self._max_connections = max_connections
        self._home = state.path / "postgres"
        self._data = self._home / "data"
        self._engine: Engine | None = None
        self._door: int | None = None

    @property
    def url(self) -> str:
        """`postgresql://...`, for the role that owns the database and may create roles and databases."""
        return self._url(USER, "postgres-password")

    @property
    def superuser_url(self) -> str:
        """For repairs by hand; services never use it."""
        return self._url(SUPERUSER, "postgres-superuser-password")

    async def prepare(self) -> None:
        """Create the database on the first start. Raises StateError, OtherMajor among them."""
        self._engine = await asyncio.to_thread(engine.find_engine, self._state.path, self._data)
        self._make_home(self._engine.account)
        if not self._engine.way_open and self._door is None:
            self._door = os.open(self._home, os.O_RDONLY | os.O_DIRECTORY)
        if self._data.exists():
            self._check_major(self._engine.major)
        else:
            await self._initialize(self._engine)

    async def start(self) -> Child:
        """Start and wait until connections are accepted; patient with a predecessor that is still going away."""
        port = await claim_port(self._state, self.name)
        deadline = monotonic() + _PATIENCE
        while True:
            begun = self._log_size()
            try:
                return await self._start_once(port, begun)
            except ServerFailed:
                if monotonic() > deadline or not self._may_pass(begun):
                    raise
            await asyncio.sleep(0.1)

    async def stop(self, child: Child) -> None:
        """Fast shutdown: sessions are ended, everything committed is on disk."""
        await child.stop(signal.SIGINT, _STOP_SECONDS)
        if self._door is not None:
            os.close(self._door)
            self._door = None

    def _seen(self, path: Path) -> str:
        """How Postgres's account gets to a path below its home: where it may not walk there, through an open door.

        An inherited descriptor of the home needs no permission on the folders above it (proc(5), /proc/pid/fd).
        """
        if self._door is None:
            return str(path)
        return str(Path(f"/proc/self/fd/{self._door}") / path.relative_to(self._home))

    @property
    def _log(self) -> Path:
        # Not in the data owner's folder: root must not open files where another account could plant a link.
        return self._state.folder("logs") / "postgres.log"

    async def _start_once(self, port: int, begun: int) -> Child:
        child = await Child.spawn(self._program("postgres", self._options(port)))
        try:
            await until_ready("Postgres", child, lambda: self._is_ready(child.pid), self._log, begun, _PATIENCE)
        except BaseException:
            await child.stop(signal.SIGINT, _STOP_SECONDS)
            raise
        return child

    def _url(self, user: str, secret: str) -> str:
        password = self._state.read_or_create_secret(secret)
        return f"postgresql://{user}:{password}@{LOOPBACK}:{self._state.port(self.name)}/{DATABASE}?sslmode=disable"

    def _make_home(self, account: Account | None) -> None:
        if not self._home.exists():
            try:
                self._home.mkdir(mode=0o700)
                if account is not None:
                    os.chown(self._home, account.uid, account.gid)
            except OSError as error:
                raise NotWritable(self._state.path, str(error)) from error
        if self._log_size() > _KEEP_LOG_BYTES:
            self._log.replace(self._log.with_suffix(".log.1"))

    def _check_major(self, ours: str) -> None:
        found = (self._data / "PG_VERSION").read_text().strip()
        if found != ours:
            raise OtherMajor(self._data, found, ours, DATABASE)

    async def _initialize(self, engine: Engine) -> None:
        """Make the data directory under another name: one that has the right name is complete."""
        new = self._home / "data.new"
        password_file = self._home / "initial-password"
        await asyncio.to_thread(shutil.rmtree, new, ignore_errors=True)
        try:
            self._write_password(password_file, engine.account)
            await self._run("initdb", _initdb_options(self._seen(new), self._seen(password_file)))
        finally:
            password_file.unlink(missing_ok=True)
        await self._run("postgres", ["--single", "-D", self._seen(new), "postgres"], stdin=self._first_statements())
        new.rename(self._data)

    def _write_password(self, path: Path, account: Account | None) -> None:
        path.unlink(missing_ok=True)
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        with os.fdopen(file, "w") as text:
            text.write(self._state.read_or_create_secret("postgres-superuser-password"))
            if account is not None:
                os.fchown(file, account.uid, account.gid)

    def _first_statements(self) -> str:
        password = self._state.read_or_create_secret("postgres-password")  # URL-safe: no quote in it
        return (
            f"CREATE ROLE {USER} LOGIN CREATEDB CREATEROLE PASSWORD '{password}'\n"
            f"CREATE DATABASE {DATABASE} OWNER {USER}\n"
        )

    async def _run(self, name: str, options: Sequence[str], stdin: str = "") -> None:
        begun = self._log_size()
        code = await process.run(self._program(name, options, stdin))
        # A single-user server reports a failed statement in its output only.
        if code != 0 or b"ERROR:" in self._log.read_bytes()[begun:]:
            raise ServerFailed("Postgres", f"could not be set up ({name}: code {code})", self._log, self._said(begun))

    def _program(self, name: str, options: Sequence[str], stdin: str = "") -> Program:
        assert self._engine is not None, "prepare() comes first"
        env = {"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "HOME": str(self._home), "TZ": "UTC"}
        argv = [self._engine.program(name), *options]
        keep = () if self._door is None else (self._door,)
        return Program(argv, self._log, env, signal.SIGINT, self._engine.account, stdin, keep)

    def _options(self, port: int) -> list[str]:
        settings = {
            "listen_addresses": LOOPBACK,
            "port": str(port),
            "unix_socket_directories": self._socket_folder(port),
            "unix_socket_permissions": "0700",
            "max_connections": str(self._max_connections),
            "jit": "off",  # compiles queries of milliseconds for hundreds of milliseconds
            "password_encryption": "scram-sha-256",
            "timezone": "UTC",
            "log_timezone": "UTC",
        }
        return ["-D", self._seen(self._data), *(word for pair in settings.items() for word in ("-c", "=".join(pair)))]

    def _socket_folder(self, port: int) -> str:
        """Beside the data, in a folder only Postgres's account can enter; none if blocked or too long."""
        fits = len(os.fsencode(self._home / f".s.PGSQL.{port}")) <= _MAX_SOCKET_PATH
        return str(self._home) if fits and self._door is None else ""

    async def _is_ready(self, pid: int) -> bool:
        # After a kill the file of the dead postmaster still says "ready", so it must also be about this one.
        try:
            lines = (self._data / "postmaster.pid").read_text().splitlines()
        except OSError:
            return False
        return len(lines) >= 8 and lines[0].strip() == str(pid) and lines[7].strip() == "ready"

    def _log_size(self) -> int:
        return self._log.stat().st_size if self._log.exists() else 0

    def _said(self, begun: int) -> str:
        return tail(self._log, begun).replace(self._state.read_or_create_secret("postgres-password"), "***")

    def _may_pass(self, begun: int) -> bool:
        return any(reason in tail(self._log, begun, lines=20) for reason in _PASSING)


async def connect(url: str, **options: Any) -> "asyncpg.Connection[asyncpg.Record]":
    """An asyncpg connection without TLS.

    Left to itself asyncpg looks for keys in $HOME, which is an error in a process that changed its account.
    """
    import asyncpg

    return await asyncpg.connect(url, ssl=False, **options)


def _initdb_options(data: str, password_file: str) -> list[str]:
    return [
        f"--pgdata={data}",
        f"--username={SUPERUSER}",
        f"--pwfile={password_file}",
        "--auth=scram-sha-256",
        "--encoding=UTF8",
        "--locale=C.UTF-8",
        "--data-checksums",
    ]
