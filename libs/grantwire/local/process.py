"""Child processes that cannot outlive this one."""

import asyncio
import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


@dataclass(frozen=True)
class Account:
    """Who a child runs as; a name for messages."""

    uid: int
    gid: int
    name: str


@dataclass(frozen=True)
class Program:
    """A command line and everything the child is given. Nothing is inherited from our environment."""

    argv: Sequence[str]
    log: Path
    env: Mapping[str, str]
    death_signal: signal.Signals
    account: Account | None = None  # None: ours
    stdin: str = ""
    keep: tuple[int, ...] = ()  # file descriptors of ours that it inherits, under the same numbers


class Child:
    """A running program. The kernel sends it `death_signal` when we die, however we die (Linux only)."""

    def __init__(self, process: "subprocess.Popen[bytes]", exited: "asyncio.Future[int]") -> None:
        self._process = process
        self._exited = exited
        self.pid = process.pid

    @classmethod
    async def spawn(cls, program: Program) -> "Child":
        """Start the program. Raises OSError if it cannot be executed."""
        loop = asyncio.get_running_loop()
        started: asyncio.Future[subprocess.Popen[bytes]] = loop.create_future()
        exited: asyncio.Future[int] = loop.create_future()
        # The death signal is sent when the *thread* that forked ends, so this thread lives as long as the child.
        thread = threading.Thread(
            target=_live, args=(program, loop, started, exited), name=f"child {Path(program.argv[0]).name}", daemon=True
        )
        thread.start()
        try:
            return cls(await asyncio.shield(started), exited)
        except asyncio.CancelledError:
            started.add_done_callback(_kill_started)
            raise

    @property
    def running(self) -> bool:
        """Whether it has not been seen to end."""
        return not self._exited.done()

    async def exited(self) -> int:
        """Wait for its end; returns the exit code, negative for a signal."""
        return await asyncio.shield(self._exited)

    def send(self, number: signal.Signals) -> None:
        """Send a signal unless it has ended."""
        if self.running:
            with contextlib.suppress(ProcessLookupError):
                self._process.send_signal(number)

    async def stop(self, number: signal.Signals, patience: float) -> int:
        """Ask it to end with `number`, insist with SIGKILL after `patience` seconds."""
        self.send(number)
        try:
            return await asyncio.wait_for(self.exited(), patience)
        except TimeoutError:
            self.send(signal.SIGKILL)
            return await self.exited()


async def run(program: Program) -> int:
    """Run a program to its end, killing it if the caller is cancelled. Returns the exit code."""
    child = await Child.spawn(program)
    try:
        return await child.exited()
    finally:
        child.send(signal.SIGKILL)


def tail(log: Path, start: int = 0, lines: int = 5) -> str:
    """The last lines a log got after byte `start`, joined by ` | `; empty if it cannot be read."""
    with contextlib.suppress(OSError), log.open("rb") as file:
        file.seek(start)
        return " | ".join(file.read().decode(errors="replace").strip().splitlines()[-lines:])
    return ""


def _kill_started(started: "asyncio.Future[subprocess.Popen[bytes]]") -> None:
    if started.exception() is None:
        started.result().kill()


def _live(
    program: Program,
    loop: asyncio.AbstractEventLoop,
    started: "asyncio.Future[subprocess.Popen[bytes]]",
    exited: "asyncio.Future[int]",
) -> None:
    try:
        process = _popen(program)
    except (OSError, subprocess.SubprocessError) as error:
        _tell(loop, started.set_exception, error)
        return
    _tell(loop, started.set_result, process)
    _feed(process, program.stdin)
    _tell(loop, exited.set_result, process.wait())


def _tell(loop: asyncio.AbstractEventLoop, act: Callable[[Any], object], value: object) -> None:
    with contextlib.suppress(RuntimeError):  # the loop is closed, and nobody is left to listen
        loop.call_soon_threadsafe(act, value)


def _feed(process: "subprocess.Popen[bytes]", text: str) -> None:
    if process.stdin is not None:
        with contextlib.suppress(BrokenPipeError), process.stdin as pipe:
            pipe.write(text.encode())


def _popen(program: Program) -> "subprocess.Popen[bytes]":
    account = program.account
    with os.fdopen(os.open(program.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW, 0o600), "ab") as log:
        return subprocess.Popen(
            program.argv,
            env=dict(program.env),
            cwd="/",
            stdin=subprocess.PIPE if program.stdin else subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            user=account.uid if account else None,
            group=account.gid if account else None,
            extra_groups=[] if account else None,
            pass_fds=program.keep,
            start_new_session=True,  # Ctrl-C in the terminal reaches us, and we stop the servers in order
            preexec_fn=_bind_to_parent(os.getpid(), program.death_signal),
        )


def _bind_to_parent(parent: int, number: signal.Signals) -> Callable[[], None]:
    """Runs in the child after it has become the other account, which would have cleared the setting."""

    def bind() -> None:
        if _LIBC is not None:
            _LIBC.prctl(_PR_SET_PDEATHSIG, int(number), 0, 0, 0)
            if os.getppid() != parent:  # it died between the fork and the line above
                os._exit(1)

    return bind
