"""A running sandbox; a test that asks for something it does not simulate fails."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from grantwire.sandbox.identity_center.facts import DirectorySizes
from grantwire.sandbox.server import Sandbox, start
from tests.integration.sandbox.sso_clients import LONG


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


@pytest.fixture(scope="module")
def center() -> Iterator[Sandbox]:
    """An organization with Identity Center, whose connectors may not list tags."""
    sizes = DirectorySizes(users=16, groups=6, permission_sets=8, provisioned=7)
    given: dict[str, Any] = {"users": 4, "groups": 1, "roles": 8, "accounts": 5}
    with start(1, identity_center=True, directory=sizes, without=["sso:ListTagsForResource"], **given) as running:
        yield running


@pytest.fixture
def organized(center: Sandbox) -> Iterator[Sandbox]:
    """That organization as on its first day. What is asked for takes as long as no machine is slow: see `later`."""
    center.control("POST", "reset")
    center.identity_center({"delay": LONG})
    yield center
    assert center.violations() == []
