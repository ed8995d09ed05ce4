"""Keys and users that change while the report is old: what it was told before never undoes what was learnt later."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from grantwire.collectors.kit.reading import Reading
from grantwire.contracts.failures import AwsError
from grantwire.contracts.resources import Kind
from grantwire.sandbox.server import Sandbox, start
from tests.integration.collectors.conftest import use
from tests.integration.collectors.credential_reading import (
    Collecting,
    collecting,
    facets,
    facets_wanted,
    told,
    told_lines,
)
from tests.integration.sandbox.clients import admin

ASKED, USED = "iam:ListAccessKeys", "iam:GetAccessKeyLastUsed"
HOUR = 3_600


@pytest.fixture(scope="module")
def running() -> Iterator[Sandbox]:
    with start(1, credentials=True, users=14, groups=2, roles=6) as sandbox:
        yield sandbox


@pytest.fixture
def process(running: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Iterator[Collecting]:
    running.control("POST", "reset")
    use(running, monkeypatch)
    with collecting(running) as found:
        yield found
    assert running.violations() == []


def active(sandbox: Sandbox) -> tuple[str, str]:
    """The name of a user with one active key, and the key's id."""
    found = sandbox.truth(sources=["credentials"])
    status = {line["native_id"]: line["attributes"]["status"] for line in found if line["kind"] == "access_key"}
    owned: dict[str, list[str]] = {}
    for line in found:
        if line["kind"] == "owns" and not line["source"].endswith("sandbox-admin"):
            owned.setdefault(line["source"].rpartition("/")[2], []).append(line["target"])
    return next((name, ids[0]) for name, ids in owned.items() if len(ids) == 1 and status[ids[0]] == "Active")


def report_now(sandbox: Sandbox) -> None:
    """Somebody has the report made, so that it is old when it is read."""
    admin(sandbox).generate_credential_report()


def four_hours_later(sandbox: Sandbox) -> None:
    sandbox.control("POST", "clock", {"advance": 4 * HOUR + 60})


def status(reading: Reading, key: str) -> str | None:
    rows = {row.native_id: row.attributes for row in reading.facts().resources if row.kind is Kind.ACCESS_KEY}
    return rows[key]["status"] if key in rows else None


def is_true(process: Collecting, reading: Reading) -> bool:
    """A key has the time of the report that first brought what is told of it; some key has the newest one's."""
    sandbox = process.sandbox
    wanted, found = told_lines(sandbox, sandbox.account), told(reading)
    return (
        timeless(found) == timeless(wanted)
        and max(times(found)) == max(times(wanted))
        and facets(reading) == facets_wanted(sandbox, sandbox.account)
    )


def timeless(lines: set[str]) -> set[str]:
    """Without the times of reports."""
    rows = [json.loads(line) for line in lines]
    return {json.dumps({**row, "attributes": {**row["attributes"], "report_time": None}}) for row in rows}


def times(lines: set[str]) -> set[str]:
    found = (json.loads(line)["attributes"].get("report_time") for line in lines)
    return {time for time in found if time is not None}


def switch_off(sandbox: Sandbox, user: str, key: str) -> None:
    admin(sandbox).update_access_key(UserName=user, AccessKeyId=key, Status="Inactive")


async def test_a_key_that_was_switched_off_after_the_report_is_never_on_again(process: Collecting) -> None:
    sandbox = process.sandbox
    user, key = active(sandbox)
    report_now(sandbox)
    switch_off(sandbox, user, key)
    first, second = await process.read(), await process.read()
    assert (status(first, key), status(second, key)) == ("Inactive", "Inactive")
    assert ASKED not in process.calls, "the same report knows no better now"
    four_hours_later(sandbox)
    third = await process.read()
    assert status(third, key) == "Inactive"
    assert is_true(process, third)


