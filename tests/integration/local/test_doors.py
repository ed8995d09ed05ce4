"""Who gets in: the right password on loopback, nobody else."""

import asyncio
import os
import stat
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import nats
import nats.errors
import pytest
from opentelemetry.instrumentation.asyncpg import AsyncPGInstrumentor

from grantwire.local import connect
from grantwire.local.traces import serve
from grantwire.telemetry import instrument, setup, span

Running = dict[str, str]


def with_password(url: str, password: str, user: str = "grantwire") -> str:
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=f"{user}:{password}@{parts.hostname}:{parts.port}"))


async def test_postgres_refuses_a_wrong_password(running: Running) -> None:
    with pytest.raises(asyncpg.InvalidPasswordError):
        await connect(with_password(running["database_url"], "wrong"))


async def test_postgres_refuses_its_superuser_without_a_password(running: Running) -> None:
    with pytest.raises(asyncpg.InvalidPasswordError):
        await connect(with_password(running["database_url"], "", user="postgres"))


async def test_the_unix_socket_wants_the_password_too(running: Running) -> None:
    parts = urlsplit(running["database_url"])
    with pytest.raises((asyncpg.InvalidPasswordError, PermissionError)):
        await asyncpg.connect(host=f"{running['path']}/postgres", port=parts.port, user="grantwire", password="wrong")


async def test_nats_refuses_a_wrong_password(running: Running) -> None:
    with pytest.raises(nats.errors.Error):
        await nats.connect(with_password(running["nats_url"], "wrong"), allow_reconnect=False)


async def test_the_database_is_safe_and_the_role_is_not_a_superuser(running: Running) -> None:
    connection = await connect(running["database_url"])
    expected = {
        "fsync": "on",
        "full_page_writes": "on",
        "synchronous_commit": "on",
        "data_checksums": "on",
        "jit": "off",
        "listen_addresses": "127.0.0.1",
        "password_encryption": "scram-sha-256",
        "server_encoding": "UTF8",
    }
    for name, value in expected.items():
        assert await connection.fetchval("SELECT current_setting($1)", name) == value
    role = await connection.fetchrow(
        "SELECT rolsuper, rolcreatedb, rolcreaterole FROM pg_roles WHERE rolname = current_user"
    )
    assert role is not None
    assert tuple(role) == (False, True, True)
    await connection.close()


async def test_the_role_may_make_databases_from_templates_and_roles_of_its_own(running: Running) -> None:
    connection = await connect(running["database_url"])
    await connection.execute("CREATE DATABASE first")
    await connection.execute("CREATE DATABASE second TEMPLATE first")
    await connection.execute("CREATE ROLE reader NOLOGIN")
    await connection.execute("CREATE SCHEMA own; GRANT USAGE ON SCHEMA own TO reader")
    await connection.close()


def test_nobody_else_can_read_anything(running: Running) -> None:
    top = Path(running["path"])
    assert stat.S_IMODE(top.stat().st_mode) == (0o711 if os.geteuid() == 0 else 0o700)
    for path in (*(top / "secrets").iterdir(), top / "nats" / "nats.conf", top / "lock", top / "version"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path
    for folder in (path for path in top.iterdir() if path.is_dir() and path.name != "engine"):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700, folder
    assert stat.S_IMODE((top / "postgres" / "data").stat().st_mode) == 0o700


def test_no_password_reaches_a_log_or_a_command_line(running: Running) -> None:
    top = Path(running["path"])
    secrets = [path.read_text().strip() for path in (top / "secrets").iterdir()]
    texts = [path.read_text() for path in (top / "logs").iterdir()]
    texts += [Path(f"/proc/{running[name]}/cmdline").read_text() for name in ("postgres_pid", "nats_pid")]
    texts += [Path(f"/proc/{running[name]}/environ").read_text() for name in ("postgres_pid", "nats_pid")]
    assert len(secrets) >= 3
    assert not [secret for secret in secrets for text in texts if secret in text]


async def test_statements_are_spans_of_the_service_at_work_without_their_parameters(running: Running) -> None:
    async with serve() as viewer:
        handle = setup("up", endpoint=viewer.url)
        instrument(asyncpg=True)
        connection = await connect(running["database_url"])
        with span("projector", "apply"):
            await connection.fetchval("SELECT $1::text", "a-private-value")
        await connection.close()
        await asyncio.to_thread(handle.shutdown)
        AsyncPGInstrumentor().uninstrument()  # type: ignore[no-untyped-call]
        [trace] = [each for each in viewer.store.latest() if each.title == "apply"]
        statement = next(each for each in trace.spans.values() if each.name.startswith("SELECT"))
        assert statement.service == "projector"
        assert "a-private-value" not in str(statement)
