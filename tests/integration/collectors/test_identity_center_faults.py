"""Every fault on every call to Identity Center: the right cause, and never a short list."""

from collections.abc import Iterator

import pytest

from grantwire.aws import tallying
from grantwire.aws.errors import INCONSISTENT
from grantwire.contracts.failures import AwsCause, AwsError
from grantwire.sandbox.identity_center.facts import DirectorySizes
from grantwire.sandbox.server import Sandbox, start
from tests.integration.collectors.center import Center, center, scopes_of
from tests.integration.collectors.conftest import use
from tests.integration.collectors.reading import exported
from tests.integration.sandbox.sso_clients import boss

SIZES = DirectorySizes(8, 4, 4, 6)
SETS, USERS, GROUPS, MEMBERSHIPS, MANAGEMENT, MEMBER = range(6)  # scopes, in the order of a run
# Each call, and the scope that makes it.
LISTS = {
    "ListInstances": USERS,
    "ListUsers": USERS,
    "ListGroups": GROUPS,
    "ListGroupMemberships": MEMBERSHIPS,
    "ListPermissionSets": SETS,
    "ListManagedPoliciesInPermissionSet": SETS,
    "ListCustomerManagedPolicyReferencesInPermissionSet": SETS,
    "ListTagsForResource": SETS,
    "ListPermissionSetsProvisionedToAccount": MEMBER,
    "ListAccountAssignments": MEMBER,
}
OTHERS = {
    "DescribePermissionSet": SETS,
    "GetInlinePolicyForPermissionSet": SETS,
    "GetPermissionsBoundaryForPermissionSet": SETS,
}
CALLS = {**LISTS, **OTHERS}
OTHER_FAULTS = ("throttle", "error", "garbage")
# What no other call of AWS tells of a permission set.
ALONE = (
    "ListManagedPoliciesInPermissionSet",
    "ListCustomerManagedPolicyReferencesInPermissionSet",
    "ListTagsForResource",
)


@pytest.fixture(scope="module")
def running() -> Iterator[Sandbox]:
    with start(1, users=4, groups=2, roles=4, accounts=4, calm=True, identity_center=True, directory=SIZES) as sandbox:
        yield sandbox


@pytest.fixture(params=["organization"])
def process(request: pytest.FixtureRequest, running: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Iterator[Center]:
    running.control("POST", "reset")
    use(running, monkeypatch)
    with center(running, request.param) as one:
        yield one
    assert running.violations() == []


def fault(process: Center, kind: str, call: str, **options: object) -> None:
    service = "identitystore" if call in ("ListUsers", "ListGroups", "ListGroupMemberships") else "sso-admin"
    process.sandbox.fault({"kind": kind, "service": service, "operation": call, **options})


def fired(process: Center) -> int:
    return sum(rule["fired"] for rule in process.sandbox.control("GET", "faults"))


def scope(process: Center, number: int) -> str:
    return scopes_of(process.sandbox)[number]


@pytest.mark.parametrize("process", ["organization"], indirect=True)
@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("kind", ["cut", *(pytest.param(kind, marks=pytest.mark.slow) for kind in OTHER_FAULTS)])
async def test_what_may_pass_is_transient_and_costs_a_retry_alone(process: Center, kind: str, call: str) -> None:
    wanted = scope(process, CALLS[call])
    fault(process, kind, call, times=1)
    whole = await process.read(wanted)
    assert fired(process) == 1
    process.runs += 1
    fault(process, kind, call)
    with pytest.raises(AwsError) as caught:
        await process.read(wanted)
    assert (caught.value.cause, caught.value.operation.partition(":")[2]) == (AwsCause.TRANSIENT, call)
    process.sandbox.control("DELETE", "faults")
    assert exported((await process.read(wanted)).facts()) == exported(whole.facts())


@pytest.mark.parametrize("call", [call for call in LISTS if call not in (*ALONE, "ListInstances")])
@pytest.mark.parametrize("process", ["organization", pytest.param("delegated", marks=pytest.mark.slow)], indirect=True)
async def test_an_empty_list_is_contradicted_by_another_call(process: Center, call: str) -> None:
    await process.read_all()
    fault(process, "empty", call)
    with pytest.raises(AwsError, match="still there") as caught:
        await process.read(scope(process, LISTS[call]))
    assert (caught.value.cause, caught.value.code) == (AwsCause.TRANSIENT, INCONSISTENT)
    assert caught.value.operation.partition(":")[2] == call


@pytest.mark.parametrize("process", ["organization"], indirect=True)
async def test_one_empty_list_of_policies_is_read_again(process: Center) -> None:
    await process.read_all()
    for nth in range(1, 5):  # one of them is of a set that has policies
        fault(process, "empty", "ListManagedPoliciesInPermissionSet", nth=nth)
    with pytest.raises(AwsError, match="still there"):
        await process.read(scope(process, SETS))


@pytest.mark.parametrize("process", ["organization"], indirect=True)
@pytest.mark.parametrize("call", [call for call, number in CALLS.items() if number != SETS or "Sets" in call])
async def test_a_minimum_permission_that_is_denied_is_named(process: Center, call: str) -> None:
    fault(process, "deny", call)
    with pytest.raises(AwsError) as caught:
        await process.read(scope(process, CALLS[call]))
    assert (caught.value.cause, caught.value.operation.partition(":")[2]) == (AwsCause.DENIED, call)


async def test_a_lost_instance_asks_for_the_connector_to_be_saved_again(process: Center) -> None:
    fault(process, "empty", "ListInstances")
    with pytest.raises(AwsError, match="save the connector again") as caught:
        await process.read(scope(process, USERS))
    assert caught.value.code == "WrongInstance"
    assert "identitystore.ListUsers" not in process.sandbox.control("GET", "calls")["operations"]


@pytest.mark.parametrize("process", ["organization"], indirect=True)
async def test_a_group_that_goes_while_it_is_read_is_no_end_of_the_reading(process: Center) -> None:
    """A list that shows what is gone by now, once: it is listed again, and of the others nobody is asked for twice."""
    group = process.sandbox.identity_center()["Team"][0]["id"]
    process.sandbox.identity_center({"delete_group": group})
    fault(process, "stale", "ListGroups", times=1)
    with tallying() as tally:
        reading = await process.read(scope(process, MEMBERSHIPS))
    assert fired(process) == 1
    assert group not in {row.target for row in reading.facts().relations}
    assert tally.calls["identitystore:ListGroups"] == 2
    assert tally.calls["identitystore:ListGroupMemberships"] == SIZES.groups


@pytest.mark.parametrize("process", ["organization"], indirect=True)
async def test_a_permission_set_that_goes_while_it_is_read_is_no_end_of_the_reading(process: Center) -> None:
    shown = process.sandbox.identity_center()
    used = {row["permission_set"] for row in shown["Provisioned"]}
    unused = next(row["arn"] for row in shown["PermissionSet"] if row["arn"] not in used)
    given = {"InstanceArn": process.instance.instance_arn, "PermissionSetArn": unused}
    boss(process.sandbox).delete_permission_set(**given)
    fault(process, "stale", "ListPermissionSets", times=1)
    with tallying() as tally:
        reading = await process.read(scope(process, SETS))
    assert fired(process) == 1
    assert unused not in {row.native_id for row in reading.facts().resources}
    assert tally.calls["sso:ListPermissionSets"] == 2
    assert tally.calls["sso:DescribePermissionSet"] == SIZES.permission_sets - 1