async def test_a_key_that_was_switched_off_after_it_was_told_is_off_with_the_next_report(process: Collecting) -> None:
    sandbox = process.sandbox
    user, key = active(sandbox)
    await process.read()
    switch_off(sandbox, user, key)
    assert status(await process.read(), key) == "Active", "no call has told otherwise yet"
    four_hours_later(sandbox)
    reading = await process.read()
    assert (status(reading, key), process.calls[ASKED]) == ("Inactive", 1)
    assert is_true(process, reading)


async def test_a_key_that_was_off_and_is_on_again_is_asked_for(process: Collecting) -> None:
    sandbox = process.sandbox
    user, key = active(sandbox)
    report_now(sandbox)
    switch_off(sandbox, user, key)
    await process.read()
    admin(sandbox).update_access_key(UserName=user, AccessKeyId=key, Status="Active")
    four_hours_later(sandbox)
    assert status(await process.read(), key) == "Active"
    assert process.calls[ASKED] == 1


async def test_a_key_that_was_deleted_after_the_report_never_comes_back(process: Collecting) -> None:
    sandbox = process.sandbox
    user, key = active(sandbox)
    report_now(sandbox)
    admin(sandbox).delete_access_key(UserName=user, AccessKeyId=key)
    for _ in range(2):
        assert status(await process.read(), key) is None
    four_hours_later(sandbox)
    reading = await process.read()
    assert status(reading, key) is None and ASKED not in process.calls
    assert is_true(process, reading)


async def test_a_key_that_was_deleted_after_it_was_told_leaves_when_its_owner_was_asked(process: Collecting) -> None:
    sandbox = process.sandbox
    user, key = active(sandbox)
    await process.read()
    admin(sandbox).delete_access_key(UserName=user, AccessKeyId=key)
    four_hours_later(sandbox)
    reading = await process.read()
    assert status(reading, key) is None
    assert process.calls[ASKED] == 1 and USED not in process.calls, "the new report and the list agree"
    assert is_true(process, reading)


async def test_a_key_that_was_deleted_after_the_report_that_has_its_owner_asked_is_gone(process: Collecting) -> None:
    sandbox = process.sandbox
    user, key = active(sandbox)
    await process.read()
    switch_off(sandbox, user, key)
    four_hours_later(sandbox)
    report_now(sandbox)
    admin(sandbox).delete_access_key(UserName=user, AccessKeyId=key)
    reading = await process.read()
    assert status(reading, key) is None
    assert (process.calls[ASKED], process.calls[USED]) == (1, 1), "the report has it still: AWS is asked whether it is"
    assert timeless(told(reading)) == timeless(told_lines(sandbox, sandbox.account))


async def test_a_rotated_key_is_told_with_the_next_report_and_with_its_use(process: Collecting) -> None:
    sandbox = process.sandbox
    user, key = active(sandbox)
    await process.read()
    new = admin(sandbox).create_access_key(UserName=user)["AccessKey"]["AccessKeyId"]
    admin(sandbox).delete_access_key(UserName=user, AccessKeyId=key)
    assert status(await process.read(), new) is None, "the report is of before, and nobody was asked"
    four_hours_later(sandbox)
    reading = await process.read()
    assert (status(reading, key), status(reading, new)) == (None, "Active")
    assert is_true(process, reading)


async def test_a_key_rotated_before_the_first_reading_is_asked_its_use_once(process: Collecting) -> None:
    sandbox = process.sandbox
    user, key = active(sandbox)
    report_now(sandbox)
    sandbox.control("POST", "clock", {"advance": 60})
    new = admin(sandbox).create_access_key(UserName=user)["AccessKey"]["AccessKeyId"]
    admin(sandbox).delete_access_key(UserName=user, AccessKeyId=key)
    reading = await process.read()
    assert (status(reading, key), status(reading, new), process.calls[USED]) == (None, "Active", 1)
    assert is_true(process, reading)
    again = await process.read()
    assert not {ASKED, USED} & process.calls.keys()
    assert told(again) == told(reading)


