"""A state directory is ours, locked, of one layout, and keeps secrets to itself."""

import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from grantwire.local import LocalSettings, StateDir, default_state_dir, temporary_state
from grantwire.local.errors import Locked, NotOurs, NotWritable, OtherLayout
from grantwire.local.ports import choose, is_free


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_it_is_made_with_its_parents_and_closed_to_others(tmp_path: Path) -> None:
    with StateDir(tmp_path / "a" / "b") as state:
        assert mode(state.path) == (0o711 if os.geteuid() == 0 else 0o700)
        assert (state.path / "lock").read_text() == f"{os.getpid()}\n"


def test_a_second_opening_is_refused_until_the_first_is_closed(tmp_path: Path) -> None:
    first, second = StateDir(tmp_path), StateDir(tmp_path)
    first.open()
    with pytest.raises(Locked, match=f"in use by process {os.getpid()}. Stop that one first") as refused:
        second.open()
    assert refused.value.pid == os.getpid()
    first.close()
    second.open()
    second.close()


def test_a_directory_with_other_files_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").touch()
    before = mode(tmp_path)
    with pytest.raises(NotOurs, match=r"it holds other files, such as 'thesis.tex'"):
        StateDir(tmp_path).open()
    assert mode(tmp_path) == before
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


def test_a_fresh_volume_is_accepted(tmp_path: Path) -> None:
    (tmp_path / "lost+found").mkdir()
    with StateDir(tmp_path):
        pass


def test_a_path_below_a_file_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(NotWritable, match=f"The state directory {tmp_path}/file/state cannot be written"):
        StateDir(tmp_path / "file" / "state").open()


def test_a_file_in_its_place_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises((NotOurs, NotWritable), match=f"{tmp_path}/file"):
        StateDir(tmp_path / "file").open()


@pytest.mark.parametrize("found", ["0", "2", "nonsense"])
def test_another_layout_is_refused_and_the_lock_given_back(tmp_path: Path, found: str) -> None:
    with StateDir(tmp_path):
        (tmp_path / "version").write_text(found)
    with pytest.raises(OtherLayout, match=f"layout version {found}, this release uses 1. Run the release that wrote"):
        StateDir(tmp_path).open()
    (tmp_path / "version").write_text("1")
    with StateDir(tmp_path):
        pass


def test_a_secret_is_random_private_and_the_same_ever_after(tmp_path: Path) -> None:
    with StateDir(tmp_path) as state:
        secret = state.read_or_create_secret("admin-token")
        assert len(secret) >= 40
        assert secret != state.read_or_create_secret("other")
        assert mode(tmp_path / "secrets" / "admin-token") == 0o600
        assert mode(tmp_path / "secrets") == 0o700
    assert StateDir(tmp_path).read_or_create_secret("admin-token") == secret  # a client reads it without the lock


def test_everybody_who_makes_a_secret_at_once_gets_the_same_one(tmp_path: Path) -> None:
    with StateDir(tmp_path) as state, ThreadPoolExecutor(8) as pool:
        secrets = list(pool.map(lambda _: state.read_or_create_secret("admin-token"), range(32)))
    assert len(set(secrets)) == 1
    assert [path.name for path in (tmp_path / "secrets").iterdir()] == ["admin-token"]


def test_a_port_is_kept_and_outside_the_range_lent_to_clients(tmp_path: Path) -> None:
    with StateDir(tmp_path) as state:
        port = state.port("nats")
        assert state.port("nats") == port
    lent = Path("/proc/sys/net/ipv4/ip_local_port_range")
    if lent.exists():
        first, last = map(int, lent.read_text().split())
        assert not first <= port <= last


def test_a_chosen_port_is_free() -> None:
    assert is_free(choose())


def test_the_directory_comes_from_the_environment_or_the_account(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("GRANTWIRE_STATE_DIR", raising=False)
    assert LocalSettings().chosen_state_dir() == default_state_dir()
    monkeypatch.setenv("GRANTWIRE_STATE_DIR", str(tmp_path))
    assert LocalSettings().chosen_state_dir() == tmp_path


def test_a_temporary_state_is_gone_afterwards() -> None:
    with temporary_state() as state, state:
        state.read_or_create_secret("admin-token")
    assert not state.path.exists()
