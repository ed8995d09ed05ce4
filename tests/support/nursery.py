"""Processes of ours that need not read their modules first: forked from one that has read them all, and nothing else.

A service takes two seconds of a processor to import, a test needs ten of them, and each is otherwise a process like any
other: its own arguments, environment, working directory, files and end.
"""

import atexit
import ctypes
import gc
import importlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import IO, Any, Final

GRANTWIRE: Final = str(Path(sys.executable).with_name("grantwire"))
_ENTRIES: Final = {
    GRANTWIRE: "grantwire.cli.main",
    "grantwire.local": "grantwire.local.__main__",
    "grantwire.sandbox": "grantwire.sandbox.__main__",
}
# What is read late otherwise, by those who need it.
_LATE: Final = ("alembic.command", "sqlalchemy.dialects.postgresql", "uvicorn.protocols.http.auto", "yaml", "uvloop")
_LONGEST: Final = 65_536 * 4  # bytes of a request: arguments and an environment
_PR_SET_PDEATHSIG: Final = 1


class Forked:
    """What tests use of ``subprocess.Popen``."""

    def __init__(self, nursery: "Nursery", pid: int, pipes: Mapping[str, IO[Any]]) -> None:
        self.pid, self.returncode = pid, None
        self.stdout, self.stderr = pipes.get("stdout"), pipes.get("stderr")
        self._nursery = nursery
        self._ended = os.pidfd_open(pid)  # it stays a zombie until somebody asks how it ended
        self._lock = threading.Lock()

    returncode: int | None

    def poll(self) -> int | None:
        """The exit code, negative for a signal; None while it runs."""
        with self._lock:
            if self.returncode is None and select.select([self._ended], [], [], 0)[0]:
                self._reap()
            return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Raises ``subprocess.TimeoutExpired``."""
        if self.returncode is None and not select.select([self._ended], [], [], timeout)[0]:
            raise subprocess.TimeoutExpired(str(self.pid), timeout or 0.0)
        code = self.poll()
        assert code is not None
        return code

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            signal.pidfd_send_signal(self._ended, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def _reap(self) -> None:
        self.returncode = int(self._nursery.ask({"reap": self.pid}))
        os.close(self._ended)

    def __enter__(self) -> "Forked":
        return self

    def __exit__(self, *_: object) -> None:
        for pipe in (self.stdout, self.stderr):
            if pipe is not None:
                pipe.close()
        self.wait()


class Nursery:
    """The process that others are forked from."""

    def __init__(self) -> None:
        self._channel, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._lock = threading.Lock()
        for end in (self._channel, theirs):
            end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _LONGEST)
        command = [sys.executable, "-P", __file__, str(theirs.fileno())]
        self._process = subprocess.Popen(command, pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL)
        theirs.close()
        if not self._channel.recv(1):
            raise RuntimeError("what tests fork their processes from did not start; it says above why")
        atexit.register(self._end)

    def ask(self, request: dict[str, Any], files: Sequence[int] = ()) -> str:
        with self._lock:
            socket.send_fds(self._channel, [json.dumps(request).encode()], files)
            return self._channel.recv(100).decode()

    def _end(self) -> None:
        self._channel.close()
        self._process.wait(30)


@cache
def _nursery() -> Nursery:
    return Nursery()


def start(
    command: Sequence[str],
    *,
    env: Mapping[str, str] | None = None,
    stdin: int | IO[Any] = subprocess.DEVNULL,
    stdout: int | IO[Any] | None = None,
    stderr: int | IO[Any] | None = None,
    text: bool = False,
) -> Forked:
    """Like ``subprocess.Popen``, of ``GRANTWIRE``, ``grantwire.local``, ``grantwire.sandbox`` or another module with a
    ``main``, and its arguments. ``PIPE`` is for what it writes."""
    nursery, pipes, files, ours = _nursery(), {}, [], []
    for name, given in (("stdin", stdin), ("stdout", stdout), ("stderr", stderr)):
        if given is subprocess.PIPE:
            reads, writes = os.pipe()
            pipes[name] = os.fdopen(reads, "r" if text else "rb")
            ours.append(writes)
            files.append(writes)
        elif given is subprocess.DEVNULL:
            ours.append(os.open(os.devnull, os.O_RDWR))
            files.append(ours[-1])
        else:
            files.append(_number(given, name))
    job = {"argv": [*map(str, command)], "env": dict(os.environ if env is None else env), "cwd": os.getcwd()}
    try:
        pid = int(nursery.ask({"start": job}, files))
    finally:
        for each in ours:
            os.close(each)
    return Forked(nursery, pid, pipes)


def run(
    command: Sequence[str], *, env: Mapping[str, str] | None = None, timeout: float = 90, check: bool = False
) -> "subprocess.CompletedProcess[str]":
    """Like ``subprocess.run``, with what it wrote as text."""
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
        process = start(command, env=env, stdout=out, stderr=err)
        try:
            code = process.wait(timeout)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(10)
            raise
        for each in (out, err):
            each.seek(0)
        done = subprocess.CompletedProcess(list(command), code, out.read(), err.read())
    if check:
        done.check_returncode()
    return done


def _number(given: int | IO[Any] | None, name: str) -> int:
    if given is None:
        return {"stdout": 1, "stderr": 2}[name]
    return given if isinstance(given, int) else given.fileno()


# --- in the process that others are forked from ----------------------------------------------------------------------


def _serve(channel: socket.socket) -> Callable[[], Any] | None:
    """Until nobody is left to ask; in a child, what the child is to do."""
    channel.send(b".")
    while True:
        said, files, _, _ = socket.recv_fds(channel, _LONGEST, 3)
        if not said:
            return None
        request = json.loads(said)
        if "reap" in request:
            _, status = os.waitpid(request["reap"], 0)
            channel.send(str(os.waitstatus_to_exitcode(status)).encode())
            continue
        parent = os.getpid()
        if (pid := os.fork()) == 0:
            channel.close()
            return _become(request["start"], files, parent)
        channel.send(str(pid).encode())
        for each in files:
            os.close(each)


def _become(job: dict[str, Any], files: Sequence[int], parent: int) -> Callable[[], Any]:
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
    if os.getppid() != parent:  # it ended between the fork and the line above
        os._exit(1)
    for number, file in enumerate(files):
        os.dup2(file, number)
        os.close(file)
    os.environ.clear()
    os.environ.update(job["env"])
    os.chdir(job["cwd"])
    signal.signal(signal.SIGINT, signal.default_int_handler)
    sys.argv = job["argv"]
    named = job["argv"][0]
    entry: Callable[[], Any] = importlib.import_module(_ENTRIES.get(named, named)).main
    return entry


def _read() -> None:
    """All that any of them reads."""
    for name in (*_ENTRIES.values(), *_LATE):
        importlib.import_module(name)
    catalog = importlib.import_module("grantwire.cli.catalog")
    catalog.load_services()
    importlib.import_module("opentelemetry.instrumentation.botocore")
    assert threading.active_count() == 1, "a thread of this process would be missing in its children"
    gc.collect()
    gc.freeze()


if __name__ == "__main__":
    sys.path.append(str(Path(__file__).parents[2]))
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all of us; who asked for us ends us
    _read()
    if (what := _serve(socket.socket(fileno=int(sys.argv[1])))) is not None:
        sys.exit(what())
