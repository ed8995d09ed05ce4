"""A running sandbox; a test that asks for something it does not simulate fails."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from grantwire.sandbox.server import Sandbox, start


@pytest.fixture(scope="module")
def shared() -> Iterator[Sandbox]:
    with start(1) as running:
        yield running


@pytest.fixture
def sandbox(shared: Sandbox) -> Iterator[Sandbox]:
    """The module's sandbox as on its first day."""
    shared.control("POST", "reset")
    yield shared
    assert shared.violations() == []
