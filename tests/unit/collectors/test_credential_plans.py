"""Which plan, which calls, what is covered: on answers as different readings would give them."""

import pytest

from grantwire.aws.credentials.shapes import Report
from grantwire.collectors.kit.reading import Reading
from grantwire.contracts.failures import AwsCause, AwsError
from grantwire.contracts.resources import Kind, RelationKind
from tests.unit.collectors.credential_readings import COVERED, YOUNG, Lists, Readings, denied, fetch, later
from tests.unit.collectors.credentials import ACCOUNT, NEVER, arn, at, held, key, line, report, root, row, used, user


def keys_in(reading: Reading) -> dict[str, dict[str, object]]:
    rows = [row for row in reading.facts().resources if row.kind is Kind.ACCESS_KEY]
    return {row.native_id: dict(row.attributes) for row in rows}


def owners(reading: Reading) -> dict[str, str]:
    return {row.target: row.source for row in reading.facts().relations if row.kind is RelationKind.OWNS}


def whys(reading: Reading) -> dict[str, str]:
    return {note.what: note.why for note in reading.unread}


async def test_the_first_time_each_owner_is_asked_and_nobody_else() -> None:
    told = report(row("ada", line(1, use=used(8))), row("bob"))
    readings = Readings([told], [(user("ada"), user("bob"))], {"ada": [key("K", "ada")]})
    reading = await fetch(readings)
    assert sorted(readings.calls) == ["keys ada", "report", "users"]
    assert (reading.plan, reading.covers, reading.unread) == ("report", COVERED, [])
    assert owners(reading) == {"K": arn("ada")}
    assert keys_in(reading)["K"] == {
        "status": "Active",
        "created_at": "2026-01-02T01:00:00Z",
        "last_used_at": "2026-01-02T08:00:00Z",
        "last_used_service": "s3",
        "last_used_region": "eu-west-1",
        "report_time": "2026-01-02T10:00:00Z",
    }


async def test_when_nothing_moved_nobody_is_asked_and_the_use_is_the_newer_reports() -> None:
    told = report(row("ada", line(1, use=used(9))), of=10)
    readings = Readings([told], [(user("ada"),)])
    reading = await fetch(readings, held("K", "ada", used=used(3), of=6))
    assert sorted(readings.calls) == ["report", "users"]
    assert keys_in(reading)["K"]["last_used_at"] == "2026-01-02T09:00:00Z"
    assert keys_in(reading)["K"]["report_time"] == "2026-01-02T10:00:00Z"


async def test_a_report_that_says_the_same_moves_one_key_of_the_account() -> None:
    """By its time an older report is known; the others tell since when it is told so."""
    told = report(row("ada", line(1, use=used(3))), row("bob", line(2)), row("eve", line(1, use=used(9))), of=10)
    users = tuple(user(name) for name in ("ada", "bob", "eve"))
    kept = [held("A", "ada", used=used(3), of=2), held("B", "bob", 2, used=NEVER, of=6)]
    found = keys_in(await fetch(Readings([told], [users]), *kept, held("E", "eve", used=used(3), of=6)))
    times = {id: str(attributes["report_time"])[11:13] for id, attributes in found.items()}
    assert times == {"A": "02", "B": "06", "E": "10"}, "one was used since"
    found = keys_in(await fetch(Readings([told], [users]), *kept, held("E", "eve", used=used(9), of=4)))
    times = {id: str(attributes["report_time"])[11:13] for id, attributes in found.items()}
    assert times == {"A": "02", "B": "10", "E": "04"}, "none was: it is the one that was told with the newest"


async def test_who_was_asked_is_told_with_the_report_that_made_it_necessary() -> None:
    """Or the same report would have the owner asked at every reading."""
    told = report(row("ada", line(5, use=used(3)), line(6)), of=10)
    keys, kept = [key("K", "ada"), key("L", "ada", 5)], held("K", "ada", used=used(3), of=6)
    first = keys_in(await fetch(Readings([told], [(user("ada"),)], {"ada": keys}, {"K": used(3)}), kept))
    assert {attributes["report_time"] for attributes in first.values()} == {"2026-01-02T10:00:00Z"}


