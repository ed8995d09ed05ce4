"""Whose keys are asked for: in whatever order a report was made, keys were listed and something changed."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grantwire.aws.credentials.shapes import Report, ReportedKey
from grantwire.aws.iam.shapes import ListedUser
from grantwire.collectors.credentials.answers import HeldKey, Holder
from grantwire.collectors.credentials.holders import fits, holders, must_be_asked
from tests.unit.collectors.credentials import arn, at, held, line, report, row, user

ADA = user("ada")


def holder(found: Report | None, users: list[ListedUser] | None, *keys: HeldKey, name: str = "ada") -> Holder:
    [one] = [each for each in holders(found, users, keys) if each.name == name]
    return one


def asked(found: Report | None, users: list[ListedUser] | None, *keys: HeldKey, name: str = "ada") -> bool:
    return must_be_asked(holder(found, users, *keys, name=name), found)


@pytest.mark.parametrize(
    ("lines", "keys", "moved"),
    [
        ((), (), False),
        ((line(1),), (), True),  # the first reading, or a key that is new
        ((line(1),), (held("K", "ada", of=6),), False),
        ((line(1),), (held("K", "ada"),), False),  # told without a report
        ((line(1, False),), (held("K", "ada", of=6),), True),  # deactivated before this report
        ((line(1),), (held("K", "ada", status="Inactive", of=6),), True),  # activated, or deactivated since
        ((), (held("K", "ada", of=6),), True),  # deleted before this report
        ((line(1), line(5)), (held("K", "ada", of=6),), True),  # a second one
        ((line(5),), (held("K", "ada", of=6),), True),  # rotated
        ((line(1), line(2)), (held("K", "ada", of=6), held("L", "ada", 2, of=6)), False),
        ((line(2), line(1)), (held("K", "ada", of=6), held("L", "ada", 2, of=6)), False),  # in any order
        ((line(1), line(2, False)), (held("K", "ada", 1, "Inactive", of=6), held("L", "ada", 2, of=6)), True),
        ((line(None),), (held("K", "ada", of=6),), True),  # a key whose time is not told is no known one
        ((line(1, False),), (held("K", "ada", status="Expired", of=6),), False),
    ],
)
def test_a_newer_report_that_does_not_fit_the_keys_has_the_owner_asked(
    lines: tuple[ReportedKey, ...], keys: tuple[HeldKey, ...], moved: bool
) -> None:
    assert asked(report(row("ada", *lines), of=10), [ADA], *keys) is moved
    assert asked(report(row("ada", *lines), of=10), None, *keys) is moved, "without the list of users too"


@pytest.mark.parametrize("lines", [(), (line(1),), (line(1, False), line(5))])
def test_the_report_that_the_keys_were_told_with_knows_no_better_now(lines: tuple[ReportedKey, ...]) -> None:
    """Deactivated, deleted or created between that report and the list that followed it."""
    assert not asked(report(row("ada", *lines), of=10), [ADA], held("K", "ada", 1, "Inactive", of=10))


def test_a_key_that_stays_from_an_older_report_has_its_owner_asked() -> None:
    """Such as one that the removal guard holds."""
    keys = held("K", "ada", of=10), held("L", "ada", 2, of=6)
    assert asked(report(row("ada", line(1)), of=10), [ADA], *keys)


def test_without_a_report_everybody_is_asked() -> None:
    found = holders(None, [ADA, user("bob")], [held("K", "ada", of=6)])
    assert [must_be_asked(each, None) for each in found] == [True, True]


def test_a_user_of_whom_the_report_does_not_tell_is_asked() -> None:
    assert asked(report(), [ADA])
    assert asked(report(), None, held("K", "ada", of=10)), "known from before"


def test_who_is_not_listed_any_more_is_asked_where_there_are_keys() -> None:
    assert asked(report(row("ada", line(1))), [])
    assert asked(report(row("ada")), [], held("K", "ada", of=10))
    assert asked(report(), [], held("K", "ada", of=10))
    assert not asked(report(row("ada")), [])


def test_a_recreated_user_is_another_one() -> None:
    found = holder(report(row("ada", line(1), created=0)), [user("ada", created=11)], held("K", "ada", of=10))
    assert (found.line, found.listed, [each.key.id for each in found.held]) == (None, True, ["K"])
    assert must_be_asked(found, report(row("ada", line(1))))


def test_a_renamed_user_is_known_by_the_time_of_creation() -> None:
    found = report(row("ada", line(1), created=3), row("bob", created=2))
    people = holders(found, [user("eve", created=3), user("bob", created=2)], [held("K", "ada", of=10)])
    assert {each.name: each.line.name if each.line else None for each in people} == {
        "eve": "ada",
        "bob": "bob",
        "ada": None,
    }
    assert {each.name: must_be_asked(each, found) for each in people} == {"eve": True, "bob": False, "ada": True}


def test_two_who_might_be_the_renamed_one_are_nobody() -> None:
    found = report(row("ada", created=3))
    people = holders(found, [user("eve", created=3), user("eva", created=3)], [])
    assert [each.line for each in people if each.listed] == [None, None]
    twins = report(row("ada", created=3), row("bob", created=3))
    assert [each.line for each in holders(twins, [user("eve", created=3)], []) if each.listed] == [None]


def test_a_user_who_moved_to_another_path_keeps_line_and_keys() -> None:
    found = report(row("ada", line(1)))
    [one] = holders(found, [user("ada", path="/new/")], [held("K", "ada", of=6)])
    assert (one.arn, one.line is not None, len(one.held)) == (arn("ada", "/new/"), True, 1)
    assert not must_be_asked(one, found)


def test_a_key_that_is_owned_under_two_paths_for_now_is_one_key() -> None:
    """While the removal guard holds the relation of before."""
    moved = HeldKey(held("K", "ada", of=6).key, arn("ada", "/new/"), None, at(6))
    one = holder(report(row("ada", line(1))), [user("ada", path="/new/")], held("K", "ada", of=6), moved)
    assert len(one.held) == 1


def test_fractions_of_seconds_mean_nothing() -> None:
    almost = replace(ADA, created_at=at(0).replace(microsecond=678_000))
    assert holder(report(row("ada")), [almost]).line is not None


def test_the_root_user_is_no_holder() -> None:
    assert holders(report(), [], []) == ()


def test_a_key_whose_owner_is_lost_belongs_to_nobody() -> None:
    lost = HeldKey(held("K", "ada").key, None)
    assert holders(report(), [], [lost]) == ()


LINES = st.lists(st.builds(line, st.integers(1, 4), st.booleans()), max_size=2)
KEYS = st.lists(
    st.builds(lambda n, created, on: held(f"K{n}", "ada", created, "Active" if on else "Inactive", of=6),
              st.integers(0, 9), st.integers(1, 4), st.booleans()),
    max_size=2,
    unique_by=lambda each: each.key.id,
)  # fmt: skip


@given(LINES, KEYS)
def test_what_is_told_again_without_asking_is_what_the_report_tells(
    lines: list[ReportedKey], keys: list[HeldKey]
) -> None:
    """No key is told on by a report that has it off, or has it no more."""
    if not asked(report(row("ada", *lines), of=10), [ADA], *keys):
        told = sorted((each.key.created_at, each.key.status == "Active") for each in keys)
        assert told == sorted((each.rotated_at or at(99), each.active) for each in lines)
    assert fits(lines, keys) is not asked(report(row("ada", *lines), of=10), [ADA], *keys)
