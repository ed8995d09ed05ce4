"""Every fault on every call, and every permission that may be missing: the right cause, and never a short list."""

from collections.abc import Iterator

import pytest

from grantwire.aws.errors import INCONSISTENT
from grantwire.collectors.kit.reading import Reading
from grantwire.contracts.failures import AwsCause, AwsError
from grantwire.contracts.resources import Kind
from grantwire.sandbox.server import Sandbox, start
from tests.integration.collectors.conftest import use
from tests.integration.collectors.credential_reading import (
    Collecting,
    collecting,
    facets,
    told,
    told_lines,
)
from tests.integration.collectors.reading import lines, patience
from tests.integration.sandbox.clients import admin

ASSUME, GENERATE, REPORT = ("sts", "AssumeRole"), ("iam", "GenerateCredentialReport"), ("iam", "GetCredentialReport")
USERS, KEYS, USE = ("iam", "ListUsers"), ("iam", "ListAccessKeys"), ("iam", "GetAccessKeyLastUsed")
CALLS = (ASSUME, GENERATE, REPORT, USERS, KEYS, USE)
PASSING = ("throttle", "error", "timeout", "cut", "drop", "garbage")
CELLS = [
    pytest.param(call, kind, marks=[] if (row + column) % 3 == 0 else [pytest.mark.slow])
    for row, call in enumerate(CALLS)
    for column, kind in enumerate(PASSING)
]
USES = {"access_key.last_used_at", "access_key.last_used_region", "access_key.last_used_service"}
REPORTED = {"iam_user.console_access", "iam_user.mfa_active", "iam_user.password_last_changed"}


@pytest.fixture(scope="module")
def running() -> Iterator[Sandbox]:
    with start(1, credentials=True, users=8, groups=2, roles=5) as sandbox:
        yield sandbox