async def test_the_root_user_is_a_row_and_the_others_get_facets() -> None:
    told = Report(at(10), (root(), row("ada", mfa_active=True, password_last_changed=at(2))))
    reading = await fetch(Readings([told], [(user("ada"),)]))
    [found] = [row for row in reading.facts().resources if row.kind is Kind.IAM_USER]
    assert (found.native_id, found.name, found.attributes["is_root"]) == (f"arn:aws:iam::{ACCOUNT}:root", "root", True)
    [facet] = [row for row in reading.facts().resources if row.kind is Kind.FACET]
    assert facet.attributes == {
        "console_access": False,
        "mfa_active": True,
        "password_last_changed": "2026-01-02T02:00:00Z",
    }, "and not when the password was used: that is IAM's to tell, and newer"


async def test_keys_of_the_root_user_are_a_named_gap() -> None:
    reading = await fetch(Readings([Report(at(10), (root(line(1)),))]))
    assert "The root user has 1 access key" in whys(reading)["access_key"]
    assert keys_in(reading) == {}


@pytest.mark.parametrize("operation", ["iam:GenerateCredentialReport", "iam:GetCredentialReport"])
async def test_without_the_report_every_user_is_asked(operation: str) -> None:
    lists = {"ada": [key("K", "ada")], "bob": ()}
    readings = Readings([denied(operation)], [(user("ada"), user("bob"))], lists, {"K": used(8)})
    reading = await fetch(readings)
    assert sorted(readings.calls) == ["keys ada", "keys bob", "report", "use K", "users"]
    assert (reading.plan, reading.covers) == ("keys", ["access_key", "owns"])
    assert set(whys(reading)) == {
        "iam_user",
        "iam_user.console_access",
        "iam_user.mfa_active",
        "iam_user.password_last_changed",
        "access_key.report_time",
    }
    assert set(whys(reading).values()) == {f"AWS refused {operation}."}
    assert "report_time" not in keys_in(reading)["K"]
    assert [row.kind for row in reading.facts().resources] == [Kind.ACCESS_KEY]


async def test_without_report_and_users_nothing_is_read_and_nothing_covered() -> None:
    readings = Readings([denied("iam:GetCredentialReport")], [denied("iam:ListUsers")])
    reading = await fetch(readings, held("K", "ada", of=6))
    assert sorted(readings.calls) == ["report", "users"]
    assert (reading.plan, reading.covers, keys_in(reading)) == ("nothing", [], {})
    assert {"access_key", "owns", "iam_user"} <= whys(reading).keys()


async def test_without_the_list_of_users_facets_stay_and_the_gap_is_named() -> None:
    readings = Readings([report(row("ada"))], [denied("iam:ListUsers")])
    reading = await fetch(readings)
    assert (reading.plan, reading.covers) == ("report", ["iam_user", "contains", "access_key", "owns"])
    assert "iam:ListUsers" in whys(reading)["access_key"]


async def test_without_the_keys_the_rest_is_told() -> None:
    people = [user(f"u{n}") for n in range(20)]
    told = report(*(row(each.name, line(1)) for each in people))
    readings = Readings([told], [tuple(people)], {each.name: denied("iam:ListAccessKeys") for each in people})
    reading = await fetch(readings, held("K", "u3", status="Inactive", of=6))
    assert reading.covers == ["iam_user", "contains", "facet"]
    assert whys(reading)["owns"] == "The keys of 20 users were not listed: AWS refused iam:ListAccessKeys."
    assert sum(call.startswith("keys") for call in readings.calls) == 6, "the rest is not asked"
    assert not any(call.startswith("use ") for call in readings.calls)


async def test_keys_of_some_users_may_be_denied() -> None:
    told = report(row("ada", line(1)), row("bob", line(1)))
    lists: Lists = {"ada": denied("iam:ListAccessKeys"), "bob": [key("L", "bob")]}
    reading = await fetch(Readings([told], [(user("ada"), user("bob"))], lists), held("K", "ada", 2, of=6))
    assert owners(reading) == {"L": arn("bob")}
    assert "access_key" not in reading.covers, "so the denied one's keys stay"


