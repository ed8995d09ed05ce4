"""A state directory holds one simulated account: another one starts fresh."""

from pathlib import Path

import pytest

from grantwire.cli.exits import Exit, Stop
from grantwire.cli.simulated import Simulation, make_room
from grantwire.local import StateDir

ONE = Simulation(1, 100, 20, 50)
OTHER = Simulation(2, 100, 20, 50)


def opened(path: Path) -> StateDir:
    state = StateDir(path)
    state.open()
    return state


def test_the_same_account_keeps_its_state(tmp_path: Path) -> None:
    state = opened(tmp_path / "demo")
    assert make_room(state, ONE, keep=False) is None
    (state.path / "data").touch()
    assert make_room(state, ONE, keep=False) is None
    assert (state.path / "data").exists()


def test_another_account_starts_fresh_under_the_same_lock(tmp_path: Path) -> None:
    state = opened(tmp_path / "demo")
    make_room(state, ONE, keep=False)
    (state.folder("postgres") / "data").touch()
    assert "deleted" in str(make_room(state, OTHER, keep=False))
    assert sorted(path.name for path in state.path.iterdir()) == ["demo.json", "lock", "version"]
    assert make_room(state, OTHER, keep=False) is None


def test_another_account_may_be_kept_aside(tmp_path: Path) -> None:
    state = opened(tmp_path / "demo")
    make_room(state, ONE, keep=True)
    (state.folder("postgres") / "data").touch()
    assert str(tmp_path / "demo-seed-1") in str(make_room(state, OTHER, keep=True))
    assert (tmp_path / "demo-seed-1" / "postgres" / "data").exists()
    assert not (state.path / "postgres").exists()


def test_a_directory_that_no_demo_made_is_left_alone(tmp_path: Path) -> None:
    state = opened(tmp_path / "real")
    state.folder("postgres")
    with pytest.raises(Stop, match="must not mix") as stop:
        make_room(state, ONE, keep=False)
    assert stop.value.code == Exit.CONFLICT