async def test_a_user_who_came_after_the_report_is_told_with_his_keys(process: Collecting) -> None:
    sandbox = process.sandbox
    report_now(sandbox)
    sandbox.control("POST", "clock", {"advance": HOUR})
    admin(sandbox).create_user(UserName="fresh")
    key = admin(sandbox).create_access_key(UserName="fresh")["AccessKey"]["AccessKeyId"]
    reading = await process.read()
    assert status(reading, key) == "Active"
    assert timeless(told(reading)) == timeless(told_lines(sandbox, sandbox.account))
    why = {note.what: note.why for note in reading.unread}
    assert "user/fresh came into being after the credential report" in why["iam_user.mfa_active"]
    assert facets_wanted(sandbox, sandbox.account).keys() - facets(reading).keys() == {arn_of(sandbox, "fresh")}


def arn_of(sandbox: Sandbox, name: str) -> str:
    return str(admin(sandbox).get_user(UserName=name)["User"]["Arn"])


async def test_a_deleted_user_takes_the_keys_along_though_the_report_has_them(process: Collecting) -> None:
    sandbox = process.sandbox
    _fresh(sandbox)
    await process.read()
    _delete(sandbox)
    reading = await process.read()
    assert timeless(told(reading)) == timeless(told_lines(sandbox, sandbox.account))
    assert process.calls[ASKED] == 1, "AWS says that there is no such user any more"


async def test_a_recreated_user_has_neither_the_keys_nor_the_facet_of_the_other(process: Collecting) -> None:
    sandbox = process.sandbox
    old = _fresh(sandbox)
    await process.read()
    _delete(sandbox)
    sandbox.control("POST", "clock", {"advance": HOUR})
    new = _fresh(sandbox)
    reading = await process.read()
    assert (status(reading, old), status(reading, new)) == (None, "Active")
    assert timeless(told(reading)) == timeless(told_lines(sandbox, sandbox.account))
    assert arn_of(sandbox, "fresh") not in facets(reading)
    assert "facet" in reading.covers, "so what the report said of the other is no longer shown"
    four_hours_later(sandbox)
    assert is_true(process, await process.read())


def _fresh(sandbox: Sandbox) -> str:
    admin(sandbox).create_user(UserName="fresh")
    return str(admin(sandbox).create_access_key(UserName="fresh")["AccessKey"]["AccessKeyId"])


def _delete(sandbox: Sandbox) -> None:
    iam = admin(sandbox)
    for each in iam.list_access_keys(UserName="fresh")["AccessKeyMetadata"]:
        iam.delete_access_key(UserName="fresh", AccessKeyId=each["AccessKeyId"])
    iam.delete_user(UserName="fresh")


async def test_a_renamed_user_keeps_keys_and_facet(process: Collecting) -> None:
    sandbox = process.sandbox
    user, key = active(sandbox)
    await process.read()
    admin(sandbox).update_user(UserName=user, NewUserName="renamed", NewPath="/elsewhere/")
    reading = await process.read()
    assert status(reading, key) == "Active"
    assert is_true(process, reading)


async def test_an_older_report_than_the_one_before_is_not_believed(process: Collecting) -> None:
    sandbox = process.sandbox
    _, key = active(sandbox)
    reading = await process.read()
    ahead = {**told_row(reading, key), "report_time": "2099-01-02T03:04:05Z"}
    process.told.amend(sandbox.account, key, ahead)
    with pytest.raises(AwsError, match="was read before"):
        await process.read()


def told_row(reading: Reading, key: str) -> dict[str, Any]:
    [row] = [row for row in reading.facts().resources if row.native_id == key]
    return dict(row.attributes)


async def test_a_user_who_reads_his_own_account_is_in_the_report(
    process: Collecting, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(process.sandbox, monkeypatch, "admin_credentials")
    reading = await process.read(role_arn=None, external_id=None)
    assert is_true(process, reading)
    process.sandbox.fault({"kind": "deny", "service": "iam", "operation": "ListUsers"})
    assert is_true(process, await process.read(role_arn=None, external_id=None))
