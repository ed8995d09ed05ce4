"""The state directory: one owner, one process at a time, one known layout, secrets nobody else can read."""

import fcntl
import os
import secrets
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType

from grantwire.local import ports
from grantwire.local.errors import Locked, NotOurs, NotWritable, OtherLayout

LAYOUT = 1
_IGNORED = {"lost+found"}  # a fresh volume is not empty, but nobody's either


def _random() -> str:
    return secrets.token_urlsafe(32)


class StateDir:
    """A directory of ours on disk. Open it before use; while it is open no other process can open it."""

    def __init__(self, path: Path) -> None:
        self.path = Path(os.path.abspath(path))  # noqa: PTH100  resolve() would need the directory to be reachable
        self._lock: int | None = None

    def open(self) -> None:
        """Create or check the directory and lock it.

        Raises NotWritable, NotOurs, OtherLayout or Locked.
        """
        if self._lock is not None:
            return
        self._create()
        self._check_owner()
        self._lock = self._acquire()
        try:
            self._check_layout()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Let another process have it."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def __enter__(self) -> "StateDir":
        self.open()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def folder(self, name: str) -> Path:
        """A private (0700) folder of this account below the state directory, made if it is missing."""
        path = self.path / name
        with self._writing(path):
            path.mkdir(mode=0o700, exist_ok=True)
            path.chmod(0o700)
        return path

    def read_or_create_secret(self, name: str, make: Callable[[], str] = _random) -> str:
        """A random secret, made at first use and kept in a 0600 file; every process sees the same one. URL-safe, unless
        ``make`` makes another kind."""
        path = self.secret_file(name)
        if not path.exists():
            self._write_once(path, make())
        return path.read_text().strip()

    def secret_file(self, name: str) -> Path:
        """Where a secret is kept."""
        return self.folder("secrets") / name

    def port(self, name: str) -> int:
        """The loopback port of a server, chosen at first use and kept."""
        path = self.port_file(name)
        if not path.exists():
            self._write_once(path, str(ports.choose()))
        return int(path.read_text())

    def port_file(self, name: str) -> Path:
        """Where the port of a server is written down."""
        return self.folder("ports") / name

    def write(self, path: Path, text: str) -> None:
        """Replace a file of ours (0600) in one step."""
        new = path.with_name(path.name + ".new")
        with self._writing(path):
            new.unlink(missing_ok=True)
            new.touch(mode=0o600, exist_ok=False)
            new.write_text(text)
            new.replace(path)

    def _write_once(self, path: Path, text: str) -> None:
        """Write unless another process was first; nobody ever sees half of it."""
        with self._writing(path), tempfile.NamedTemporaryFile("w", dir=path.parent, prefix=".") as new:
            new.write(text + "\n")
            new.flush()
            os.fsync(new.fileno())
            with suppress(FileExistsError):
                os.link(new.name, path)

    def _create(self) -> None:
        with self._writing(self.path):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self.path.mkdir(mode=0o700, exist_ok=True)

    def _check_owner(self) -> None:
        if not self.path.is_dir():
            raise NotOurs(self.path, "it is not a directory")
        owner = self.path.stat().st_uid
        if owner != os.geteuid():
            raise NotOurs(self.path, f"it belongs to uid {owner}, this process runs as uid {os.geteuid()}")
        with self._writing(self.path):
            strangers = {item.name for item in self.path.iterdir()} - _IGNORED
        if strangers and not {"lock", "version"} & strangers:
            raise NotOurs(self.path, f"it holds other files, such as {min(strangers)!r}")
        # Root's Postgres runs as another account, which must pass through here to its own folder, but not look around.
        self.path.chmod(0o711 if os.geteuid() == 0 else 0o700)

    def _acquire(self) -> int:
        with self._writing(self.path / "lock"):
            lock = os.open(self.path / "lock", os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            holder = os.pread(lock, 32, 0).decode().strip()
            os.close(lock)
            raise Locked(self.path, holder or "unknown") from error
        os.ftruncate(lock, 0)
        os.pwrite(lock, f"{os.getpid()}\n".encode(), 0)
        return lock

    def _check_layout(self) -> None:
        path = self.path / "version"
        if not path.exists():
            self._write_once(path, str(LAYOUT))
        found = path.read_text().strip()
        if found != str(LAYOUT):
            raise OtherLayout(self.path, found, LAYOUT)

    @contextmanager
    def _writing(self, path: Path) -> Iterator[None]:
        try:
            yield
        except (PermissionError, NotADirectoryError, FileExistsError) as error:
            raise NotWritable(self.path, f"{error.strerror}: {error.filename or path}") from error
        except OSError as error:  # a full or read-only disk, a name too long
            raise NotWritable(self.path, str(error)) from error


@contextmanager
def temporary_state() -> Iterator[StateDir]:
    """A state directory that is gone afterwards, in a place where every account can reach its own part."""
    with tempfile.TemporaryDirectory(prefix="grantwire-", ignore_cleanup_errors=True) as path:
        yield StateDir(Path(path))
