"""An account's credentials as their reader sees them: whole, or an error."""

from collections.abc import Iterator
from typing import Any

import pytest

from grantwire.aws import CREDENTIALS, Calls, Sessions
from grantwire.aws.credentials.reader import CredentialReader
from grantwire.aws.errors import lacks_permission
from grantwire.contracts.connectors import Connector
from grantwire.contracts.failures import AwsCause, AwsError
from grantwire.sandbox.server import Sandbox, start
from tests.integration.aws.entering import QUICK
from tests.integration.collectors.conftest import use
from tests.integration.sandbox.clients import admin


@pytest.fixture(scope="module")
def running() -> Iterator[Sandbox]:
    with start(1, credentials=True, users=14, groups=2, roles=6) as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(running: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sandbox]:
    running.control("POST", "reset")
    use(running, monkeypatch)
    yield running
    assert running.violations() == []


def reader(sandbox: Sandbox, calls: Calls, plan: str = "bulk", waits: list[float] | None = None) -> CredentialReader:
    """``waits``: what it waited, told to the sandbox's clock instead of a real one."""

    async def pause(seconds: float) -> None:
        (waits if waits is not None else []).append(seconds)
        sandbox.control("POST", "clock", {"advance": seconds})

    settings = Connector(**{"id": "prod", **sandbox.facts["connectors"][plan]})
    return CredentialReader(Sessions(QUICK, calls, actions=CREDENTIALS).get(settings, 1), pause)


async def test_the_report_the_keys_and_their_use_are_the_truth(sandbox: Sandbox, calls: Calls) -> None:
    found = reader(sandbox, calls)
    report = await found.report()
    lines = sandbox.truth(sources=["credentials"])
    keys = {key.id: key for row in report.rows if row.keys and not row.is_root for key in await found.keys(row.name)}
    told = {line["native_id"]: line["attributes"] for line in lines if line["kind"] == "access_key"}
    assert {id: key.status for id, key in keys.items()} == {id: key["status"] for id, key in told.items()}
    for id, attributes in told.items():
        used = await found.last_use(id)
        assert (used.at is None, used.service, used.region) == (
            attributes["last_used_at"] is None,
            attributes["last_used_service"],
            attributes["last_used_region"],
        )
    owners = {line["source"].rpartition("/")[2] for line in lines if line["kind"] == "owns"}
    assert owners == {row.name for row in report.rows if row.keys and not row.is_root}


async def test_a_report_that_takes_its_time_is_waited_for(sandbox: Sandbox, calls: Calls) -> None:
    sandbox.control("POST", "credentials", {"delay": 3.0})
    waits: list[float] = []
    report = await reader(sandbox, calls, waits=waits).report()
    assert len(report.rows) > 14
    assert 3.0 <= sum(waits) <= 8.0


async def test_a_report_that_is_never_made_is_an_error_that_may_pass(sandbox: Sandbox, calls: Calls) -> None:
    sandbox.control("POST", "credentials", {"delay": 3_000.0})
    with pytest.raises(AwsError, match="has not finished the credential report in 60 s") as caught:
        await reader(sandbox, calls).report()
    assert caught.value.cause is AwsCause.TRANSIENT


async def test_a_key_that_was_switched_off_since_the_report_is_off(sandbox: Sandbox, calls: Calls) -> None:
    found = reader(sandbox, calls)
    row = next(row for row in (await found.report()).rows if row.keys and not row.is_root)
    key = next(key for key in await found.keys(row.name))
    admin(sandbox).update_access_key(UserName=row.name, AccessKeyId=key.id, Status="Inactive")
    assert (await found.report()).rows == (await found.report()).rows
    assert {each.status for each in await found.keys(row.name) if each.id == key.id} == {"Inactive"}


async def test_without_permission_the_report_is_denied(sandbox: Sandbox, calls: Calls) -> None:
    with pytest.raises(AwsError) as caught:
        await reader(sandbox, calls, "minimum").report()
    assert lacks_permission(caught.value)


@pytest.mark.parametrize("operation", ["GenerateCredentialReport", "GetCredentialReport", "ListAccessKeys"])
@pytest.mark.parametrize("kind", ["throttle", "cut", "garbage", "error"])
async def test_a_fault_is_an_error_and_never_a_shorter_answer(
    sandbox: Sandbox, calls: Calls, operation: str, kind: str
) -> None:
    sandbox.control("POST", "faults", [{"kind": kind, "service": "iam", "operation": operation}])

    async def read(found: CredentialReader) -> Any:
        return [await found.keys(row.name) for row in (await found.report()).rows if not row.is_root]

    with pytest.raises(AwsError):
        await read(reader(sandbox, calls))
    assert all(rule["fired"] for rule in sandbox.control("GET", "faults"))