async def test_without_the_use_only_the_use_is_missing() -> None:
    told = report(row("ada", line(1, use=used(8))))
    lists = {"ada": [key("K", "ada"), key("N", "ada", YOUNG)]}
    uses = {"N": denied("iam:GetAccessKeyLastUsed")}
    reading = await fetch(Readings([told], [(user("ada"),)], lists, uses))
    assert reading.covers == COVERED
    assert set(whys(reading)) == {f"access_key.last_used_{what}" for what in ("at", "region", "service")}
    assert "last_used_at" in keys_in(reading)["K"] and "last_used_at" not in keys_in(reading)["N"]


async def test_a_user_who_is_younger_than_the_report_is_told_without_facet() -> None:
    lists = {"eve": [key("N", "eve", YOUNG)]}
    reading = await fetch(Readings([report()], [(user("eve", YOUNG),)], lists, {"N": NEVER}))
    assert owners(reading) == {"N": arn("eve")}
    assert "eve came into being after the credential report" in whys(reading)["iam_user.mfa_active"]


async def test_a_user_who_is_gone_takes_the_keys_along() -> None:
    readings = Readings([report(row("ada", line(1)))], [()])
    reading = await fetch(readings, held("K", "ada", of=10))
    assert (keys_in(reading), reading.covers) == ({}, COVERED)
    assert "use K" not in readings.calls, "the list of users and the one of keys agree"


async def test_a_key_that_neither_report_nor_list_has_is_gone() -> None:
    readings = Readings([report(row("ada"))], [(user("ada"),)], {"ada": ()}, {"K": used(8)})
    reading = await fetch(readings, held("K", "ada", of=6))
    assert (keys_in(reading), reading.covers, reading.unread) == ({}, COVERED, [])
    assert "use K" not in readings.calls, "two answers agree"


@pytest.mark.parametrize("cause", [AwsCause.DENIED, AwsCause.GONE, AwsCause.FINAL])
async def test_a_key_that_only_the_report_has_is_gone_if_aws_does_not_tell_its_use(cause: AwsCause) -> None:
    why = AwsError("No.", cause=cause, operation="iam:GetAccessKeyLastUsed", code="AccessDenied")
    readings = Readings([report(row("ada", line(1, False)))], [(user("ada"),)], {"ada": ()}, {"K": why})
    reading = await fetch(readings, held("K", "ada", of=6))
    assert (keys_in(reading), reading.covers, reading.unread) == ({}, COVERED, [])


async def test_a_key_that_only_the_report_has_stays_while_its_use_cannot_be_asked() -> None:
    uses = {"K": later("iam:GetAccessKeyLastUsed")}
    readings = Readings([report(row("ada", line(1, False)))], [(user("ada"),)], {"ada": ()}, uses)
    with pytest.raises(AwsError, match="Later"):
        await fetch(readings, held("K", "ada", of=6))


async def test_what_changed_between_two_calls_is_read_again() -> None:
    told = report(row("ada", line(1)))
    readings = Readings([told], [(), (user("ada"),)], {"ada": [key("K", "ada")]})
    assert owners(await fetch(readings)) == {"K": arn("ada")}
    assert readings.calls.count("report") == 2


@pytest.mark.parametrize("which", ["reports", "user_lists"])
async def test_what_cannot_be_read_for_now_fails_the_reading(which: str) -> None:
    readings = Readings()
    setattr(readings, which, [later("iam:Something")])
    with pytest.raises(AwsError, match="Later"):
        await fetch(readings)


async def test_one_list_of_keys_that_fails_fails_the_reading() -> None:
    told = report(row("ada", line(1)), row("bob", line(1)))
    lists: Lists = {"ada": [key("K", "ada")], "bob": later("iam:ListAccessKeys")}
    with pytest.raises(AwsError, match="Later"):
        await fetch(Readings([told], [(user("ada"), user("bob"))], lists))
