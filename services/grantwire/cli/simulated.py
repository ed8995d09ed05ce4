"""The simulated AWS account of the demo: a child process, and the only place that sets this process's AWS variables."""

import asyncio
import json
import os
import shutil
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from grantwire.cli.exits import Exit, Stop
from grantwire.contracts.connectors import Connector
from grantwire.local import StateDir

_NOTE: Final = "demo.json"  # which simulated account the state directory holds
_KEPT: Final = ("lock", "version")


@dataclass(frozen=True)
class Simulation:
    """What to simulate; the account follows from it."""

    seed: int
    users: int
    groups: int
    roles: int

    def arguments(self) -> list[str]:
        return [word for name, value in asdict(self).items() for word in (f"--{name}", str(value))]


class Sandbox:
    """The child process. ``facts`` waits for its one line."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def facts(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = await self._process.stdout.readline()
        if not line:
            raise Stop(Exit.FAILED, f"The simulated account did not start (exit {await self._process.wait()}).")
        found: dict[str, Any] = json.loads(line)
        return found

    async def stop(self) -> None:
        with suppress(ProcessLookupError):
            self._process.terminate()
        try:
            await asyncio.wait_for(self._process.wait(), 5)
        except TimeoutError:
            self._process.kill()
            await self._process.wait()


@asynccontextmanager
async def sandbox(simulation: Simulation) -> AsyncIterator[Sandbox]:
    """The child, starting. It ends with this process, however that ends."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "grantwire.sandbox", "--port", "0", "--parent-pid", str(os.getpid()), *simulation.arguments()),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        start_new_session=True,  # Ctrl-C reaches us alone, and we stop it when nobody asks it any more
    )
    child = Sandbox(process)
    try:
        yield child
    finally:
        await child.stop()


def aim_at(facts: dict[str, Any]) -> None:
    """Make every AWS client of this process speak to the simulated account, whatever the environment said before."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        del os.environ[name]
    credentials = facts["credentials"]
    os.environ["AWS_ENDPOINT_URL"] = facts["endpoint"]
    os.environ["AWS_REGION"] = os.environ["AWS_DEFAULT_REGION"] = "us-east-1"
    os.environ["AWS_ACCESS_KEY_ID"] = credentials["access_key_id"]
    os.environ["AWS_SECRET_ACCESS_KEY"] = credentials["secret_access_key"]
    os.environ["AWS_EC2_METADATA_DISABLED"] = "true"
    os.environ["AWS_CONFIG_FILE"] = os.environ["AWS_SHARED_CREDENTIALS_FILE"] = os.devnull


def connector_of(facts: dict[str, Any], plan: str) -> Connector:
    role = facts["connectors"][plan]
    return Connector(id="demo", name="Simulated account", role_arn=role["role_arn"], external_id=role["external_id"])


def make_room(state: StateDir, simulation: Simulation, *, keep: bool) -> str | None:
    """Another simulated account gets a state of its own: what an earlier one left in the opened directory is moved
    aside or deleted. Returns what there is to say about it. Raises ``Stop`` for a directory that no demo made."""
    said = None
    before = _noted(state)
    if before is None and (state.path / "postgres").exists():
        said = f"The state directory {state.path} belongs to `grantwire up`; a simulated account must not mix with it."
        raise Stop(Exit.CONFLICT, said, "Give the demo a directory of its own with --state-dir.")
    if before is not None and before != simulation:
        said = _move_aside(state, before) if keep else _delete(state)
    state.write(state.path / _NOTE, json.dumps(asdict(simulation)) + "\n")
    return said


def _noted(state: StateDir) -> Simulation | None:
    try:
        return Simulation(**json.loads((state.path / _NOTE).read_text()))
    except (OSError, ValueError, TypeError):
        return None


def _delete(state: StateDir) -> str:
    _empty(state.path)
    return (
        "The earlier demo simulated another account; its data was deleted and this one starts fresh (--keep moves it)."
    )


def _move_aside(state: StateDir, before: Simulation) -> str:
    aside = state.path.with_name(f"{state.path.name}-seed-{before.seed}")
    while aside.exists():
        aside = aside.with_name(aside.name + "-")
    state.path.rename(aside)
    state.close()
    state.open()
    return f"The earlier demo simulated another account; its data is kept in {aside} and this one starts fresh."


def _empty(folder: Path) -> None:
    for item in folder.iterdir():
        if item.name not in _KEPT:
            shutil.rmtree(item) if item.is_dir() and not item.is_symlink() else item.unlink()
