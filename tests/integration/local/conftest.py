"""A state directory of its own for each test, and one running stack for tests that only look."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from grantwire.local import StateDir
from tests.integration.local.apart import environment, folder_of


@pytest.fixture
def path() -> Iterator[Path]:
    with folder_of() as path:
        yield path


@pytest.fixture
def state(path: Path) -> StateDir:
    return StateDir(path)


@pytest.fixture(scope="module")
def running() -> Iterator[dict[str, str]]:
    """The URLs of a stack that runs for the whole module, and its directory."""
    with folder_of() as path:
        argv = [sys.executable, "-m", "grantwire.local", "--state-dir", str(path)]
        process = subprocess.Popen(argv, stdout=subprocess.PIPE, env=environment(), text=True)
        try:
            assert process.stdout is not None
            yield {**json.loads(process.stdout.readline()), "path": str(path)}
        finally:
            process.terminate()
            process.wait(30)
