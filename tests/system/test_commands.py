"""Every verb and target over the bus: done, done again, undone, undone again. AWS, outcome, graph and change agree, and
what was written is exactly what was meant, where it was meant."""

import json
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import pytest
import pytest_asyncio

from grantwire.contracts.commands import AccessCommand, Ref
from tests.support import everything, following
from tests.support.commanding import Desk, Heard, command, ref
from tests.support.eventually import eventually
from tests.support.house import House, house, use
from tests.support.nats import NatsServer
from tests.support.oracle import judge
from tests.support.postgres import Server, cloned, postgres_server, template_url
from tests.support.world import Sandbox, sandbox

__all__ = ["postgres_server", "template_url"]

pytestmark = pytest.mark.asyncio(loop_scope="module")
Case: TypeAlias = tuple[Ref, Ref]
Step: TypeAlias = tuple[str, str, str | None]

SIZE: Final = (
    "--accounts",
    "4",
    "--users",
    "4",
    "--groups",
    "3",
    "--roles",
    "4",
    "--identity-center",
    "--provisioning",
)
CENTER: Final = ("--directory-users", "12", "--directory-groups", "4", "--permission-sets", "3", "--provisioned", "5")
SOURCES: Final = ("organization", "iam", "identity_center")


@pytest.fixture(scope="module")
def aws() -> Iterator[Sandbox]:
    with sandbox(5, *SIZE, *CENTER) as running:
        yield running


@dataclass
class Scene:
    """One organization that was read, and a team that sends commands."""

    aws: Sandbox
    home: House
    desk: Desk
    rows: list[dict[str, Any]]

    def resources(self, kind: str, account: str | None = None) -> list[str]:
        named = [row for row in self.rows if row["type"] == "resource" and row["kind"] == kind]
        return [row["native_id"] for row in named if account in (None, row["account"])]

    @property
    def account(self) -> str:
        """A member account in which permission sets are provisioned."""
        pairs = {each.partition("/")[0] for each in self.resources("provisioned_permission_set")}
        return next(each for each in self.aws.members[1:] if each in pairs)

    @property
    def partition(self) -> str:
        return str(self.resources("iam_user")[0].split(":")[1])

    def changed_account(self, target: Ref, account: str) -> str:
        """Where a write is seen: assignments and directories are changed in the account that has the instance."""
        return account

    async def agrees(self, *, at_once: bool) -> None:
        """The graph is what a perfect reader would see in AWS now."""

        async def equal() -> bool:
            truth = everything.truth(self.aws, sources=SOURCES)
            verdict = judge(truth, await following.export(self.home.graph))
            assert verdict.equal, str(verdict)
            return True

        if at_once:
            await equal()
        else:  # a role came or went, which the account's own IAM tells
            await eventually(equal, timeout=20)

    def written(self) -> list[tuple[str, str]]:
        """What AWS carried out since the last time: the operation and the account that it changed."""
        found = [(each["operation"], each["account"]) for each in self.aws.get("writes")]
        self.aws.text("writes", "DELETE")
        return found


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def scene(aws: Sandbox, postgres_server: Server, template_url: str) -> AsyncIterator[Scene]:
    with pytest.MonkeyPatch.context() as patch, NatsServer() as nats:
        use(aws, patch)
        async with cloned(postgres_server, template_url) as url, house(url, nats.url) as home:
            settings = everything.settings(aws, sync_secrets=False, scim=False, provisioning=True)
            await following.add(home.graph, settings, aws.organization, identity_center=everything.instance(aws))
            await following.sync(home.graph, "prod")
            rows = [json.loads(line) for line in await following.export(home.graph)]
            aws.text("writes", "DELETE")
            yield Scene(aws, home, Desk(nats.url), rows)


def member_of_iam(scene: Scene, account: str) -> Case:
    users = [each for each in scene.resources("iam_user", account) if not each.endswith(":root")]
    return _free(scene, "member_of", ("iam_user", users), ("iam_group", scene.resources("iam_group", account)))


def attached(kind: str) -> Callable[[Scene, str], Case]:
    def case(scene: Scene, account: str) -> Case:
        holders = [each for each in scene.resources(kind, account) if ":role/aws-" not in each and ":root" not in each]
        policies = scene.resources("iam_policy", account)
        return _free(scene, "attached", (kind, holders), ("iam_policy", policies))

    return case


def aws_policy(scene: Scene, account: str) -> Case:
    """A policy of AWS's own that nothing in the organization has yet."""
    user = ref("iam_user", next(each for each in scene.resources("iam_user", account) if ":root" not in each))
    return user, ref("iam_policy", f"arn:{scene.partition}:iam::aws:policy/job-function/ViewOnlyAccess")


def assigned(kind: str) -> Callable[[Scene, str], Case]:
    def case(scene: Scene, account: str) -> Case:
        pairs = scene.resources("provisioned_permission_set", account)
        return _free(scene, "assigned", (kind, scene.resources(kind)), ("provisioned_permission_set", pairs))

    return case


def newly_provisioned(scene: Scene, account: str) -> Case:
    """A permission set that is not provisioned in the account: AWS provisions it with the first assignment, and takes
    it away with the last."""
    there = {each.partition("/")[2] for each in scene.resources("provisioned_permission_set", account)}
    free = next(each for each in scene.resources("permission_set") if each not in there)
    return ref("identity_user", scene.resources("identity_user")[0]), ref(
        "provisioned_permission_set", f"{account}/{free}"
    )


def member_of_directory(scene: Scene, account: str) -> Case:
    users, groups = scene.resources("identity_user"), scene.resources("identity_group")
    return _free(scene, "member_of", ("identity_user", users), ("identity_group", groups))


def _free(scene: Scene, relation: str, principals: tuple[str, list[str]], targets: tuple[str, list[str]]) -> Case:
    """Two that have nothing to do with each other yet."""
    rows = {
        (row["source"], row["target"]) for row in scene.rows if row["type"] == "relation" and row["kind"] == relation
    }
    rows |= {(target, source) for source, target in rows}
    for principal in principals[1]:
        for target in targets[1]:
            if (principal, target) not in rows:
                return ref(principals[0], principal), ref(targets[0], target)
    raise AssertionError("everybody holds everything")


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
        changed = scene.changed_account(target, account)
        assert scene.written() == ([(write, changed)] if write else []), verb
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
