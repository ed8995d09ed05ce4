"""Every verb and target over the bus: done, done again, undone, undone again. AWS, outcome, graph and change agree, and
what was written is exactly what was meant, where it was meant."""

from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from typing import TypeAlias

import pytest
import pytest_asyncio

from grantwire.contracts.commands import AccessCommand, Ref
from tests.support import following
from tests.support.commanded import (
    SIZE,
    Case,
    Scene,
    assigned,
    attached,
    aws_policy,
    commanded,
    member_of_directory,
    member_of_iam,
    newly_provisioned,
)
from tests.support.commanding import Heard, command, ref
from tests.support.postgres import Server, postgres_server, template_url
from tests.support.world import Sandbox, sandbox

__all__ = ["postgres_server", "template_url"]

pytestmark = pytest.mark.asyncio(loop_scope="module")
Step: TypeAlias = tuple[str, str, str | None]


@pytest.fixture(scope="module")
def aws() -> Iterator[Sandbox]:
    with sandbox(5, *SIZE) as running:
        yield running


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def scene(aws: Sandbox, postgres_server: Server, template_url: str) -> AsyncIterator[Scene]:
    async with commanded(aws, postgres_server, template_url) as found:
        yield found


GROUP = ("AddUserToGroup", "RemoveUserFromGroup")
ASSIGNMENT = ("CreateAccountAssignment", "DeleteAccountAssignment")
MEMBERSHIP = ("CreateGroupMembership", "DeleteGroupMembership")


def _policy(word: str) -> tuple[str, str]:
    return f"Attach{word}Policy", f"Detach{word}Policy"


@pytest.mark.parametrize(
    ("place", "case", "writes"),
    [
        pytest.param("member", member_of_iam, GROUP, id="iam-group"),
        pytest.param("own", member_of_iam, GROUP, id="iam-group-of-the-management-account"),
        pytest.param("member", attached("iam_user"), _policy("User"), id="policy-of-a-user"),
        pytest.param("member", attached("iam_group"), _policy("Group"), id="policy-of-a-group"),
        pytest.param("member", attached("iam_role"), _policy("Role"), id="policy-of-a-role"),
        pytest.param("member", aws_policy, _policy("User"), id="policy-of-aws"),
        pytest.param("member", assigned("identity_user"), ASSIGNMENT, id="permission-set-of-a-user"),
        pytest.param("member", assigned("identity_group"), ASSIGNMENT, id="permission-set-of-a-group"),
        pytest.param("member", newly_provisioned, ASSIGNMENT, id="permission-set-newly-provisioned"),
        pytest.param("own", member_of_directory, MEMBERSHIP, id="directory-group"),
    ],
)
async def test_done_again_and_undone(
    scene: Scene, place: str, case: Callable[[Scene, str], Case], writes: tuple[str, str]
) -> None:
    account = scene.aws.account if place == "own" else scene.account
    principal, target = case(scene, account)
    await back_and_forth(scene, principal, target, account, writes)


@pytest.mark.parametrize("kind", ["iam_user", "iam_group", "iam_role"])
async def test_an_inline_policy_is_taken_away_and_cannot_be_given(scene: Scene, kind: str) -> None:
    account, word = scene.account, kind.removeprefix("iam_").capitalize()
    policy = next(each for each in scene.resources("inline_policy", account) if f":{word.lower()}/" in each)
    holder = ref(kind, policy.partition("#")[0])
    steps = (("revoked", f"Delete{word}Policy"), ("already_gone", None))
    await _walk(scene, [("revoke", *step) for step in steps], holder, ref("inline_policy", policy), account)


async def back_and_forth(scene: Scene, principal: Ref, target: Ref, account: str, writes: tuple[str, str]) -> None:
    """Grant, grant again, revoke, revoke again."""
    steps: list[Step] = [("grant", "granted", writes[0]), ("grant", "already_held", None)]
    steps += [("revoke", "revoked", writes[1]), ("revoke", "already_gone", None)]
    await _walk(scene, steps, principal, target, account)


async def _walk(scene: Scene, steps: Sequence[Step], principal: Ref, target: Ref, account: str) -> None:
    for verb, outcome, write in steps:
        asked = command(verb, principal, target, account)
        (told,) = await scene.desk.ask(asked)
        assert told.state == outcome, told.body
        assert scene.written() == ([(write, account)] if write else []), verb
        await scene.agrees(at_once=target.kind != "provisioned_permission_set")
        await _told_of(scene, asked, told, changed=write is not None)


async def _told_of(scene: Scene, asked: AccessCommand, told: Heard, *, changed: bool) -> None:
    """The outcome shows what was seen, and the change that subscribers hear is the command's own."""
    assert told.body["observed"]["held"] is (asked.verb() == "grant")
    assert told.body["revision"] is not None
    assert bool(told.body["request_ids"]) is changed
    await following.drained(scene.home.graph)
    heard = await following.changes(scene.home.nats_url)
    mine = [each for each in heard if each.get("cause") == f"command {asked.id}"]
    ends = {asked.principal.native_id, asked.target.native_id}
    relations = [each for each in mine if {each.get("source"), each.get("target")} == ends]
    assert [each["revision"] for each in relations] == ([told.body["revision"]] if changed else [])
