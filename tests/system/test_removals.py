"""A good answer that lacks too much: what a person sees, confirms and rejects at the command line."""

import json
import os
import signal
import subprocess
import tempfile
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from grantwire.local.ports import choose
from tests.support import nursery
from tests.support.commands import Done, connectors_file, grantwire
from tests.support.nursery import GRANTWIRE
from tests.support.world import Sandbox, sandbox

GUESTS = 25
LOST = {"before": 24 + GUESTS, "lost": GUESTS}


@dataclass(frozen=True)
class Running:
    """A Grantwire that is up, and the account it reads."""

    state: Path
    account: Sandbox

    @property
    def scope(self) -> str:
        return f"iam/{self.account.account}"

    def run(self, *arguments: str) -> Done:
        return grantwire(*arguments, "--state-dir", self.state)

    def sync(self, code: int = 0) -> None:
        """A run that leaves removals held ends with 3: whoever waits must hear of it."""
        done = self.run("sync", "prod", "--wait", "--full")
        assert done.code == code, done.err


@pytest.fixture(scope="module")
def running() -> Iterator[Running]:
    with tempfile.TemporaryDirectory(prefix="grantwire-held-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)
        with sandbox(11, "--users", "24", "--groups", "4", "--roles", "9") as account:
            yield from _up(Path(folder), account)


def _up(folder: Path, account: Sandbox) -> Iterator[Running]:
    port = choose()
    path = connectors_file(folder / "c.yaml", account.connector())
    command = [GRANTWIRE, "up", "--no-traces", "--port", str(port), "--state-dir", str(folder / "state")]
    environment = {**os.environ, **account.environment()}
    with nursery.start([*command, "--connectors", str(path)], stderr=subprocess.PIPE, env=environment) as process:
        try:
            assert process.stderr is not None
            assert any(b"Ctrl-C stops everything" in line for line in process.stderr)
            yield Running(folder / "state", account)
        finally:
            process.send_signal(signal.SIGINT)
            assert process.wait(60) == 0


@pytest.fixture
def held(running: Running) -> Iterator[Running]:
    """More people left at once than the guard lets go by itself."""
    iam, names = running.account.admin(), [f"guest-{n:02}" for n in range(GUESTS)]
    for name in names:
        iam.create_user(UserName=name)
    running.sync()
    for name in names:
        iam.delete_user(UserName=name)
    running.sync(code=3)
    yield running
    if running.run("removals", "list").out:
        assert running.run("removals", "confirm", running.scope).code == 0
        running.sync()


def test_nothing_waits(running: Running) -> None:
    done = running.run("removals", "list")
    assert (done.code, done.out) == (0, "")
    assert "No removals wait." in done.err
    for command in ("confirm", "reject"):
        refused = running.run("removals", command, running.scope)
        assert refused.code == 4
        assert running.scope in refused.err


def test_what_waits_is_shown_and_can_be_kept(held: Running) -> None:
    line = held.run("removals", "list").out
    assert line.startswith(f"{held.scope}\tprod\t")
    assert f"{GUESTS} of {LOST['before']} iam_user" in line
    (shown,) = held.run("removals", "list", "--json").json["removals"]
    assert shown["losses"]["iam_user"] == LOST
    assert len(shown["ids"]) == shown["rows"] == len(held.run("removals", "list", "--all").out.splitlines()) - 1
    assert held.run("status").code == 3
    done = held.run("removals", "reject", held.scope)
    assert done.code == 0
    assert f"{shown['rows']} removals were rejected" in done.err
    status = held.run("status", "--json")
    assert (status.code, status.json["scopes"][0]["state"]) == (3, "stale")
    assert status.json["counts"]["resources"]["iam_user"] == LOST["before"]
    held.sync(code=3)
    assert held.run("removals", "list", "--json").json["removals"][0]["fingerprint"] == shown["fingerprint"]


def test_another_set_than_the_one_that_was_shown_ends_with_6(held: Running) -> None:
    done = held.run("removals", "confirm", held.scope, "--fingerprint", str(uuid.uuid4()))
    assert done.code == 6
    assert "not those that were shown" in done.err
    assert held.run("status", "--json").json["counts"]["resources"]["iam_user"] == LOST["before"]


def test_a_confirmation_removes_exactly_what_was_shown(held: Running) -> None:
    (shown,) = held.run("removals", "list", "--json").json["removals"]
    before = set(held.run("export").out.splitlines())
    done = held.run("removals", "confirm", held.scope)
    assert done.code == 0, done.err
    assert f"{GUESTS} of {LOST['before']} iam_user" in done.err
    held.sync()
    assert held.run("status").code == 0
    gone = [json.loads(line) for line in before - set(held.run("export").out.splitlines())]
    assert sorted(map(_key, gone)) == sorted(map(_key, shown["ids"]))
    assert held.run("removals", "confirm", held.scope).code == 4


def _key(row: dict[str, str]) -> tuple[str, ...]:
    return (row["kind"], *(row[name] for name in ("native_id", "source", "target") if name in row))
