"""A session policy for each kind of operation: it suffices, nothing is spare, and it denies the others' writes."""

from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from grantwire.aws import Calls, ProvisioningSessions
from grantwire.aws.iam.access import Holder, IamAccess
from grantwire.aws.identity_center.access import IdentityCenterAccess
from grantwire.aws.permissions import PROVISIONING, OperationKind
from grantwire.contracts.failures import AwsCause, AwsError
from grantwire.contracts.identity_center import IdentityCenter
from grantwire.contracts.resources import Kind
from grantwire.sandbox.identity_center.facts import DirectorySizes
from grantwire.sandbox.server import Sandbox, start
from tests.integration.aws.commanding import GROUP, INLINE, READ_ONLY, ROLE, USER, prepared
from tests.integration.aws.entering import QUICK, admin, connector
from tests.integration.collectors.center import instance_of
from tests.integration.collectors.conftest import use
from tests.integration.sandbox.sso_clients import fresh_set

HOLDERS: list[tuple[Holder, str]] = [(Kind.IAM_USER, USER), (Kind.IAM_GROUP, GROUP), (Kind.IAM_ROLE, ROLE)]
Step = Callable[[], Awaitable[Any]]


@dataclass
class Office:
    """The management account, where one role may do what every kind of operation does."""

    sandbox: Sandbox
    sessions: ProvisioningSessions
    center: IdentityCenter
    arn: str
    rows: dict[str, Any] = field(default_factory=dict)

    def reach(self, kind: OperationKind) -> tuple[IamAccess, IdentityCenterAccess]:
        session = self.sessions.get(connector(self.sandbox), 1, self.sandbox.account, kind)
        return IamAccess(session), IdentityCenterAccess(session, self.center)

    @property
    def person(self) -> str:
        return str(self.rows["Placement"][0]["person"])

    @property
    def free_group(self) -> str:
        """One that the person is not in."""
        held = {row["team"] for row in self.rows["Placement"] if row["person"] == self.person}
        return str(next(row["id"] for row in self.rows["Team"] if row["id"] not in held))

    @property
    def member(self) -> str:
        return str(self.sandbox.facts["organization"]["member_accounts"][-1])

    def reads(self, kind: OperationKind, through: OperationKind) -> list[Step]:
        iam, center = self.reach(through)
        holders: list[Step] = [lambda: iam.user(USER), lambda: iam.group(GROUP), lambda: iam.role(ROLE)]
        people: list[Step] = [lambda: center.user(self.person), lambda: center.group(self.free_group)]
        found: dict[OperationKind, list[Step]] = {
            "iam_membership": [*holders[:2], lambda: iam.groups_of(USER)],
            "policy_attachment": [
                *holders,
                lambda: iam.policy(READ_ONLY),
                *(_attached(iam, *each) for each in HOLDERS),
            ],
            "inline_policy": [*holders, *(_inline(iam, *each) for each in HOLDERS)],
            "assignment": [
                *people,
                lambda: center.account_state(self.member),
                lambda: center.permission_set(self.arn),
                lambda: center.assignments(self.member, self.arn),
                lambda: center.provisioned(self.member),
                lambda: center.open_requests("grant"),
                lambda: center.open_requests("revoke"),
            ],
            "directory_membership": [*people, lambda: center.memberships_of(self.person)],
        }
        return found[kind]

    def writes(self, kind: OperationKind, through: OperationKind) -> list[Step]:
        iam, center = self.reach(through)
        user = "USER", self.person
        found: dict[OperationKind, list[Step]] = {
            "iam_membership": [lambda: iam.add_to_group(GROUP, USER), lambda: iam.remove_from_group(GROUP, USER)],
            "policy_attachment": [each for holder in HOLDERS for each in _attaching(iam, *holder)],
            "inline_policy": [_deleting(iam, *each) for each in HOLDERS],
            "assignment": [
                lambda: center.create_assignment(self.member, self.arn, "USER", user[1]),
                lambda: center.delete_assignment(self.member, self.arn, "USER", user[1]),
            ],
            "directory_membership": [
                lambda: center.create_membership(self.free_group, self.person),
                lambda: center.delete_membership(self.rows["Placement"][0]["id"]),
            ],
        }
        return found[kind]


