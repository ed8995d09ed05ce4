"""Every fault on every call: the right cause, and never a short list."""

import pytest

from grantwire.aws.errors import INCONSISTENT
from grantwire.contracts.failures import AwsCause, AwsError
from grantwire.sandbox.server import Sandbox
from tests.integration.collectors.reading import exported, patience, read, truth

ASSUME, DETAILS = ("sts", "AssumeRole"), ("iam", "GetAccountAuthorizationDetails")
USERS, ROLES, GROUPS, GROUP = ("iam", "ListUsers"), ("iam", "ListRoles"), ("iam", "ListGroups"), ("iam", "GetGroup")
CALLS = {"bulk": (ASSUME, DETAILS, USERS, ROLES), "minimum": (USERS, GROUPS, ROLES, GROUP)}
EVERY_CALL = [(plan, call) for plan, calls in CALLS.items() for call in calls]
PASSING = ("throttle", "error", "timeout", "cut", "drop", "garbage")


def fault(sandbox: Sandbox, kind: str, call: tuple[str, str], **options: object) -> None:
    sandbox.fault({"kind": kind, "service": call[0], "operation": call[1], **options})


def fired(sandbox: Sandbox) -> int:
    return sum(rule["fired"] for rule in sandbox.control("GET", "faults"))


@pytest.mark.parametrize(("plan", "call"), EVERY_CALL)
@pytest.mark.parametrize("kind", PASSING)
async def test_what_may_pass_is_transient_and_names_the_call(
    sandbox: Sandbox, kind: str, plan: str, call: tuple[str, str]
) -> None:
    fault(sandbox, kind, call)
    with pytest.raises(AwsError) as caught:
        await read(sandbox, plan, patience(kind))
    assert fired(sandbox) > 1, "it was asked again before giving up"
    assert (caught.value.cause, caught.value.operation) == (AwsCause.TRANSIENT, ":".join(call))


@pytest.mark.parametrize(("plan", "call"), EVERY_CALL)
@pytest.mark.parametrize("kind", PASSING)
async def test_a_fault_that_passes_costs_a_retry_and_nothing_else(
    sandbox: Sandbox, kind: str, plan: str, call: tuple[str, str]
) -> None:
    fault(sandbox, kind, call, times=1)
    reading = await read(sandbox, plan, patience(kind))
    assert fired(sandbox) == 1
    assert exported(reading.facts()) == truth(sandbox, plan)


@pytest.mark.parametrize(("plan", "call"), EVERY_CALL)
async def test_a_clock_that_differs_is_named_as_such(sandbox: Sandbox, plan: str, call: tuple[str, str]) -> None:
    fault(sandbox, "skew", call)
    with pytest.raises(AwsError, match="clock differs") as caught:
        await read(sandbox, plan)
    assert caught.value.cause is AwsCause.CLOCK


@pytest.mark.parametrize(("plan", "call"), EVERY_CALL[1:])
async def test_a_page_that_leads_back_is_never_the_end(sandbox: Sandbox, plan: str, call: tuple[str, str]) -> None:
    fault(sandbox, "repeat_token", call)
    sandbox.control("POST", "mess", {"short": 1.0, "empty": 0.0})
    try:
        reading = await read(sandbox, plan)
    except AwsError as error:
        assert (error.cause, error.code) == (AwsCause.TRANSIENT, INCONSISTENT)
    else:
        assert fired(sandbox) == 0, "the call had one page only"
        assert exported(reading.facts()) == truth(sandbox, plan)


@pytest.mark.parametrize(
    ("plan", "call"),
    [("bulk", DETAILS), ("bulk", USERS), ("bulk", ROLES), ("minimum", USERS), ("minimum", ROLES)],
)
async def test_an_empty_list_that_other_answers_contradict_is_not_believed(
    sandbox: Sandbox, plan: str, call: tuple[str, str]
) -> None:
    fault(sandbox, "empty", call)
    with pytest.raises(AwsError) as caught:
        await read(sandbox, plan)
    assert (caught.value.cause, caught.value.code) == (AwsCause.TRANSIENT, INCONSISTENT)


@pytest.mark.parametrize(("call", "unread"), [(USERS, "iam_user.password_last_used"), (ROLES, "iam_role.description")])
async def test_a_denied_sweep_leaves_its_attributes_unread(
    sandbox: Sandbox, call: tuple[str, str], unread: str
) -> None:
    fault(sandbox, "deny", call)
    reading = await read(sandbox)
    why = {note.what: note.why for note in reading.unread}
    assert f"AWS refused iam:{call[1]} in account {sandbox.account}" in why[unread]
    kind, attribute = unread.split(".")
    assert all(attribute not in row.attributes for row in reading.facts().resources if row.kind.value == kind)
    assert len(exported(reading.facts())) == len(truth(sandbox))


@pytest.mark.parametrize("call", [ASSUME, USERS, GROUPS, ROLES])
async def test_a_denied_list_of_the_minimum_is_denied(sandbox: Sandbox, call: tuple[str, str]) -> None:
    fault(sandbox, "deny", call)
    with pytest.raises(AwsError) as caught:
        await read(sandbox, "minimum")
    assert (caught.value.cause, caught.value.operation) == (AwsCause.DENIED, ":".join(call))


async def test_closed_groups_leave_memberships_unread_and_uncovered(sandbox: Sandbox) -> None:
    fault(sandbox, "deny", GROUP)
    reading = await read(sandbox, "minimum")
    assert "member_of" not in reading.covers
    assert "iam:GetGroup" in {note.what: note.why for note in reading.unread}["member_of"]
    assert truth(sandbox, "minimum") - exported(reading.facts()) == {
        line for line in truth(sandbox, "minimum") if '"member_of"' in line
    }
    assert sandbox.control("GET", "calls")["operations"]["iam.GetGroup"] <= 4, "the rest is not asked"


async def test_some_closed_groups_keep_what_the_open_ones_tell(sandbox: Sandbox) -> None:
    fault(sandbox, "deny", GROUP, nth=2)
    reading = await read(sandbox, "minimum")
    assert "member_of" not in reading.covers
    assert "1 groups were not opened" in {note.what: note.why for note in reading.unread}["member_of"]
    found = exported(reading.facts())
    assert found <= truth(sandbox, "minimum"), "the closed group may be one without members"
    assert any('"member_of"' in line for line in found)
