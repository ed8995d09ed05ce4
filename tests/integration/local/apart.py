"""The local stack as a process of its own, under any account, to be killed and looked at from outside."""

import asyncio
import json
import os
import pwd
import signal
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]


@dataclass
class Apart:
    """A `python -m grantwire.local` that said it is ready."""

    process: asyncio.subprocess.Process
    database_url: str
    nats_url: str
    postgres_pid: int
    nats_pid: int

    async def kill(self) -> None:
        """End the parent without giving it a chance to stop its children."""
        self.process.send_signal(signal.SIGKILL)
        await self.process.wait()


@asynccontextmanager
async def stack_apart(path: Path, uid: int | None = None, before: str = "") -> AsyncIterator[Apart]:
    """Start the stack on `path`, stop it at the end. `before` goes first on the module path."""
    process = await spawn(path, uid, before)
    try:
        assert process.stdout is not None
        line = await asyncio.wait_for(process.stdout.readline(), 60)
        assert line, f"it did not start: {await errors_of(process)}"
        yield Apart(process, **json.loads(line))
    finally:
        with suppress(ProcessLookupError):
            process.terminate()
        await process.wait()


async def spawn(path: Path, uid: int | None = None, before: str = "") -> asyncio.subprocess.Process:
    """Start `python -m grantwire.local` without waiting for it."""
    return await asyncio.create_subprocess_exec(
        *command(uid, "-m", "grantwire.local", "--state-dir", str(path)),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd="/",
        env=environment(before),
        user=uid,
        group=uid,
        extra_groups=None if uid is None else [],
    )


async def errors_of(process: asyncio.subprocess.Process) -> str:
    """What it wrote to stderr, once it has ended."""
    assert process.stderr is not None
    return (await asyncio.wait_for(process.stderr.read(), 60)).decode()


def environment(before: str = "") -> dict[str, str]:
    """Modules from this checkout and this environment, whatever interpreter runs them."""
    places = [before, str(ROOT / "libs"), str(ROOT / "services"), sysconfig.get_path("purelib")]
    return {"PYTHONPATH": os.pathsep.join(filter(None, places)), "HOME": "/nonexistent", "PATH": "/usr/bin:/bin"}


def command(uid: int | None, *arguments: str) -> list[str]:
    """A command line for an interpreter that the account can execute; skips the test if there is none."""
    return [sys.executable if uid is None else interpreter_for(uid), *arguments]


def interpreter_for(uid: int) -> str:
    """This interpreter, or the system's of the same version, whichever `uid` can run with our modules."""
    system = f"/usr/bin/python{sys.version_info.major}.{sys.version_info.minor}"
    for python in (sys.executable, system):
        with suppress(OSError):
            done = subprocess.run(
                [python, "-c", "import grantwire.local.supervisor, asyncpg, pydantic_core"],
                env=environment(),
                cwd="/",
                user=uid,
                group=uid,
                extra_groups=[],
                capture_output=True,
            )
            if done.returncode == 0:
                return python
    pytest.skip(f"uid {uid} can execute neither {sys.executable} nor {system} with this environment's modules")


@contextmanager
def folder_of(uid: int | None = None) -> Iterator[Path]:
    """A new directory that belongs to `uid`, in a place every account can reach."""
    with tempfile.TemporaryDirectory(prefix="grantwire-test-", dir="/tmp", ignore_cleanup_errors=True) as name:
        path = Path(name)
        if uid is not None:
            os.chown(path, uid, uid)
        yield path


def require_root() -> None:
    """Skip unless this process may become another account."""
    if os.geteuid() != 0:
        pytest.skip("only root can run something as another account")


def nobody() -> int:
    """The uid of `nobody`; skips the test where there is none."""
    require_root()
    try:
        return pwd.getpwnam("nobody").pw_uid
    except KeyError:
        pytest.skip("there is no account `nobody`")


def is_running(pid: int) -> bool:
    """Whether a process is there and not merely waiting to be collected."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state not in "ZX"


def gone(pid: int) -> bool:
    """Whether a process has ended."""
    return not is_running(pid)
