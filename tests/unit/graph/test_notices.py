"""What may be passed on as it was heard, and when the outbox must be looked at."""

import json
from base64 import b64encode
from dataclasses import dataclass

from grantwire.graph.outbox import Notices, Waiting
from grantwire.graph.telling import Told
from grantwire.telemetry import utc_now

AT = utc_now()


@dataclass
class Clock:
    now: float = 100.0

    def __call__(self) -> float:
        return self.now


def row(id: int) -> Told:
    return Told(id, 1, f"op:{id}", "gw.outcome.x", "type", "prod", b'{"n":"\xc3\xa9"}', None, AT)


def spelt(id: int) -> str:
    told = row(id)
    body = b64encode(told.body).decode()
    return json.dumps([id, 1, told.message_id, told.subject, told.type, told.source, body, None, AT.isoformat()])


def following(most: int = 3, clock: Clock | None = None) -> Notices:
    """Notices of somebody who has looked once."""
    notices = Notices(most, 0.1, clock or Clock())
    assert notices.take() == ([], True)
    notices.looked(Waiting())
    return notices


def heard(notices: Notices, *ids: int) -> Notices:
    for id in ids:
        notices.hear("grantwire_told", spelt(id))
    return notices


def test_the_first_look_is_at_everything() -> None:
    assert heard(Notices(3, 0.1, Clock()), 1).take() == ([], True)


def test_what_is_heard_needs_no_look_and_is_given_once() -> None:
    notices = heard(following(), 1, 2)
    assert notices.take() == ([row(1), row(2)], False)
    assert notices.take() == ([], True)


def test_a_change_is_looked_for_after_what_was_heard() -> None:
    notices = heard(following(), 1)
    notices.hear("grantwire_outbox", "")
    assert notices.take() == ([row(1)], True)
    assert heard(notices, 2).take() == ([row(2)], False)


def test_nothing_goes_before_what_was_too_long_to_be_heard() -> None:
    notices = heard(following(), 1)
    notices.hear("grantwire_told", "")
    assert heard(notices, 2).take() == ([], True)


def test_nothing_goes_before_what_was_missed_while_nobody_listened() -> None:
    notices = following()
    notices.hear("", spelt(2))
    notices.hear("", "")
    assert heard(notices, 3).take() == ([], True)


def test_what_a_look_found_is_not_taken_from_its_notice_again() -> None:
    notices = following()
    notices.take()
    notices.looked(Waiting(told=[row(1)]))
    assert heard(notices, 1, 2).take() == ([row(2)], False)


def test_more_than_a_look_finds_comes_before_what_is_heard() -> None:
    notices = following(most=2)
    notices.looked(Waiting(told=[row(1), row(2)]))
    assert heard(notices, 4).take() == ([], True)


def test_no_more_is_held_than_a_look_finds() -> None:
    assert heard(following(most=2), 1, 2, 3).take() == ([], True)


def test_a_look_is_due_after_a_while_whatever_is_heard() -> None:
    clock = Clock()
    notices = following(clock=clock)
    clock.now += 0.2
    assert heard(notices, 1).take() == ([row(1)], True)
