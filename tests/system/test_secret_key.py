"""`grantwire up` makes a key of its own, and follows a person who puts another above it."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.commands import Done, connectors_file, grantwire
from tests.support.world import Sandbox, sandbox


@pytest.fixture(scope="module")
def aws() -> Iterator[Sandbox]:
    with sandbox(7, "--users", "3", "--groups", "1", "--roles", "2") as running:
        yield running


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder that the database's own account can pass through."""
    with tempfile.TemporaryDirectory(prefix="grantwire-key-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


def up(aws: Sandbox, place: Path, *more: str | Path) -> Done:
    once = ("--exit-when-synced", "--json", "--no-traces", "--state-dir", place / "state")
    return grantwire("up", *once, *more, env=aws.environment() | {"GRANTWIRE_SECRET_KEY": ""})


def test_up_makes_a_key_changes_it_and_misses_it(aws: Sandbox, place: Path) -> None:
    connectors = connectors_file(place / "connectors.yaml", aws.connector())
    first = up(aws, place, "--connectors", connectors)
    assert first.code == 0, first.err
    file = place / "state" / "secrets" / "secret-key"
    assert file.stat().st_mode & 0o777 == 0o600
    newer = grantwire("secrets", "new-key").out
    file.write_text(newer + file.read_text())
    assert up(aws, place).code == 0, "both keys are there"
    file.write_text(newer)
    alone = up(aws, place)
    assert alone.code == 0, alone.err
    assert [scope["scope"] for scope in alone.json["scopes"]["complete"]] == [f"iam/{aws.account}"]
    _is_told_when_it_is_lost(aws, place)


def _is_told_when_it_is_lost(aws: Sandbox, place: Path) -> None:
    """A new one is made, for `up` cannot know; what is sealed stays, and is named."""
    (place / "state" / "secrets" / "secret-key").unlink()
    lost = up(aws, place)
    assert lost.code == 3
    (scope,) = lost.json["scopes"]["stale"]
    assert "external_id of connector 'prod' cannot be read" in scope["reason"], scope
