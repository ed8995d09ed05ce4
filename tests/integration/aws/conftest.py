"""An organization of 25 accounts for each module, as on its first day for each test, found by AWS's own variables."""

from collections.abc import Iterator

import pytest

from grantwire.aws import Calls
from grantwire.sandbox.server import Sandbox, start
from tests.integration.aws.entering import QUICK
from tests.integration.collectors.conftest import use


@pytest.fixture(scope="module")
def everybody() -> Iterator[Sandbox]:
    with start(1, users=4, groups=2, roles=4, accounts=25) as running:
        yield running


@pytest.fixture
def organization(everybody: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sandbox]:
    everybody.control("POST", "reset")
    use(everybody, monkeypatch)
    yield everybody
    assert everybody.violations() == []


@pytest.fixture
def calls() -> Iterator[Calls]:
    threads = Calls(QUICK.concurrency)
    yield threads
    threads.close()
