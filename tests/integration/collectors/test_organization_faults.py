"""Every fault on every call to Organizations: the right cause, and never a short list."""

import json
from typing import Any

import pytest

from grantwire.aws.errors import INCONSISTENT
from grantwire.collectors.kit.reading import Reading
from grantwire.contracts.failures import AwsCause, AwsError
from grantwire.sandbox.server import Sandbox
from tests.integration.collectors.reading import (
    collectors,
    connector,
    exported,
    organization_job,
    patience,
    read_organization,
    truth,
)

LISTS = (
    "ListRoots",
    "ListAccounts",
    "ListOrganizationalUnitsForParent",
    "ListAccountsForParent",
    "ListDelegatedAdministrators",
    "ListDelegatedServicesForAccount",
)
SOFT = LISTS[4:]  # what they tell may stay unread
EVERY_CALL = ("DescribeOrganization", *LISTS)
READERS = ("organization", "delegated")
PASSING = ("throttle", "error", "timeout", "cut", "drop", "garbage")


def fault(sandbox: Sandbox, kind: str, call: str, **options: object) -> None:
    sandbox.fault({"kind": kind, "service": "organizations", "operation": call, **options})


def fired(sandbox: Sandbox) -> int:
    return sum(rule["fired"] for rule in sandbox.control("GET", "faults"))


def whole(sandbox: Sandbox) -> set[str]:
    """The organization's own lines: those of no account's IAM."""
    return truth(sandbox, "minimum", accounts=[])


def is_whole(sandbox: Sandbox, reading: Reading) -> bool:
    return exported(reading.facts()) == whole(sandbox)


@pytest.mark.parametrize("call", EVERY_CALL)
@pytest.mark.parametrize("kind", PASSING)
async def test_what_may_pass_is_transient_and_names_the_call(organization: Sandbox, kind: str, call: str) -> None:
    fault(organization, kind, call)
    with pytest.raises(AwsError) as caught:
        await read_organization(organization, aws=patience(kind))
    assert fired(organization) > 1, "it was asked again before giving up"
    assert (caught.value.cause, caught.value.operation) == (AwsCause.TRANSIENT, f"organizations:{call}")


@pytest.mark.parametrize("call", EVERY_CALL)
@pytest.mark.parametrize("kind", PASSING)
async def test_a_fault_that_passes_costs_a_retry_and_nothing_else(organization: Sandbox, kind: str, call: str) -> None:
    fault(organization, kind, call, times=1)
    reading = await read_organization(organization, aws=patience(kind))
    assert fired(organization) == 1
    assert is_whole(organization, reading)


@pytest.mark.parametrize("call", LISTS)
@pytest.mark.parametrize("kind", ["error", "cut"])
async def test_a_fault_in_the_middle_of_a_walk_is_no_end_of_it(organization: Sandbox, kind: str, call: str) -> None:
    fault(organization, kind, call, **{"from": 2})
    try:
        reading = await read_organization(organization)
    except AwsError as error:
        assert error.cause is AwsCause.TRANSIENT
        assert fired(organization) > 0
    else:
        assert fired(organization) == 0, "the call was made once"
        assert is_whole(organization, reading)


@pytest.mark.parametrize("call", EVERY_CALL)
async def test_a_clock_that_differs_is_named_as_such(organization: Sandbox, call: str) -> None:
    fault(organization, "skew", call)
    with pytest.raises(AwsError, match="clock differs") as caught:
        await read_organization(organization)
    assert fired(organization) > 0
    assert caught.value.cause is AwsCause.CLOCK


@pytest.mark.parametrize("call", LISTS)
async def test_a_page_that_leads_back_is_never_the_end(organization: Sandbox, call: str) -> None:
    fault(organization, "repeat_token", call)
    organization.control("POST", "mess", {"short": 0.0, "empty": 0.9})
    try:
        reading = await read_organization(organization)
    except AwsError as error:
        assert (error.cause, error.code) == (AwsCause.TRANSIENT, INCONSISTENT)
        assert fired(organization) > 0
    else:
        assert fired(organization) == 0, "the call had one page only"
        assert is_whole(organization, reading)


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("call", LISTS)
async def test_an_empty_list_that_other_answers_contradict_is_not_believed(
    organization: Sandbox, call: str, reader: str
) -> None:
    fault(organization, "empty", call)
    if (call, reader) == ("ListDelegatedAdministrators", "organization"):
        assert_only_services_differ(organization, await read_organization(organization, reader))
        return
    with pytest.raises(AwsError) as caught:
        await read_organization(organization, reader)
    assert fired(organization) > 0
    assert (caught.value.cause, caught.value.code) == (AwsCause.TRANSIENT, INCONSISTENT)


