"""Which session a sync gets."""

from collections.abc import Iterator

import pytest

from grantwire.aws import AwsSettings, Calls
from grantwire.collectors.iam.sessions import MOST, Sessions
from grantwire.contracts.connectors import Connector

PROD = Connector(id="prod")


@pytest.fixture
def sessions() -> Iterator[Sessions]:
    calls = Calls(1)
    yield Sessions(AwsSettings(), calls)
    calls.close()


def test_one_session_for_each_version_of_the_settings(sessions: Sessions) -> None:
    assert sessions.get(PROD, 1) is sessions.get(PROD, 1)
    assert sessions.get(PROD, 1) is not sessions.get(PROD, 2)


def test_a_forgotten_session_is_opened_anew(sessions: Sessions) -> None:
    before = sessions.get(PROD, 1)
    sessions.forget("prod", 1)
    assert not sessions.known("prod", 1)
    assert sessions.get(PROD, 1) is not before


def test_the_least_recently_used_goes_first(sessions: Sessions) -> None:
    for version in range(MOST):
        sessions.get(PROD, version)
    sessions.get(PROD, 0)
    sessions.get(PROD, MOST)
    assert sessions.known("prod", 0)
    assert not sessions.known("prod", 1)
