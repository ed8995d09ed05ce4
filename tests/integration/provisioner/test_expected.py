"""What a target expects to read after a write is what AWS then shows."""

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest

from grantwire.aws import Calls
from grantwire.aws.permissions import OperationKind
from grantwire.contracts.commands import BY_VERB, AccessCommand, Ref
from grantwire.contracts.resources import Kind
from grantwire.provisioner.targets.iam import IamMembership, InlinePolicy, PolicyAttachment
from grantwire.sandbox.server import Sandbox, start
from tests.integration.aws.commanding import GROUP, INLINE, READ_ONLY, ROLE, USER, Commanded, commanded
from tests.integration.aws.entering import QUICK
from tests.integration.collectors.conftest import use

NAMES = {Kind.IAM_USER: f"user/{USER}", Kind.IAM_GROUP: f"group/{GROUP}", Kind.IAM_ROLE: f"role/{ROLE}"}


@pytest.fixture(scope="module")
def accounts() -> Iterator[Sandbox]:
    with start(7, users=2, groups=1, roles=4, accounts=2, calm=True, provisioning=True) as running:
        yield running


@pytest.fixture
def world(accounts: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Iterator[Commanded]:
    accounts.control("POST", "reset")
    use(accounts, monkeypatch)
    calls = Calls(QUICK.concurrency)
    yield commanded(accounts, calls)
    calls.close()


def iam(world: Commanded, kind: Kind) -> Ref:
    return Ref(kind=kind, native_id=f"arn:aws:iam::{world.account}:{NAMES[kind]}")


def command(world: Commanded, verb: str, principal: Ref, target: Ref) -> AccessCommand:
    given: dict[str, Any] = {"connector": "prod", "account": world.account, "requester": "bob", "reason": "test"}
    return BY_VERB[verb](id=uuid4(), principal=principal, target=target, **given)


Target = type[IamMembership] | type[PolicyAttachment] | type[InlinePolicy]


async def proven(world: Commanded, target: Target, kind: OperationKind, asked: AccessCommand) -> bool:
    """Whether something came of the write, and it was what was expected."""
    made, wants = target(world.iam(kind), asked, None, None), asked.verb() == "grant"
    before = await made.look()
    await made.send(wants, before)
    after = await made.read()
    assert made.expected(wants, before) == after.read
    assert made.expected(not wants, after) == before.read, "and back"
    return after.read != before.read and after.seen.held == wants


async def test_groups_of_a_user(world: Commanded) -> None:
    for name in ("a-group", "z-group"):
        world.admin.create_group(GroupName=name)
        world.admin.add_user_to_group(GroupName=name, UserName=USER)
    user, group = iam(world, Kind.IAM_USER), iam(world, Kind.IAM_GROUP)
    for verb in ("grant", "revoke"):
        assert await proven(world, IamMembership, "iam_membership", command(world, verb, user, group))


@pytest.mark.parametrize("holder", NAMES)
async def test_managed_policies(world: Commanded, holder: Kind) -> None:
    target = Ref(kind=Kind.IAM_POLICY, native_id=READ_ONLY)
    for verb in ("grant", "revoke"):
        asked = command(world, verb, iam(world, holder), target)
        assert await proven(world, PolicyAttachment, "policy_attachment", asked)


@pytest.mark.parametrize("holder", NAMES)
async def test_inline_policies(world: Commanded, holder: Kind) -> None:
    who = iam(world, holder)
    target = Ref(kind=Kind.INLINE_POLICY, native_id=f"{who.native_id}#{INLINE}")
    assert await proven(world, InlinePolicy, "inline_policy", command(world, "revoke", who, target))
