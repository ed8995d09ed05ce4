"""What commands read and write in Identity Center: each write sent once, each request followed by its id."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from grantwire.aws import Calls, ProvisioningSessions, tallying
from grantwire.aws.identity_center.access import IdentityCenterAccess
from grantwire.aws.identity_center.shapes import Assignment, AssignmentRequest
from grantwire.aws.permissions import OperationKind, in_management
from grantwire.contracts.commands import Verb
from grantwire.contracts.failures import AwsCause, AwsError
from grantwire.contracts.identity_center import IdentityCenter
from grantwire.sandbox.identity_center.facts import DirectorySizes
from grantwire.sandbox.server import Sandbox, start
from tests.integration.aws.entering import QUICK, admin, connector, patience
from tests.integration.collectors.center import instance_of
from tests.integration.collectors.conftest import use
from tests.integration.sandbox.sso_clients import LONG, boss, directory, fresh_set

NOBODY = "00000000-0000-0000-0000-000000000000"
VERBS: list[Verb] = ["grant", "revoke"]
# Fault, cause, ambiguous, writes carried out: what JSON may make differ; the rest is IAM's table.
TABLE: list[tuple[dict[str, Any], AwsCause, bool, int]] = [
    ({"kind": "throttle"}, AwsCause.TRANSIENT, False, 0),
    ({"kind": "deny"}, AwsCause.DENIED, False, 0),
    ({"kind": "conflict"}, AwsCause.CONFLICT, False, 0),
    ({"kind": "error"}, AwsCause.TRANSIENT, True, 0),
    ({"kind": "timeout"}, AwsCause.TRANSIENT, True, 0),
    ({"kind": "garbage", "body": "{}"}, AwsCause.TRANSIENT, True, 0),
    ({"kind": "cut"}, AwsCause.TRANSIENT, True, 1),
    ({"kind": "lost"}, AwsCause.TRANSIENT, True, 1),
]


@dataclass
class World:
    """An organization with Identity Center, a fresh permission set, and somebody to assign."""

    sandbox: Sandbox
    sessions: ProvisioningSessions
    center: IdentityCenter
    arn: str = ""

    def access(self, kind: OperationKind = "assignment", reader: str = "organization") -> IdentityCenterAccess:
        session = self.sessions.get(connector(self.sandbox, reader, id=reader), 1, self.account, kind)
        return IdentityCenterAccess(session, self.center)

    @property
    def management(self) -> str:
        return self.sandbox.account

    @property
    def account(self) -> str:
        return str(self.sandbox.facts["organization"]["member_accounts"][-1])

    @property
    def person(self) -> str:
        return self.first("Person", 1)

    def first(self, kind: str, number: int = 0) -> str:
        return str(self.sandbox.identity_center()[kind][number]["id"])

    def pass_by(self, seconds: float) -> None:
        self.sandbox.control("POST", "clock", {"advance": seconds})

    async def assign(self, verb: Verb, account: str | None = None, access: IdentityCenterAccess | None = None) -> str:
        """Ask for it; the id of the request."""
        through = access or self.access()
        write = through.create_assignment if verb == "grant" else through.delete_assignment
        return (await write(account or self.account, self.arn, "USER", self.person)).request_id

    def writes(self) -> list[tuple[str, str]]:
        return [(each["account"], each["operation"]) for each in self.sandbox.writes()]


@pytest.fixture(scope="module")
def running() -> Iterator[Sandbox]:
    given: dict[str, Any] = {"users": 2, "groups": 1, "roles": 4, "accounts": 4, "calm": True, "provisioning": True}
    with start(5, identity_center=True, directory=DirectorySizes(8, 4, 4, 4), **given) as sandbox:
        yield sandbox


@pytest.fixture
def world(running: Sandbox, calls: Calls, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    running.control("POST", "reset")
    running.identity_center({"delay": LONG})
    use(running, monkeypatch)
    found = World(running, ProvisioningSessions(QUICK, calls), instance_of(running), fresh_set(running))
    running.control("DELETE", "writes")
    yield found
    assert running.violations() == []


async def test_an_assignment_is_given_and_taken_and_followed_by_its_id(world: World) -> None:
    access, wanted = world.access(), Assignment(world.account, world.arn, "USER", world.person)
    asked = await access.create_assignment(world.account, world.arn, "USER", world.person)
    assert (asked.status, asked.account, asked.permission_set) == ("IN_PROGRESS", world.account, world.arn)
    assert (await access.assignment_status("grant", asked.request_id)).status == "IN_PROGRESS"
    world.pass_by(LONG + 1)
    assert (await access.assignment_status("grant", asked.request_id)).status == "SUCCEEDED"
    assert await access.assignments(world.account, world.arn) == (wanted,)
    assert world.arn in await access.provisioned(world.account)
    taken = await access.delete_assignment(world.account, world.arn, "USER", world.person)
    world.pass_by(LONG + 1)
    assert (await access.assignment_status("revoke", taken.request_id)).status == "SUCCEEDED"
    assert await access.assignments(world.account, world.arn) == ()
    assert world.writes() == [
        (world.account, "CreateAccountAssignment"),
        (world.account, "DeleteAccountAssignment"),
    ]
    assert [each["request_id"] for each in world.sandbox.writes()] == [asked.sent_as, taken.sent_as]
    assert f"::{world.management}:assumed-role/" in world.sandbox.writes()[0]["caller"]


async def test_requests_in_progress_are_found_again_by_what_they_are_about(world: World) -> None:
    world.sandbox.fault({"kind": "lost", "operation": "CreateAccountAssignment"})
    with pytest.raises(AwsError) as caught:
        await world.assign("grant")
    assert caught.value.ambiguous
    (found,) = await world.access().open_requests("grant")
    assert found == AssignmentRequest(
        request_id=found.request_id,
        status="IN_PROGRESS",
        account=world.account,
        permission_set=world.arn,
        principal_type="USER",
        principal=world.person,
    )
    assert await world.access().open_requests("revoke") == ()
    world.pass_by(LONG + 1)
    assert await world.access().open_requests("grant") == ()


async def test_a_request_that_fails_says_why(world: World) -> None:
    access = world.access()
    asked = await access.delete_assignment(world.account, world.arn, "USER", world.person)
    world.pass_by(LONG + 1)
    told = await access.assignment_status("revoke", asked.request_id)
    assert (told.status, (told.failure_reason or "")[:27]) == ("FAILED", "Received a 404 status error")
    with pytest.raises(AwsError) as caught:
        await access.assignment_status("grant", asked.request_id)
    assert caught.value.cause is AwsCause.GONE


@pytest.mark.parametrize(("kind", "cause"), [("deny", AwsCause.DENIED), ("throttle", AwsCause.TRANSIENT)])
async def test_a_status_that_is_not_told_is_no_outcome(world: World, kind: str, cause: AwsCause) -> None:
    request = await world.assign("grant")
    world.sandbox.fault({"kind": kind, "operation": "DescribeAccountAssignmentCreationStatus"})
    with pytest.raises(AwsError) as caught:
        await world.access().assignment_status("grant", request)
    assert (caught.value.cause, caught.value.ambiguous) == (cause, False)


@pytest.mark.parametrize("verb", VERBS)
async def test_a_suspended_account_accepts_a_request_and_fails_it(world: World, verb: Verb) -> None:
    if verb == "revoke":
        await world.assign("grant")
        world.pass_by(LONG + 1)
    world.sandbox.organization({"account": world.account, "state": "SUSPENDED"})
    assert await world.access().account_state(world.account) == "SUSPENDED"
    request = await world.assign(verb)
    world.pass_by(LONG + 1)
    told = await world.access().assignment_status(verb, request)
    assert told.status == "FAILED" and "taking longer than usual" in (told.failure_reason or "")


async def test_the_state_of_an_account_that_may_not_be_asked_is_not_known(world: World) -> None:
    assert await world.access().account_state(world.account) == "ACTIVE"
    for show in ("state", "status", "none"):
        world.sandbox.control("POST", "account-state", {"show": show})
        assert await world.access().account_state(world.account) == (None if show == "none" else "ACTIVE")
    with pytest.raises(AwsError) as caught:
        await world.access().account_state("999999999999")
    assert caught.value.cause is AwsCause.GONE
    world.sandbox.fault({"kind": "deny", "operation": "DescribeAccount"})
    assert await world.access().account_state(world.account) is None


async def test_a_delegated_administrator_is_refused_the_management_account(world: World) -> None:
    access = world.access(reader="delegated")
    with pytest.raises(AwsError) as caught:
        await world.assign("grant", world.management, access)
    assert (caught.value.cause, caught.value.ambiguous) == (AwsCause.DENIED, False)
    assert world.writes() == []
    await world.assign("grant", access=access)
    assert world.writes() == [(world.account, "CreateAccountAssignment")]


async def test_the_management_account_takes_the_rights_that_are_published_for_it(world: World) -> None:
    request = await world.assign("grant", world.management)
    world.pass_by(LONG + 1)
    told = await world.access().assignment_status("grant", request)
    assert told.status == "FAILED" and "iam:GetSAMLProvider" in (told.failure_reason or "")
    allowed = {"Version": "2012-10-17", "Statement": list(in_management("aws"))}
    role = connector(world.sandbox).role_arn
    assert role is not None
    admin(world.sandbox, world.management).put_role_policy(
        RoleName=role.rpartition("/")[2], PolicyName="reserved", PolicyDocument=json.dumps(allowed)
    )
    for verb in VERBS:
        request = await world.assign(verb, world.management)
        world.pass_by(LONG + 1)
        assert (await world.access().assignment_status(verb, request)).status == "SUCCEEDED"


async def test_who_is_there_and_who_is_gone(world: World) -> None:
    access, group = world.access(), world.first("Team")
    found = await access.permission_set(world.arn)
    assert found and found.name == "Fresh"
    assert await access.permission_set(f"{world.arn[:-4]}0000") is None
    user, team = await access.user(world.person), await access.group(group)
    assert user and team and (user.id, team.id) == (world.person, group)
    assert (await access.user(NOBODY), await access.group(NOBODY)) == (None, None)
    boss(world.sandbox, "identitystore").delete_user(**directory(world.sandbox), UserId=world.person)
    assert await access.user(user.id) is None


async def test_a_membership_is_given_and_taken(world: World) -> None:
    access = world.access("directory_membership")
    held = {each.group for each in await access.memberships_of(world.person)}
    group = next(row["id"] for row in world.sandbox.identity_center()["Team"] if row["id"] not in held)
    made = await access.create_membership(group, world.person)
    assert (made.id, group) in {(each.id, each.group) for each in await access.memberships_of(world.person)}
    with pytest.raises(AwsError) as caught:
        await access.create_membership(group, world.person)
    assert (caught.value.cause, caught.value.ambiguous) == (AwsCause.CONFLICT, False)
    ended = await access.delete_membership(made.id)
    assert {each.group for each in await access.memberships_of(world.person)} == held
    with pytest.raises(AwsError) as caught:
        await access.delete_membership(made.id)
    assert caught.value.cause is AwsCause.GONE
    assert world.writes() == [
        (world.management, "CreateGroupMembership"),
        (world.management, "DeleteGroupMembership"),
    ]
    assert [each["request_id"] for each in world.sandbox.writes()] == [made.request_id, ended]


@pytest.mark.parametrize(("rule", "cause", "ambiguous", "carried_out"), TABLE)
async def test_a_write_is_sent_once_and_says_whether_it_may_have_been_done(
    world: World, calls: Calls, rule: dict[str, Any], cause: AwsCause, ambiguous: bool, carried_out: int
) -> None:
    world.sessions = ProvisioningSessions(patience(rule["kind"]), calls)
    await world.access().permission_set(world.arn)
    world.sandbox.fault(rule | {"operation": "CreateAccountAssignment"})
    with tallying() as tally, pytest.raises(AwsError) as caught:
        await world.assign("grant")
    assert (caught.value.cause, caught.value.ambiguous) == (cause, ambiguous), str(caught.value)
    assert tally.calls == {"sso:CreateAccountAssignment": 1}
    assert len(world.writes()) == carried_out


@pytest.mark.parametrize("operation", ["CreateGroupMembership", "DeleteGroupMembership"])
@pytest.mark.parametrize("rule", [{"kind": "lost"}, {"kind": "throttle"}])
async def test_so_it_is_with_memberships(world: World, operation: str, rule: dict[str, Any]) -> None:
    access, place = world.access("directory_membership"), world.sandbox.identity_center()["Placement"][0]
    if operation.startswith("Create"):
        await access.delete_membership(place["id"])
    await access.memberships_of(place["person"])
    world.sandbox.control("DELETE", "writes")
    world.sandbox.fault(rule | {"operation": operation})
    with tallying() as tally, pytest.raises(AwsError) as caught:
        if operation.startswith("Create"):
            await access.create_membership(place["team"], place["person"])
        else:
            await access.delete_membership(place["id"])
    assert caught.value.ambiguous is (rule["kind"] == "lost")
    assert tally.calls == {f"identitystore:{operation}": 1}
    assert len(world.writes()) == (1 if rule["kind"] == "lost" else 0)


async def test_a_conflict_passes_by_after_so_many(world: World) -> None:
    world.sandbox.fault({"kind": "conflict", "service": "sso-admin", "times": 5})
    for _ in range(5):
        with pytest.raises(AwsError, match="another change under way"):
            await world.assign("grant")
    await world.assign("grant")
    assert len(world.writes()) == 1


async def test_reads_are_stale_for_so_many_seconds(world: World) -> None:
    access, member = world.access(), world.access("directory_membership")
    world.sandbox.identity_center({"delay": 1})
    world.pass_by(30)
    world.sandbox.fault({"kind": "stale", "seconds": 20})
    place = world.sandbox.identity_center()["Placement"][0]
    await member.delete_membership(place["id"])
    await world.assign("grant")
    world.pass_by(2)
    before = await access.provisioned(world.account), await access.assignments(world.account, world.arn)
    assert (world.arn in before[0], before[1]) == (False, ())
    assert place["id"] in {each.id for each in await member.memberships_of(place["person"])}
    world.pass_by(20)
    assert world.arn in await access.provisioned(world.account)
    assert len(await access.assignments(world.account, world.arn)) == 1
    assert place["id"] not in {each.id for each in await member.memberships_of(place["person"])}
