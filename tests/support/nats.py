"""A real nats-server for a test: its own port and store, killed and started again at will."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from grantwire.local.ports import choose

_PATIENCE = 60.0
_BINARY = Path(sys.prefix) / "bin" / "nats-server"


class NatsServer:
    """Use it as a context manager. ``config`` is added to the configuration, for example an ``authorization`` block."""

    def __init__(self, config: str = "", max_payload: int | None = None) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="grantwire-nats-"))
        self._extra = config + (f"\nmax_payload: {max_payload}\n" if max_payload else "")
        self._child: subprocess.Popen[bytes] | None = None
        self.port = choose()

    @property
    def url(self) -> str:
        return f"nats://127.0.0.1:{self.port}"

    @property
    def store(self) -> Path:
        """Where it keeps its streams."""
        return self._folder / "store"

    @property
    def pid(self) -> int:
        assert self._child
        return self._child.pid

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()
        shutil.rmtree(self._folder, ignore_errors=True)

    def start(self) -> None:
        """Start on the same port and store as before; returns when it greets."""
        config = self._configure()
        # its output must not be ours: whoever reads our pipe would wait for the server to end
        self._child = subprocess.Popen(
            [str(_BINARY), "-c", str(config), "-l", str(self._folder / "log")],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self._wait()

    def rewrite(self, config: str) -> None:
        """Another ``config``, for whoever reloads it."""
        self._extra = config
        self._configure()

    def kill(self) -> None:
        """kill -9: nothing is flushed or said."""
        if self._child:
            self._child.send_signal(signal.SIGCONT)
            self._child.kill()
            self._child.wait()
            self._child = None

    def stop(self) -> None:
        """In good order."""
        if self._child:
            self._child.terminate()
            self._child.wait()
            self._child = None

    def restart(self) -> None:
        self.kill()
        self.start()

    def pause(self) -> None:
        """Stop it from running without closing its connections."""
        os.kill(self.pid, signal.SIGSTOP)

    def resume(self) -> None:
        os.kill(self.pid, signal.SIGCONT)

    def log(self) -> str:
        return (self._folder / "log").read_text()

    def _configure(self) -> Path:
        config = self._folder / "nats.conf"
        config.write_text(
            f"listen: 127.0.0.1:{self.port}\n"
            f"jetstream {{ store_dir: {json.dumps(str(self.store))}, sync_interval: always,"
            f" max_file_store: 1TB }}\n{self._extra}\n"
        )
        return config

    def _wait(self) -> None:
        deadline = time.monotonic() + _PATIENCE
        while not _greets(self.port):
            assert self._child and self._child.poll() is None, f"nats-server did not start: {self.log()}"
            assert time.monotonic() < deadline, f"nats-server is not ready: {self.log()}"
            time.sleep(0.005)


def _greets(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
            return connection.recv(4) == b"INFO"
    except OSError:
        return False