@pytest.fixture
def process(running: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Iterator[Collecting]:
    running.control("POST", "reset")
    use(running, monkeypatch)
    with collecting(running) as found:
        yield found
    assert running.violations() == []


def fault(sandbox: Sandbox, kind: str, call: tuple[str, str], **options: object) -> None:
    sandbox.fault({"kind": kind, "service": call[0], "operation": call[1], **options})


def fired(sandbox: Sandbox) -> int:
    return sum(rule["fired"] for rule in sandbox.control("GET", "faults"))


def prepare(sandbox: Sandbox, call: tuple[str, str]) -> None:
    """The use of keys is asked for where the report cannot tell it: of a key that is younger."""
    if call == USE:
        admin(sandbox).generate_credential_report()
        sandbox.control("POST", "clock", {"advance": 3_000})
        admin(sandbox).create_user(UserName="fresh")
        admin(sandbox).create_access_key(UserName="fresh")


async def read(process: Collecting, kind: str) -> Reading:
    """As patient as a fault of that kind needs it."""
    with collecting(process.sandbox, aws=patience(kind)) as patient:
        return await patient.read()


@pytest.mark.parametrize(("call", "kind"), CELLS)
async def test_what_may_pass_is_transient_and_names_the_call(
    process: Collecting, call: tuple[str, str], kind: str
) -> None:
    prepare(process.sandbox, call)
    fault(process.sandbox, kind, call)
    with pytest.raises(AwsError) as caught:
        await read(process, kind)
    assert fired(process.sandbox) > 1, "it was asked again before giving up"
    assert (caught.value.cause, caught.value.operation) == (AwsCause.TRANSIENT, ":".join(call))


@pytest.mark.parametrize(("call", "kind"), CELLS)
async def test_a_fault_that_passes_costs_a_retry_and_nothing_else(
    process: Collecting, call: tuple[str, str], kind: str
) -> None:
    prepare(process.sandbox, call)
    fault(process.sandbox, kind, call, times=1)
    reading = await read(process, kind)
    assert fired(process.sandbox) == 1
    assert told(reading) == told_lines(process.sandbox, process.sandbox.account)


@pytest.mark.parametrize("call", CALLS)
async def test_a_clock_that_differs_is_named_as_such(process: Collecting, call: tuple[str, str]) -> None:
    prepare(process.sandbox, call)
    fault(process.sandbox, "skew", call)
    with pytest.raises(AwsError, match="clock differs") as caught:
        await process.read()
    assert caught.value.cause is AwsCause.CLOCK


async def test_a_list_of_users_that_is_empty_is_not_believed(process: Collecting) -> None:
    fault(process.sandbox, "empty", USERS)
    with pytest.raises(AwsError, match="not in ListUsers") as caught:
        await process.read()
    assert (caught.value.cause, caught.value.code) == (AwsCause.TRANSIENT, INCONSISTENT)


async def test_a_list_of_keys_that_is_empty_takes_no_known_key_away(process: Collecting) -> None:
    await process.read()
    for user in {line["source"] for line in process.sandbox.truth(sources=["credentials"]) if line["kind"] == "owns"}:
        for key in admin(process.sandbox).list_access_keys(UserName=user.rpartition("/")[2])["AccessKeyMetadata"]:
            other = "Inactive" if key["Status"] == "Active" else "Active"
            if not user.endswith("sandbox-admin"):
                names = {"UserName": key["UserName"], "AccessKeyId": key["AccessKeyId"]}
                admin(process.sandbox).update_access_key(**names, Status=other)
    process.sandbox.control("POST", "clock", {"advance": 15_000})
    fault(process.sandbox, "empty", KEYS)
    with pytest.raises(AwsError, match="is listed no more, but AWS tells its use") as caught:
        await process.read()
    assert (caught.value.cause, caught.value.code) == (AwsCause.TRANSIENT, INCONSISTENT)


async def test_a_report_that_is_never_made_may_pass_and_says_so(process: Collecting) -> None:
    process.sandbox.control("POST", "credentials", {"delay": 3_000.0})
    with pytest.raises(AwsError, match="has not finished the credential report") as caught:
        await process.read()
    assert caught.value.cause is AwsCause.TRANSIENT


@pytest.mark.parametrize(
    ("action", "plan", "unread", "uncovered"),
    [
        ("iam:GenerateCredentialReport", "keys", {*REPORTED, "iam_user", "access_key.report_time"}, {"facet"}),
        ("iam:GetCredentialReport", "keys", {*REPORTED, "iam_user", "access_key.report_time"}, {"facet", "contains"}),
        ("iam:ListAccessKeys", "report", {"access_key", "owns"}, {"access_key", "owns"}),
        ("iam:GetAccessKeyLastUsed", "report", set(), set()),
        ("iam:ListUsers", "report", {"access_key"}, {"facet"}),
    ],
)
async def test_each_permission_may_be_missing(
    action: str, plan: str, unread: set[str], uncovered: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with start(2, credentials=True, users=8, groups=2, roles=5, without=[action]) as sandbox:
        use(sandbox, monkeypatch)
        with collecting(sandbox) as process:
            reading = await process.read()
        why = {note.what: note.why for note in reading.unread}
        assert (reading.plan, set(why)) == (plan, unread)
        assert all(action in text for text in why.values())
        assert not uncovered & set(reading.covers)
        hidden = [name for name in unread if name != "access_key" or action != "iam:ListUsers"]
        wanted = lines(sandbox.truth(sources=["credentials"], without=hidden))
        root = {line for line in wanted if f":{sandbox.account}:root" in line or '"native_id": "arn' in line}
        assert told(reading) == (wanted - root if plan == "keys" else wanted)
        assert bool(facets(reading)) is (plan == "report")


async def test_without_report_and_use_the_keys_are_told_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    gone = ["iam:GetCredentialReport", "iam:GetAccessKeyLastUsed"]
    with start(2, credentials=True, users=8, groups=2, roles=5, without=gone) as sandbox:
        use(sandbox, monkeypatch)
        with collecting(sandbox) as process:
            reading = await process.read()
        assert {note.what for note in reading.unread} >= USES
        keys = {row.native_id for row in reading.facts().resources if row.kind is Kind.ACCESS_KEY}
        wanted = {row["native_id"] for row in sandbox.truth(sources=["credentials"]) if row["kind"] == "access_key"}
        assert keys == wanted and reading.covers == ["access_key", "owns"]
        assert process.calls["iam:GetAccessKeyLastUsed"] <= 6, "the rest is not asked"
