"""What commands read and write in an account's IAM: exactly what was asked, in exactly that account."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from grantwire.aws import Calls, ProvisioningSessions, behind, leaving, tallying
from grantwire.aws.iam.access import Holder, IamAccess
from grantwire.aws.iam.shapes import AttachedPolicy
from grantwire.contracts.failures import AwsCause, AwsError, Conflict
from grantwire.contracts.resources import Kind
from grantwire.sandbox.server import Sandbox, start
from tests.integration.aws.commanding import GROUP, INLINE, READ_ONLY, ROLE, USER, Commanded, commanded
from tests.integration.aws.entering import EVERYTHING, HASTY, QUICK, connector
from tests.integration.collectors.conftest import use

HOLDERS: list[tuple[Holder, str]] = [(Kind.IAM_USER, USER), (Kind.IAM_GROUP, GROUP), (Kind.IAM_ROLE, ROLE)]
TABLE: list[tuple[dict[str, Any], AwsCause, bool, int]] = [  # fault, cause, ambiguous, writes carried out
    ({"kind": "throttle"}, AwsCause.TRANSIENT, False, 0),
    ({"kind": "deny"}, AwsCause.DENIED, False, 0),
    ({"kind": "conflict"}, AwsCause.CONFLICT, False, 0),
    ({"kind": "skew"}, AwsCause.CLOCK, False, 0),
    ({"kind": "error"}, AwsCause.TRANSIENT, True, 0),
    ({"kind": "error", "status": 503}, AwsCause.TRANSIENT, True, 0),
    ({"kind": "drop"}, AwsCause.TRANSIENT, True, 0),
    ({"kind": "timeout"}, AwsCause.TRANSIENT, True, 0),
    ({"kind": "garbage"}, AwsCause.TRANSIENT, True, 0),
    ({"kind": "cut"}, AwsCause.TRANSIENT, True, 1),
    ({"kind": "lost"}, AwsCause.TRANSIENT, True, 1),
    ({"kind": "lost", "how": "hang"}, AwsCause.TRANSIENT, True, 1),
    ({"kind": "lost", "how": "error"}, AwsCause.TRANSIENT, True, 1),
]


@pytest.fixture(scope="module")
def accounts() -> Iterator[Sandbox]:
    with start(7, users=2, groups=1, roles=4, accounts=4, calm=True, provisioning=True) as running:
        yield running


@pytest.fixture
def world(accounts: Sandbox, calls: Calls, monkeypatch: pytest.MonkeyPatch) -> Iterator[Commanded]:
    accounts.control("POST", "reset")
    use(accounts, monkeypatch)
    yield commanded(accounts, calls)
    assert accounts.violations() == []


def hasty(world: Commanded, calls: Calls) -> Commanded:
    """The same for calls that AWS never answers."""
    return replace(world, sessions=ProvisioningSessions(HASTY, calls))


async def test_who_is_there_is_told_with_arn_and_unique_id(world: Commanded) -> None:
    iam, there = world.iam("policy_attachment"), f"arn:aws:iam::{world.account}"
    user, group, role = await iam.user(USER), await iam.group(GROUP), await iam.role(ROLE)
    assert user and group and role
    assert (user.arn, user.unique_id[:4], user.name) == (f"{there}:user/{USER}", "AIDA", USER)
    assert (group.arn, group.unique_id[:4]) == (f"{there}:group/{GROUP}", "AGPA")
    assert (role.arn, role.unique_id[:4]) == (f"{there}:role/{ROLE}", "AROA")
    policy = await iam.policy(READ_ONLY)
    assert policy and (policy.arn, policy.name, policy.attachable) == (READ_ONLY, "ReadOnlyAccess", True)


async def test_who_is_not_there_is_none_and_what_nobody_holds_is_gone(world: Commanded) -> None:
    iam = world.iam("policy_attachment")
    assert (await iam.user("nobody"), await iam.group("nobody"), await iam.role("nobody")) == (None, None, None)
    assert await iam.policy(f"arn:aws:iam::{world.account}:policy/nothing") is None
    with pytest.raises(AwsError) as caught:
        await iam.attached(Kind.IAM_USER, "nobody")
    assert caught.value.cause is AwsCause.GONE


async def test_a_denied_read_is_no_absence(world: Commanded) -> None:
    world.sandbox.fault({"kind": "deny", "operation": "GetUser"})
    with pytest.raises(AwsError) as caught:
        await world.iam("policy_attachment").user(USER)
    assert (caught.value.cause, caught.value.ambiguous) == (AwsCause.DENIED, False)


async def test_groups_and_policies_are_read_to_the_last_page(world: Commanded) -> None:
    for number in range(8):
        world.admin.create_group(GroupName=f"group-{number}")
        world.admin.add_user_to_group(GroupName=f"group-{number}", UserName=USER)
        world.admin.put_user_policy(UserName=USER, PolicyName=f"inline-{number}", PolicyDocument='{"Statement": []}')
    world.sandbox.control("POST", "mess", {"short": 0.7, "empty": 0.3})
    assert {each.name for each in await world.iam("iam_membership").groups_of(USER)} == {
        f"group-{number}" for number in range(8)
    }
    assert set(await world.iam("inline_policy").inline(Kind.IAM_USER, USER)) == {
        INLINE,
        *(f"inline-{number}" for number in range(8)),
    }


async def test_a_membership_is_given_and_taken(world: Commanded) -> None:
    iam = world.iam("iam_membership")
    assert await iam.groups_of(USER) == ()
    given = await iam.add_to_group(GROUP, USER)
    assert [each.arn for each in await iam.groups_of(USER)] == [f"arn:aws:iam::{world.account}:group/{GROUP}"]
    taken = await iam.remove_from_group(GROUP, USER)
    assert await iam.groups_of(USER) == ()
    log = world.sandbox.writes()
    assert [(each["account"], each["operation"]) for each in log] == [
        (world.account, "AddUserToGroup"),
        (world.account, "RemoveUserFromGroup"),
    ]
    assert [each["request_id"] for each in log] == [given, taken]
    assert {each["parameters"]["UserName"] for each in log} == {USER}
    assert all(f"::{world.account}:assumed-role/" in each["caller"] for each in log)
    with pytest.raises(AwsError) as caught:
        await iam.remove_from_group(GROUP, USER)
    assert (caught.value.cause, caught.value.ambiguous) == (AwsCause.GONE, False)
    assert caught.value.request_id


@pytest.mark.parametrize(("kind", "name"), HOLDERS)
async def test_a_policy_is_attached_and_detached(world: Commanded, kind: Holder, name: str) -> None:
    iam, wanted = world.iam("policy_attachment"), AttachedPolicy(arn=READ_ONLY, name="ReadOnlyAccess")
    before = await iam.attached(kind, name)
    assert wanted not in before
    await iam.attach(kind, name, READ_ONLY)
    await iam.attach(kind, name, READ_ONLY)
    assert set(await iam.attached(kind, name)) == {*before, wanted}
    await iam.detach(kind, name, READ_ONLY)
    assert await iam.attached(kind, name) == before
    with pytest.raises(AwsError) as caught:
        await iam.detach(kind, name, READ_ONLY)
    assert caught.value.cause is AwsCause.GONE
    assert {account for account, _ in world.writes()} == {world.account}


@pytest.mark.parametrize(("kind", "name"), HOLDERS)
async def test_an_inline_policy_is_deleted(world: Commanded, kind: Holder, name: str) -> None:
    iam = world.iam("inline_policy")
    assert await iam.inline(kind, name) == (INLINE,)
    await iam.delete_inline(kind, name, INLINE)
    assert await iam.inline(kind, name) == ()
    with pytest.raises(AwsError) as caught:
        await iam.delete_inline(kind, name, INLINE)
    assert caught.value.cause is AwsCause.GONE
    assert len(world.writes()) == 1


@pytest.mark.parametrize(("rule", "cause", "ambiguous", "carried_out"), TABLE)
async def test_a_write_is_sent_once_and_says_whether_it_may_have_been_done(
    world: Commanded, calls: Calls, rule: dict[str, Any], cause: AwsCause, ambiguous: bool, carried_out: int
) -> None:
    silent = rule["kind"] == "timeout" or rule.get("how") == "hang"
    iam = (hasty(world, calls) if silent else world).iam("policy_attachment")
    await iam.user(USER)
    world.sandbox.fault(rule | {"operation": "AttachUserPolicy"})
    with tallying() as tally, pytest.raises(AwsError) as caught:
        await iam.attach(Kind.IAM_USER, USER, READ_ONLY)
    assert (caught.value.cause, caught.value.ambiguous) == (cause, ambiguous), str(caught.value)
    assert tally.calls == {"iam:AttachUserPolicy": 1}
    assert len(world.writes()) == carried_out
    assert world.sandbox.control("GET", "faults")[0]["fired"] == 1


async def test_a_service_that_nobody_reaches_did_nothing(world: Commanded, monkeypatch: pytest.MonkeyPatch) -> None:
    iam = world.iam("policy_attachment")
    monkeypatch.setenv("AWS_ENDPOINT_URL_IAM", "http://127.0.0.1:9")
    with pytest.raises(AwsError) as caught:
        await iam.attach(Kind.IAM_USER, USER, READ_ONLY)
    assert (caught.value.cause, caught.value.ambiguous) == (AwsCause.TRANSIENT, False)


async def test_an_account_that_is_not_entered_was_not_changed(world: Commanded, calls: Calls) -> None:
    world.sandbox.fault({"kind": "timeout", "operation": "AssumeRole"})
    with pytest.raises(AwsError) as caught:
        await hasty(world, calls).iam("iam_membership").add_to_group(GROUP, USER)
    assert (caught.value.operation, caught.value.ambiguous) == ("sts:AssumeRole", False)
    assert world.writes() == []


async def test_too_many_is_final(world: Commanded) -> None:
    for number in range(10):
        world.admin.create_group(GroupName=f"group-{number}")
        world.admin.add_user_to_group(GroupName=f"group-{number}", UserName=USER)
    with pytest.raises(AwsError, match="GroupsPerUser: 10") as caught:
        await world.iam("iam_membership").add_to_group(GROUP, USER)
    assert (caught.value.cause, caught.value.code) == (AwsCause.FINAL, "LimitExceeded")


async def test_a_connector_of_one_account_refuses_the_name_of_another(world: Commanded, calls: Calls) -> None:
    """A user of that name is there, and nobody touches it."""
    alone = connector(world.sandbox, "bulk", organizations=False, account_overrides={})
    sessions = ProvisioningSessions(QUICK, calls)
    with pytest.raises(AwsError) as caught:
        await IamAccess(sessions.get(alone, 1, world.account, "iam_membership")).add_to_group(GROUP, USER)
    assert (caught.value.cause, caught.value.code) == (AwsCause.FINAL, "WrongAccount")
    assert world.writes() == []
    await IamAccess(sessions.get(alone, 1, world.sandbox.account, "iam_membership")).add_to_group(GROUP, USER)
    assert world.writes() == [(world.sandbox.account, "AddUserToGroup")]


async def test_the_management_account_is_changed_by_the_connectors_own_role(world: Commanded) -> None:
    management = world.sandbox.account
    assert EVERYTHING in {each.arn for each in await world.iam("policy_attachment").attached(Kind.IAM_USER, USER)}
    await world.iam("policy_attachment", management).detach(Kind.IAM_USER, USER, EVERYTHING)
    assert world.writes() == [(management, "DetachUserPolicy")]
    assert EVERYTHING in {each.arn for each in await world.iam("policy_attachment").attached(Kind.IAM_USER, USER)}


async def test_reads_are_stale_for_so_many_seconds(world: Commanded) -> None:
    """What a write changed is not shown at once, nor all at once."""
    world.sandbox.control("POST", "clock", {"advance": 600})
    world.sandbox.fault({"kind": "stale", "seconds": 400, "service": "iam"})
    members, policies, names = world.iam("iam_membership"), world.iam("policy_attachment"), world.iam("inline_policy")
    await members.add_to_group(GROUP, USER)
    world.sandbox.control("POST", "clock", {"advance": 300})
    await policies.attach(Kind.IAM_USER, USER, READ_ONLY)
    await names.delete_inline(Kind.IAM_USER, USER, INLINE)

    async def seen() -> tuple[int, int, int]:
        groups, attached = await members.groups_of(USER), await policies.attached(Kind.IAM_USER, USER)
        return len(groups), len(attached), len(await names.inline(Kind.IAM_USER, USER))

    assert await seen() == (0, 1, 1)
    world.sandbox.control("POST", "clock", {"advance": 200})
    assert await seen() == (1, 1, 1)
    world.sandbox.control("POST", "clock", {"advance": 300})
    assert await seen() == (1, 2, 0)


async def test_a_request_is_looked_at_right_before_it_leaves(world: Commanded) -> None:
    """The account is entered first, which may take as long as it likes."""
    iam, looks = world.iam("iam_membership"), []

    def check() -> None:
        looks.append(world.sandbox.control("GET", "calls")["operations"].get("sts.AssumeRole", 0))
        if len(looks) > 2:
            raise Conflict("somebody else has the command now")

    with leaving(check), tallying() as tally:
        await iam.add_to_group(GROUP, USER)
        await iam.groups_of(USER)
        with pytest.raises(Conflict):
            await iam.remove_from_group(GROUP, USER)
    await iam.groups_of(USER)
    assert looks == [2, 2, 2], "the connector's role and the account's were assumed before"
    assert tally.calls["iam:AddUserToGroup"] == 1 and "iam:RemoveUserFromGroup" not in tally.calls
    assert world.writes() == [(world.account, "AddUserToGroup")]


async def test_a_request_is_made_ready_meanwhile_and_leaves_behind_what_comes_first(world: Commanded) -> None:
    iam, entered = world.iam("iam_membership"), "sts.AssumeRole"

    async def first() -> None:
        while world.sandbox.control("GET", "calls")["operations"].get(entered, 0) < 2:
            await asyncio.sleep(0.01)
        assert world.writes() == []

    await behind(first(), partial(iam.add_to_group, GROUP, USER))
    assert world.writes() == [(world.account, "AddUserToGroup")]


async def test_nothing_leaves_where_what_comes_first_fails(world: Commanded) -> None:
    iam = world.iam("iam_membership")

    async def first() -> None:
        raise Conflict("the claim is another engine's")

    with tallying() as tally, pytest.raises(Conflict, match="another engine's"):
        await behind(first(), partial(iam.add_to_group, GROUP, USER))
    await iam.groups_of(USER)
    assert "iam:AddUserToGroup" not in tally.calls
    assert world.writes() == []


async def test_a_request_that_fails_does_so_after_what_comes_first(world: Commanded) -> None:
    iam, done = world.iam("iam_membership"), []

    async def first() -> None:
        await iam.groups_of(USER)
        done.append(True)

    with pytest.raises(AwsError, match="nobody cannot be found"):
        await behind(first(), partial(iam.add_to_group, "nobody", USER))
    assert done == [True]
