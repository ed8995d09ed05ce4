"""Ports on the loopback interface: choosing one, waiting for one, and who has it."""

import asyncio
import random
import socket
from contextlib import suppress
from pathlib import Path

from grantwire.telemetry.clock import monotonic

LOOPBACK = "127.0.0.1"
# Below the ports the kernel lends to outgoing connections, one of which could hold ours at the next start.
_RANGE = range(20_000, 32_000)


def is_free(port: int) -> bool:
    """Whether a server could listen on this loopback port now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
        return True


def choose() -> int:
    """A free port, outside the range of short-lived ports. Raises OSError if there is none."""
    for port in random.SystemRandom().sample(_RANGE, k=200):
        if is_free(port):
            return port
    raise OSError(f"no free port between {_RANGE.start} and {_RANGE.stop} on {LOOPBACK}")


async def wait_free(port: int, patience: float) -> bool:
    """Whether the port is free within `patience` seconds: a server being stopped may still hold it."""
    deadline = monotonic() + patience
    while not is_free(port):
        if monotonic() > deadline:
            return False
        await asyncio.sleep(0.05)
    return True


def holder(port: int) -> str | None:
    """Who listens on a loopback port, as `name (pid N)`, as far as this account may know."""
    inodes = _listening_inodes(port)
    for process in Path("/proc").glob("[0-9]*") if inodes else ():
        with suppress(OSError):
            if any(_socket_inode(link) in inodes for link in (process / "fd").iterdir()):
                return f"{(process / 'comm').read_text().strip()} (pid {process.name})"
    return None


def _listening_inodes(port: int) -> set[str]:
    inodes: set[str] = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        with suppress(OSError):
            rows = (line.split() for line in Path(table).read_text().splitlines()[1:])
            inodes |= {row[9] for row in rows if row[3] == "0A" and int(row[1].rpartition(":")[2], 16) == port}
    return inodes


def _socket_inode(link: Path) -> str:
    try:
        return link.readlink().name.removeprefix("socket:[").removesuffix("]")
    except OSError:
        return ""
