"""What can be wrong with the local stack, said so that the reader can put it right."""

from pathlib import Path


class StateError(Exception):
    """The state directory or a server in it cannot be used as it is. The message says what to do."""


class NotWritable(StateError):
    """Nothing can be written where the state should live."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(
            f"The state directory {path} cannot be written ({reason}). "
            "Make it writable for this account, or choose another with --state-dir or GRANTWIRE_STATE_DIR."
        )


class NotOurs(StateError):
    """The directory belongs to somebody or something else."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(
            f"The directory {path} is not a Grantwire state directory of this account: {reason}. "
            "Choose an empty or new directory with --state-dir or GRANTWIRE_STATE_DIR, or run as its owner."
        )


class Locked(StateError):
    """Another process uses this state directory."""

    def __init__(self, path: Path, pid: str) -> None:
        super().__init__(
            f"The state directory {path} is in use by process {pid}. "
            "Stop that one first, or give this one a directory of its own with --state-dir."
        )
        self.pid = int(pid) if pid.isdigit() else None


class OtherLayout(StateError):
    """The directory was written by a release that arranges it differently."""

    def __init__(self, path: Path, found: str, expected: int) -> None:
        super().__init__(
            f"The state directory {path} has layout version {found}, this release uses {expected}. "
            "Run the release that wrote it and take a dump of its database, then start this release on a new "
            "directory and restore the dump there. The old directory is left as it is."
        )


class OtherMajor(StateError):
    """The database was written by another major version of Postgres."""

    def __init__(self, data: Path, found: str, ours: str, database: str) -> None:
        super().__init__(
            f"The database in {data} was written by Postgres {found}, the installed server is Postgres {ours}, "
            "and one cannot read the other's files. "
            f"Install the Grantwire release that brought Postgres {found}, start it on this directory and run "
            f'`pg_dump --format=custom --file=grantwire.dump "$DATABASE_URL"`. Then start this release on a new '
            f"state directory and run `pg_restore --no-owner --dbname={database} grantwire.dump` against it."
        )


class PortInUse(StateError):
    """Another process listens where a server of ours should."""

    def __init__(self, server: str, port: int, holder: str | None, port_file: Path) -> None:
        super().__init__(
            f"Port {port} on 127.0.0.1, kept for {server}, is in use by {holder or 'another process'}. "
            f"Stop that process, or delete {port_file} to have another port chosen."
        )
        self.port = port


class NoAccount(StateError):
    """This uid has no name, and Postgres refuses to run without one."""

    def __init__(self, uid: int) -> None:
        super().__init__(
            f"The uid {uid} has no entry in the passwd database, which Postgres needs. "
            "Run as an existing account (in a container: create one in the image, or use --user with a known one), "
            "or pass the URL of a Postgres that runs elsewhere with --database-url."
        )


class Unreachable(StateError):
    """The account Postgres runs as cannot get to its own data."""

    def __init__(self, path: Path, closed: Path, account: str) -> None:
        super().__init__(
            f"Postgres must not run as root, so it runs as {account!r}, who cannot reach {path} because {closed} is "
            "closed to that account. Choose a state directory with open parents, such as /var/lib/grantwire."
        )


class ServerFailed(StateError):
    """A server did not start."""

    def __init__(self, server: str, what: str, log: Path, tail: str) -> None:
        last = f" Its last words: {tail}" if tail else ""
        super().__init__(f"The local {server} {what}. The log is {log}.{last}")