def assert_only_services_differ(sandbox: Sandbox, reading: Reading) -> None:
    """The one empty list that nothing else AWS says contradicts. No row goes with it."""
    assert fired(sandbox) > 0
    found = exported(reading.facts())
    assert len(found) == len(whole(sandbox))
    [lost] = found - whole(sandbox)
    assert '"delegated_services": []' in lost


@pytest.mark.parametrize("nth", range(1, 12))
async def test_one_place_that_seems_to_hold_no_account_is_read_again(organization: Sandbox, nth: int) -> None:
    organization.control("POST", "mess", {"short": 0, "empty": 0})
    fault(organization, "empty", "ListAccountsForParent", nth=nth)
    reading = await read_organization(organization)
    assert fired(organization) == 1
    assert is_whole(organization, reading)


@pytest.mark.parametrize("nth", range(1, 12))
async def test_one_place_that_seems_to_hold_no_unit_is_read_again_if_accounts_are_below_it(
    organization: Sandbox, nth: int
) -> None:
    organization.control("POST", "mess", {"short": 0, "empty": 0})
    fault(organization, "empty", "ListOrganizationalUnitsForParent", nth=nth)
    reading = await read_organization(organization)
    assert fired(organization) == 1
    homes = {each["parent"] for each in organization.organization()["accounts"]}
    lost = lines_lost(organization, reading)
    assert {row["native_id"] for row in lost if row["type"] == "resource"}.isdisjoint(homes)
    assert {row["target_kind"] for row in lost if row["type"] == "relation"} <= {"organizational_unit"}


def lines_lost(sandbox: Sandbox, reading: Reading) -> list[dict[str, Any]]:
    return [json.loads(line) for line in whole(sandbox) - exported(reading.facts())]


@pytest.mark.parametrize("call", LISTS)
async def test_an_answer_of_yesterday_is_not_mixed_with_todays(organization: Sandbox, call: str) -> None:
    shown = organization.organization()
    organization.organization({"leave": shown["accounts"][-1]["id"]})
    fault(organization, "stale", call)
    try:
        reading = await read_organization(organization)
    except AwsError as error:
        assert (error.cause, error.code) == (AwsCause.TRANSIENT, INCONSISTENT)
    else:
        assert is_whole(organization, reading)
    assert fired(organization) > 0


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("call", [call for call in EVERY_CALL if call not in SOFT])
async def test_a_denied_call_is_denied(organization: Sandbox, call: str, reader: str) -> None:
    fault(organization, "deny", call)
    with pytest.raises(AwsError) as caught:
        await read_organization(organization, reader)
    assert fired(organization) > 0
    assert (caught.value.cause, caught.value.operation) == (AwsCause.DENIED, f"organizations:{call}")


@pytest.mark.parametrize("call", SOFT)
async def test_denied_administrators_leave_their_services_unread(organization: Sandbox, call: str) -> None:
    fault(organization, "deny", call)
    reading = await read_organization(organization)
    [note] = reading.unread
    assert note.what == "account.delegated_services" and f"organizations:{call}" in note.why
    found = reading.facts()
    assert all("delegated_services" not in row.attributes for row in found.resources)
    assert len(exported(found)) == len(whole(organization))


async def test_an_account_that_left_its_organization_is_told_so(organization: Sandbox) -> None:
    organization.organization({"leave": organization.facts["organization"]["delegated_administrator"]})
    with pytest.raises(AwsError, match="belongs to no organization") as caught:
        await read_organization(organization, "delegated")
    assert caught.value.code == "AWSOrganizationsNotInUseException"


async def test_an_account_that_administers_nothing_any_more_is_told_so(organization: Sandbox) -> None:
    former = organization.facts["organization"]["delegated_administrator"]
    organization.organization({"leave": former}, {"join": former})
    with pytest.raises(AwsError, match="only an organization's management account and its delegated admin") as caught:
        await read_organization(organization, "delegated")
    assert caught.value.cause is AwsCause.DENIED


async def test_another_organization_is_never_read_for_this_one(organization: Sandbox) -> None:
    settings = connector(organization, "organization")
    with collectors() as process, pytest.raises(AwsError, match="belongs to the organization") as caught:
        await process.organization.read(settings, organization_job(settings, "o-someother1"))
    assert caught.value.code == "WrongOrganization"
    assert "organizations.ListAccounts" not in organization.control("GET", "calls")["operations"]
