"""Answers that do not fit together: read once more, and then an error."""

import pytest

from grantwire.aws.errors import INCONSISTENT
from grantwire.collectors.credentials.answers import HeldKey
from grantwire.contracts.failures import AwsCause, AwsError
from tests.unit.collectors.credential_readings import COVERED, YOUNG, Readings, denied, fetch
from tests.unit.collectors.credentials import arn, held, key, line, report, row, used, user


async def doubted(readings: Readings, *keys: HeldKey, own_user: str | None = None) -> str:
    with pytest.raises(AwsError) as caught:
        await fetch(readings, *keys, own_user=own_user)
    assert (caught.value.code, caught.value.cause) == (INCONSISTENT, AwsCause.TRANSIENT)
    assert readings.calls.count("report") == 2, "all of it was read once more"
    return str(caught.value)


async def test_a_report_without_a_user_who_is_older_is_cut() -> None:
    readings = Readings([report(row("ada"))], [(user("ada"), user("bob"))], {"bob": ()})
    assert "no line for arn:aws:iam::111122223333:user/bob" in await doubted(readings)
    almost = Readings([report(row("ada"))], [(user("ada"), user("bob", 9.9))], {"bob": ()})
    assert (await fetch(almost)).covers == COVERED, "a few minutes are no doubt: IAM is eventually consistent"


async def test_a_report_without_the_user_who_reads_it_is_cut() -> None:
    readings = Readings([report()], [denied("iam:ListUsers")])
    assert "no line for" in await doubted(readings, own_user=arn("me"))


async def test_a_list_without_the_user_who_reads_it_is_cut() -> None:
    readings = Readings([report(row("me"))], [()])
    assert "reads the account but is not in ListUsers" in await doubted(readings, own_user=arn("me"))


async def test_a_list_without_users_who_have_keys_to_list_is_cut() -> None:
    readings = Readings([report(row("ada", line(1)))], [()], {"ada": [key("K", "ada")]})
    assert "is not in ListUsers but has keys to list" in await doubted(readings)


async def test_a_listed_user_who_is_gone_is_doubted() -> None:
    readings = Readings([report(row("ada", line(1)))], [(user("ada"),)])
    assert "is in ListUsers but gone" in await doubted(readings)


async def test_a_key_that_vanished_from_its_list_but_is_known_to_aws_is_doubted() -> None:
    readings = Readings([report(row("ada", line(1, False)))], [(user("ada"),)], {"ada": ()}, {"K": used(8)})
    assert "the access key K is listed no more" in await doubted(readings, held("K", "ada", of=6))


async def test_a_key_that_is_listed_but_unknown_is_doubted() -> None:
    readings = Readings([report(row("ada"))], [(user("ada", YOUNG),)], {"ada": [key("N", "ada", YOUNG)]})
    assert "the access key N is listed but gone" in await doubted(readings)


async def test_a_key_of_two_users_is_doubted() -> None:
    told = report(row("ada", line(1)), row("bob", line(1)))
    lists = {"ada": [key("K", "ada")], "bob": [key("K", "bob")]}
    assert "K belongs to two users" in await doubted(Readings([told], [(user("ada"), user("bob"))], lists))


async def test_an_older_report_than_one_that_was_read_is_doubted() -> None:
    readings = Readings([report(row("ada", line(1)), of=6)], [(user("ada"),)])
    assert "was read before" in await doubted(readings, held("K", "ada", of=10))