def _attached(iam: IamAccess, kind: Holder, name: str) -> Step:
    return lambda: iam.attached(kind, name)


def _inline(iam: IamAccess, kind: Holder, name: str) -> Step:
    return lambda: iam.inline(kind, name)


def _attaching(iam: IamAccess, kind: Holder, name: str) -> list[Step]:
    return [lambda: iam.attach(kind, name, READ_ONLY), lambda: iam.detach(kind, name, READ_ONLY)]


def _deleting(iam: IamAccess, kind: Holder, name: str) -> Step:
    return lambda: iam.delete_inline(kind, name, INLINE)


@pytest.fixture(scope="module")
def running() -> Iterator[Sandbox]:
    given: dict[str, Any] = {"users": 2, "groups": 1, "roles": 8, "accounts": 3, "calm": True, "provisioning": True}
    with start(9, identity_center=True, directory=DirectorySizes(8, 4, 4, 4), **given) as sandbox:
        yield sandbox


@pytest.fixture
def office(running: Sandbox, calls: Calls, monkeypatch: pytest.MonkeyPatch) -> Iterator[Office]:
    running.control("POST", "reset")
    use(running, monkeypatch)
    prepared(admin(running, running.account))
    found = Office(running, ProvisioningSessions(QUICK, calls), instance_of(running), fresh_set(running))
    found.rows = running.identity_center()
    for page in ("calls", "writes"):
        running.control("DELETE", page)
    yield found
    assert running.violations() == []


@pytest.mark.parametrize("kind", PROVISIONING)
async def test_it_allows_everything_that_is_called_and_nothing_else(office: Office, kind: OperationKind) -> None:
    for step in (*office.reads(kind, kind), *office.writes(kind, kind)):
        await step()
        office.sandbox.control("POST", "clock", {"advance": 1})
    if kind == "assignment":
        await followed(office)
    assert office.sandbox.control("GET", "denied") == []
    used = {action for action in office.sandbox.control("GET", "used") if not action.startswith("sts:")}
    assert used == set(PROVISIONING[kind])


async def followed(office: Office) -> None:
    _, center = office.reach("assignment")
    for row in office.sandbox.identity_center()["requests"]:
        await center.assignment_status("grant" if row["kind"] == "create" else "revoke", row["id"])


@pytest.mark.parametrize("kind", PROVISIONING)
async def test_what_the_other_kinds_write_is_denied(office: Office, kind: OperationKind) -> None:
    for other in PROVISIONING.keys() - {kind}:
        for step in office.writes(other, kind):
            with pytest.raises(AwsError) as caught:
                await step()
            assert (caught.value.cause, caught.value.ambiguous) == (AwsCause.DENIED, False)
            assert "session policy" in str(caught.value)
    assert office.sandbox.writes() == []


@pytest.mark.parametrize("kind", ["assignment", "directory_membership"])
async def test_whoever_changes_identity_center_enters_no_other_account(office: Office, kind: OperationKind) -> None:
    session = office.sessions._of[kind].get(connector(office.sandbox), 1, office.member)
    with pytest.raises(AwsError) as caught:
        await session.identity()
    assert (caught.value.cause, caught.value.operation) == (AwsCause.DENIED, "sts:AssumeRole")


async def test_whoever_assigns_changes_no_role_but_those_of_identity_center(office: Office) -> None:
    iam, _ = office.reach("assignment")
    with pytest.raises(AwsError, match="session policy"):
        await iam.attach(Kind.IAM_ROLE, ROLE, READ_ONLY)
    assert office.sandbox.writes() == []
