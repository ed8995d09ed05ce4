"""Which session a sync gets."""

from collections.abc import Iterator

import pytest

from grantwire.aws import AwsSettings, Calls, Sessions
from grantwire.aws.sessions import MOST_ACCOUNTS, MOST_CONNECTORS
from grantwire.contracts.connectors import Connector

PROD = Connector(id="prod", role_arn="arn:aws:iam::111122223333:role/Grantwire", organizations=True)
ALONE = Connector(id="alone")
MEMBER, OTHER = "444455556666", "777788889999"


@pytest.fixture
def sessions() -> Iterator[Sessions]:
    calls = Calls(1)
    yield Sessions(AwsSettings(), calls)
    calls.close()


def test_one_session_for_each_version_and_account(sessions: Sessions) -> None:
    assert sessions.get(PROD, 1, MEMBER) is sessions.get(PROD, 1, MEMBER)
    assert sessions.get(PROD, 1, MEMBER) is not sessions.get(PROD, 2, MEMBER)
    assert sessions.get(PROD, 1, MEMBER) is not sessions.get(PROD, 1, OTHER)
    assert sessions.get(PROD, 1, MEMBER) is not sessions.get(PROD, 1)


def test_the_connectors_own_account_is_entered_by_its_own_role(sessions: Sessions) -> None:
    assert sessions.get(PROD, 1, "111122223333") is sessions.get(PROD, 1)


def test_without_an_organization_there_is_one_account(sessions: Sessions) -> None:
    assert sessions.get(ALONE, 1, MEMBER) is sessions.get(ALONE, 1)


def test_a_forgotten_session_is_opened_anew(sessions: Sessions) -> None:
    own, member, other = sessions.get(PROD, 1), sessions.get(PROD, 1, MEMBER), sessions.get(PROD, 1, OTHER)
    sessions.forget(PROD, 1, MEMBER)
    assert sessions.get(PROD, 1, MEMBER) is not member
    assert sessions.get(PROD, 1, OTHER) is other
    assert sessions.get(PROD, 1) is own
    sessions.forget(PROD, 1)
    assert sessions.get(PROD, 1) is not own


def test_what_is_known_is_what_may_be_old(sessions: Sessions) -> None:
    assert not sessions.known(PROD, 1)
    sessions.get(PROD, 1, MEMBER)
    assert sessions.known(PROD, 1), "its role is in front of every member"
    assert sessions.known(PROD, 1, OTHER)
    assert not sessions.known(PROD, 2, MEMBER)
    sessions.forget(PROD, 1)
    assert not sessions.known(PROD, 1, OTHER)
    assert sessions.known(PROD, 1, MEMBER)


def test_the_least_recently_used_accounts_go_first(sessions: Sessions) -> None:
    first, second = sessions.get(PROD, 1, MEMBER), sessions.get(PROD, 1, OTHER)
    for number in range(MOST_ACCOUNTS - 2):
        sessions.get(PROD, 1, f"{number:012}")
    sessions.get(PROD, 1, MEMBER)
    sessions.get(PROD, 1, f"{MOST_ACCOUNTS:012}")
    assert sessions.get(PROD, 1, MEMBER) is first
    assert sessions.get(PROD, 1, OTHER) is not second


def test_the_least_recently_used_connectors_go_first(sessions: Sessions) -> None:
    for version in range(MOST_CONNECTORS + 1):
        sessions.get(PROD, version, MEMBER)
    assert not sessions.known(PROD, 0, OTHER)
    assert sessions.known(PROD, 1, OTHER)
