"""`demo chaos`: services die during syncs, and the graph is the truth all the same."""

from pathlib import Path

import pytest

from tests.support.commands import grantwire

SMALL = ("--accounts", "7", "--users", "12", "--groups", "4", "--roles", "12")


@pytest.mark.timeout(240)
def test_services_that_are_killed_during_syncs_leave_the_graph_equal_to_the_truth(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    how = ("--kills", "4", "--every", "2", "--state-dir", tmp_path / "chaos", "--json")
    done = grantwire("demo", "chaos", *SMALL, *how, timeout=230)
    assert done.code == 0, done.err
    found = done.json
    assert (found["equal"], found["differences"]) == (True, [])
    assert [each["service"] for each in found["kills"]] == ["collector-iam", "projector", "relay", "scheduler"]
    assert len({pid for each in found["kills"] for pid in (each["pid"], each["restarted_as"])}) == 8
    assert found["syncs"][-1]["equal"] is True
    assert found["looks"] > 4
    assert found["resources"] > 100 < found["relations"]
    assert "killed=projector" in done.err
    assert "equal: " in done.err
