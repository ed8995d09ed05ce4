"""AWS loses answers, takes its time, fails, throttles, conflicts, denies and shows old states: the named outcome each
time, never success that was not seen, never a write too many."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

import pytest
import pytest_asyncio

from grantwire.contracts.commands import AccessCommand
from tests.support.commanded import (
    SIZE,
    Case,
    Scene,
    assigned,
    attached,
    commanded,
    member_of_directory,
    member_of_iam,
)
from tests.support.commanding import Heard, command, ref
from tests.support.eventually import eventually
from tests.support.postgres import Server, postgres_server, template_url
from tests.support.world import Sandbox, sandbox

__all__ = ["postgres_server", "template_url"]

pytestmark = pytest.mark.asyncio(loop_scope="module")
OBSERVE, UNSURE, PARK = 20.0, 8.0, 1.0  # seconds; in life 60, 30 and 600
LONG: Final = 300  # seconds of a request that is not to end before it was seen
STALE: Final = 2  # seconds that reads lag; the long form has 20, as AWS may
SOON: Final = {
    "provisioner_observe": OBSERVE,
    "provisioner_unsure": UNSURE,
    "provisioner_park": PARK,
    "aws_read_timeout": 5.0,
    "aws_attempts": 1,
}


@pytest.fixture(scope="module")
def aws() -> Iterator[Sandbox]:
    with sandbox(6, *SIZE) as running:
        yield running


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def scene(aws: Sandbox, postgres_server: Server, template_url: str) -> AsyncIterator[Scene]:
    async with commanded(aws, postgres_server, template_url, **SOON) as found:
        yield found


@contextmanager
def faulty(scene: Scene, *rules: dict[str, Any], fired: bool = True) -> Iterator[None]:
    """Under these faults, each of which must have been met."""
    scene.aws.fault(*rules)
    try:
        yield
        if fired:
            assert all(rule["fired"] for rule in scene.aws.get("faults")), scene.aws.get("faults")
    finally:
        scene.aws.heal()


@contextmanager
def center(scene: Scene, change: dict[str, Any], back: dict[str, Any]) -> Iterator[None]:
    scene.aws.text("identity-center", "POST", change)
    try:
        yield
    finally:
        scene.aws.text("identity-center", "POST", back)


async def there(scene: Scene, case: Case, account: str) -> Heard:
    (told,) = await scene.desk.ask(command("grant", *case, account))
    return told


async def back(scene: Scene, case: Case, account: str) -> None:
    """As it was before, and the log of writes empty."""
    await scene.desk.ask(command("revoke", *case, account))
    scene.written()


async def in_progress(scene: Scene, asked: AccessCommand) -> bool:
    """Whether the request that a command made is known, and waited for."""
    async with scene.home.graph.connection() as connection:
        return bool(await connection.fetchval("SELECT step FROM operation WHERE id = $1", asked.id) == "waiting")


def operations(scene: Scene) -> list[str]:
    return [name for name, _ in scene.written()]


@pytest.mark.parametrize("how", ["drop", "hang", "error"])
async def test_a_write_whose_answer_is_lost_is_looked_for_and_not_repeated(scene: Scene, how: str) -> None:
    account = scene.account
    case = member_of_iam(scene, account)
    with faulty(scene, {"kind": "lost", "operation": "AddUserToGroup", "how": how, "times": 1}):
        told = await there(scene, case, account)
    assert (told.state, operations(scene)) == ("granted", ["AddUserToGroup"])
    await back(scene, case, account)


async def test_a_write_that_never_arrived_is_sent_again(scene: Scene) -> None:
    account = scene.account
    case = member_of_iam(scene, account)
    with faulty(scene, {"kind": "drop", "operation": "AddUserToGroup", "times": 1}):
        told = await there(scene, case, account)
    assert (told.state, operations(scene)) == ("granted", ["AddUserToGroup"])
    await back(scene, case, account)


async def test_an_assignment_whose_answer_is_lost_is_found_among_the_requests(scene: Scene) -> None:
    account = scene.account
    case = assigned("identity_user")(scene, account)
    with (
        center(scene, {"delay": LONG}, {"delay": 0.2}),
        faulty(scene, {"kind": "lost", "operation": "CreateAccountAssignment", "how": "drop", "times": 1}),
    ):
        await scene.desk.send(asked := command("grant", *case, account))
        await eventually(lambda: in_progress(scene, asked), what="AWS to work on it")
        scene.aws.text("clock", "POST", {"advance": LONG + 1})
        told = await scene.desk.outcome(asked)
    assert (told.state, operations(scene)) == ("granted", ["CreateAccountAssignment"])
    assert len(told.body["request_ids"]) == 1, "the request was found"
    await back(scene, case, account)


@pytest.mark.parametrize("seconds", [2, pytest.param(60, marks=[pytest.mark.slow, pytest.mark.timeout(200)])])
async def test_a_request_in_progress_is_waited_for(scene: Scene, seconds: int) -> None:
    account = scene.account
    case = assigned("identity_user")(scene, account)
    with center(scene, {"delay": seconds}, {"delay": 0.2}):
        await scene.desk.send(asked := command("grant", *case, account))
        told = await scene.desk.outcome(asked, timeout=seconds + 40)
    assert (told.state, operations(scene)) == ("granted", ["CreateAccountAssignment"])
    await back(scene, case, account)


@pytest.mark.parametrize("seconds", [1, pytest.param(60, marks=[pytest.mark.slow, pytest.mark.timeout(200)])])
async def test_a_request_that_fails_is_told_with_aws_reason(scene: Scene, seconds: int) -> None:
    account = scene.account
    case = assigned("identity_user")(scene, account)
    scene.aws.text("identity-center", "POST", {"fail": ["Something is wrong with the role."]})
    with center(scene, {"delay": seconds}, {"delay": 0.2}):
        await scene.desk.send(asked := command("grant", *case, account))
        told = await scene.desk.outcome(asked, timeout=seconds + 40)
    assert told.state == "failed"
    assert told.body["reason"]["code"] == "aws_failed"
    assert "Something is wrong with the role." in told.body["reason"]["text"]
    assert told.body["observed"]["held"] is False
    scene.written()


@pytest.mark.parametrize("kind", ["deny", "throttle"])
async def test_a_status_that_cannot_be_read_is_no_success_by_itself(scene: Scene, kind: str) -> None:
    account = scene.account
    case = assigned("identity_group")(scene, account)
    with faulty(scene, {"kind": kind, "operation": "DescribeAccountAssignmentCreationStatus", "times": 3}):
        told = await there(scene, case, account)
    assert (told.state, operations(scene)) == ("granted", ["CreateAccountAssignment"])
    assert told.body["observed"] == {**told.body["observed"], "held": True, "operation": "sso:ListAccountAssignments"}
    await back(scene, case, account)


async def test_conflicts_are_tried_again(scene: Scene) -> None:
    account = scene.account
    case = assigned("identity_user")(scene, account)
    with faulty(scene, {"kind": "conflict", "operation": "CreateAccountAssignment", "times": 5}):
        told = await there(scene, case, account)
    assert (told.state, operations(scene)) == ("granted", ["CreateAccountAssignment"])
    await back(scene, case, account)


async def test_a_throttled_write_is_tried_again(scene: Scene) -> None:
    case = member_of_directory(scene, scene.aws.account)
    with faulty(scene, {"kind": "throttle", "operation": "CreateGroupMembership", "times": 3}):
        told = await there(scene, case, scene.aws.account)
    assert (told.state, operations(scene)) == ("granted", ["CreateGroupMembership"])
    await back(scene, case, scene.aws.account)


@pytest.mark.parametrize(
    ("case", "operation"), [(member_of_iam, "GetGroup"), (attached("iam_role"), "GetPolicy")], ids=["group", "policy"]
)
async def test_what_is_held_is_taken_without_asking_for_it(
    scene: Scene, case: Callable[[Scene, str], Case], operation: str
) -> None:
    """The list of what the principal holds says which one it is."""
    account = scene.account
    found = case(scene, account)
    await there(scene, found, account)
    with faulty(scene, {"kind": "deny", "operation": operation}, fired=False):
        (told,) = await scene.desk.ask(command("revoke", *found, account))
    assert told.state == "revoked"
    scene.written()


@pytest.mark.parametrize("verb", ["grant", "revoke"])
async def test_reads_that_lag_are_waited_for(scene: Scene, verb: str) -> None:
    """After the write AWS shows the old state for a while: the outcome comes when it does not any more."""
    account = scene.account
    case = member_of_iam(scene, account)
    if verb == "revoke":
        await there(scene, case, account)
        scene.written()
        await asyncio.sleep(STALE)  # a grant of a moment ago would not be seen yet: that is another test
    with faulty(scene, {"kind": "stale", "seconds": STALE, "service": "iam"}):
        (told,) = await scene.desk.ask(command(verb, *case, account))
    write = "AddUserToGroup" if verb == "grant" else "RemoveUserFromGroup"
    assert (told.state, operations(scene)) == ("granted" if verb == "grant" else "revoked", [write])
    assert told.body["observed"]["held"] is (verb == "grant")
    await back(scene, case, account)


async def test_what_is_never_seen_is_never_success(scene: Scene) -> None:
    account = scene.account
    case = member_of_iam(scene, account)
    with faulty(scene, {"kind": "stale", "seconds": 1_000, "operation": "ListGroupsForUser"}):
        told = await there(scene, case, account)
    assert (told.state, told.body["reason"]["code"]) == ("failed", "not_observed")
    assert operations(scene) == ["AddUserToGroup"]
    await back(scene, case, account)


@pytest.mark.parametrize("kind", ["deny"])
async def test_a_denied_write_is_refused_with_aws_reason(scene: Scene, kind: str) -> None:
    account = scene.account
    case = member_of_iam(scene, account)
    with faulty(scene, {"kind": kind, "operation": "AddUserToGroup"}):
        told = await there(scene, case, account)
    assert told.state == "refused"
    assert "iam:AddUserToGroup" in told.body["reason"]["text"]
    assert operations(scene) == []


async def test_a_principal_that_is_deleted_between_plan_and_act(scene: Scene) -> None:
    """The last read before the write takes four seconds, and in them the user goes."""
    account = scene.account
    iam = scene.aws.admin("iam", account)
    iam.create_user(UserName="passing")
    principal = ref("iam_user", iam.get_user(UserName="passing")["User"]["Arn"])
    group = ref("iam_group", scene.resources("iam_group", account)[0])
    scene.written()
    with faulty(scene, {"kind": "latency", "seconds": 4, "operation": "ListGroupsForUser", "times": 1}):
        await scene.desk.send(asked := command("grant", principal, group, account))
        await eventually(lambda: any(rule["fired"] for rule in scene.aws.get("faults")))
        iam.delete_user(UserName="passing")
        told = await scene.desk.outcome(asked)
    assert (told.state, told.body["reason"]["code"]) == ("refused", "unknown_principal")
    assert "AddUserToGroup" not in operations(scene)


async def test_a_suspended_account_refuses_a_grant_and_parks_a_revoke_until_it_is_back(scene: Scene) -> None:
    account = scene.account
    case = assigned("identity_user")(scene, account)
    await there(scene, case, account)
    scene.written()
    scene.aws.change({"account": account, "state": "SUSPENDED"})
    try:
        other = assigned("identity_group")(scene, account)
        told = await there(scene, other, account)
        assert (told.state, told.body["reason"]["code"]) == ("refused", "account_inactive")
        await scene.desk.send(asked := command("revoke", *case, account))
        parked = await eventually(lambda: _heard(scene, asked, "parked"))
        assert parked.body["reason"]["code"] == "account_inactive"
        assert operations(scene) == []
    finally:
        scene.aws.change({"account": account, "state": "ACTIVE"})
    told = await scene.desk.outcome(asked)
    assert (told.state, operations(scene)) == ("revoked", ["DeleteAccountAssignment"])


async def _heard(scene: Scene, asked: AccessCommand, state: str) -> Heard | None:
    return next((each for each in await scene.desk.heard([asked.id]) if each.state == state), None)


async def test_bad_input_is_refused_with_its_reason_and_nothing_is_written(scene: Scene) -> None:
    account, own = scene.account, scene.aws.account
    user, group = member_of_iam(scene, account)
    nobody = ref("iam_user", user.native_id + "-nobody")
    nothing = ref("iam_group", group.native_id + "-nothing")
    person, pair = assigned("identity_user")(scene, account)
    ghost = ref("identity_user", "00000000-0000-0000-0000-000000000000")
    unset = ref("provisioned_permission_set", pair.native_id[:-16] + "0" * 16)
    cases = {
        "unknown_principal": command("grant", nobody, group, account),
        "unknown_target": command("grant", user, nothing, account),
        "unknown_principal ": command("grant", ghost, pair, account),
        "unknown_target ": command("grant", person, unset, account),
        "unknown_account": command(
            "grant",
            ref("iam_user", "arn:aws:iam::999999999999:user/x"),
            ref("iam_group", "arn:aws:iam::999999999999:group/y"),
            "999999999999",
        ),
        "wrong_account": command("grant", user, group, own),
        "malformed": command("grant", ref("iam_user", "ann"), group, account),
        "replaced_principal": command("grant", user, group, account, unique_id="AIDAANOTHERONE"),
        "expired": command("grant", user, group, account, valid_until="2020-01-01T00:00:00Z"),
        "unknown_connector": command("grant", user, group, account, connector="nowhere"),
        "no_leases": command("grant", user, group, account, expires_at="2040-01-01T00:00:00Z"),
    }
    told = [(await scene.desk.ask(each))[0] for each in cases.values()]  # at once, the newer supersede the older
    assert {each: heard.body["reason"]["code"] for each, heard in zip(cases, told, strict=True)} == {
        each: each.strip() for each in cases
    }
    assert {heard.state for heard in told} == {"refused", "expired"}
    assert operations(scene) == []
    async with scene.home.graph.connection() as connection:
        rows = await connection.fetch("SELECT command, what FROM audit WHERE what IN ('refused', 'expired')")
    assert {row["command"] for row in rows} >= {each.id for each in cases.values()}


async def test_a_message_that_is_no_command_is_refused_as_far_as_it_says_which_it_is(scene: Scene) -> None:
    account = scene.account
    asked = command("grant", *member_of_iam(scene, account), account)
    broken = json.loads(asked.encode()) | {"target": {"kind": "moon", "native_id": ""}}
    await scene.desk.send_raw(asked, json.dumps(broken).encode())
    refused = await eventually(lambda: _heard(scene, asked, "refused"))
    assert refused.body["reason"]["code"] == "malformed"
    assert "target" in refused.body["reason"]["text"]
    assert operations(scene) == []


async def test_a_dry_run_plans_and_writes_nothing(scene: Scene) -> None:
    account = scene.account
    user, group = member_of_iam(scene, account)
    (told,) = await scene.desk.ask(command("grant", user, group, account, dry_run=True))
    assert (told.state, told.body["reason"], operations(scene)) == ("planned", None, [])
    writes = [call for call in told.body["plan"] if call["writes"]]
    assert [(call["operation"], call["account"]) for call in writes] == [("iam:AddUserToGroup", account)]
    assert all(call["role"] for call in told.body["plan"])
