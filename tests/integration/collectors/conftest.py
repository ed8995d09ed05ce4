"""Sandboxes for each module, as on their first day for each test, found by AWS's own variables."""

from collections.abc import Iterator

import pytest

from grantwire.sandbox.server import Sandbox, start

_OTHERS = ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_REGION", "AWS_ENDPOINT_URL_IAM", "AWS_ENDPOINT_URL_STS")


@pytest.fixture(scope="module")
def shared() -> Iterator[Sandbox]:
    with start(1, users=30, groups=6, roles=12, short=0.6, empty=0.3) as running:
        yield running


@pytest.fixture
def sandbox(shared: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sandbox]:
    yield from _fresh(shared, monkeypatch)


@pytest.fixture(scope="module")
def shared_organization() -> Iterator[Sandbox]:
    with start(1, users=12, groups=4, roles=20, accounts=10, short=0.6, empty=0.3) as running:
        yield running


@pytest.fixture
def organization(shared_organization: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sandbox]:
    """A management account, a delegated administrator and eight members, five of them with a trouble each."""
    yield from _fresh(shared_organization, monkeypatch)


def _fresh(shared: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sandbox]:
    shared.control("POST", "reset")
    use(shared, monkeypatch)
    yield shared
    assert shared.violations() == []


def use(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, who: str = "credentials") -> None:
    """What a person exports before starting a process."""
    for name in _OTHERS:
        monkeypatch.delenv(name, raising=False)
    keys = sandbox.facts[who]
    monkeypatch.setenv("AWS_ENDPOINT_URL", sandbox.endpoint)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", keys["access_key_id"])
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", keys["secret_access_key"])
    monkeypatch.setenv("AWS_DEFAULT_REGION", sandbox.region)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
