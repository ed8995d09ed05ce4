"""What is told of a command is heard once, in order, and never mistaken for another's."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from grantwire.client.naming import command_of
from grantwire.client.story import Story
from grantwire.contracts.commands import AccessCommand
from grantwire.contracts.outcomes import BY_STATE, CommandRefused, CommandTold

ID = UUID(int=7)
NOW = datetime(2026, 11, 29, tzinfo=UTC)
USER = "iam_user:arn:aws:iam::123456789012:user/ann"
GROUP = "iam_group:arn:aws:iam::123456789012:group/admins"


def command(**but: Any) -> AccessCommand:
    said = {"connector": "prod", "reason": "INC-7", "requester": "ann@example.com", **but}
    return command_of("grant", USER, GROUP, id=ID, **said)


def told(state: str, n: int, of: AccessCommand | None, **but: Any) -> CommandTold:
    fields: dict[str, Any] = {"command": ID, "n": n, "team": "t", "connector": "prod", "account": "1", "verb": "grant"}
    return BY_STATE[state](**fields, at=NOW, fingerprint=of.fingerprint() if of else None, **but)


def test_each_message_is_news_once_and_an_older_one_never() -> None:
    mine = command()
    story = Story(ID, mine)
    heard = [told("accepted", 0, mine), told("granted", 2, mine), told("parked", 1, mine), told("granted", 2, mine)]
    assert [each.state for each in heard if story.news(each)] == ["accepted", "granted"]
    assert story.last == heard[1]


def test_what_is_told_of_another_command_is_no_news() -> None:
    assert Story(UUID(int=8), None).news(told("granted", 1, command())) is None


@pytest.mark.parametrize("state", ["accepted", "granted"])
def test_whoever_reuses_an_id_is_refused_by_whatever_is_told_of_the_other(state: str) -> None:
    mine = command(reason="another")
    news = Story(ID, mine).news(told(state, 0, command()))
    assert isinstance(news, CommandRefused) and news.final and news.reason is not None
    assert (news.reason.code, news.n, news.fingerprint) == ("id_reused", -1, mine.fingerprint())


def test_the_refusal_of_a_reused_id_reaches_its_sender_and_not_the_owner_of_the_id() -> None:
    mine, other = command(), command(reason="another")
    refusal = told("refused", -1, other)
    assert Story(ID, other).news(refusal) == refusal
    assert Story(ID, mine).news(refusal) is None
    assert Story(ID, None).news(refusal) is None


def test_without_a_fingerprint_a_message_counts_for_whoever_waits() -> None:
    assert Story(ID, command()).news(told("granted", 1, None)) is not None


def test_a_fingerprint_is_that_of_the_body_and_the_verb() -> None:
    mine = command()
    assert mine.fingerprint() == command().fingerprint()
    assert mine.fingerprint() != command(dry_run=True).fingerprint()
    fields = {name: getattr(mine, name) for name in ("connector", "reason", "requester")}
    assert mine.fingerprint() != command_of("revoke", USER, GROUP, id=ID, **fields).fingerprint()
