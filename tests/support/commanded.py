"""One organization that was read, and a team that commands in it."""

import json
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final, TypeAlias
from uuid import uuid4

import pytest

from grantwire.contracts.commands import Ref
from tests.support import everything, following
from tests.support.commanding import Desk, ref
from tests.support.eventually import eventually
from tests.support.house import House, house, use
from tests.support.nats import NatsServer
from tests.support.oracle import judge
from tests.support.postgres import Server, cloned
from tests.support.world import Sandbox

Case: TypeAlias = tuple[Ref, Ref]
_NOTHING: Final = {"Version": "2012-10-17", "Statement": []}
_NAME: Final = re.compile(r"[\w+=,.@-]+")
_IAM: Final = (
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
_CENTER: Final = ("--directory-users", "12", "--directory-groups", "4", "--permission-sets", "3", "--provisioned", "5")
SIZE: Final = (*_IAM, *_CENTER)
SOURCES: Final = ("organization", "iam", "identity_center")


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
            await eventually(equal)

    def written(self) -> list[tuple[str, str]]:
        """What AWS carried out since the last time: the operation and the account that it changed."""
        found = [(each["operation"], each["account"]) for each in self.aws.get("writes")]
        self.aws.text("writes", "DELETE")
        return found


@asynccontextmanager
async def commanded(aws: Sandbox, server: Server, template_url: str, **settings: Any) -> AsyncIterator[Scene]:
    """Every service in this process, the organization read once. ``settings`` are services' own."""
    with pytest.MonkeyPatch.context() as patch, NatsServer() as nats:
        use(aws, patch)
        async with cloned(server, template_url) as url, house(url, nats.url, **settings) as home:
            connector = everything.settings(aws, sync_secrets=False, scim=False, provisioning=True)
            await following.add(home.graph, connector, aws.organization, identity_center=everything.instance(aws))
            await following.sync(home.graph, "prod")
            rows = [json.loads(line) for line in await following.export(home.graph)]
            aws.text("writes", "DELETE")
            yield Scene(aws, home, Desk(nats.url), rows)


def member_of_iam(scene: Scene, account: str) -> Case:
    """A user and a group of IAM that have nothing to do with each other yet."""
    users = [each for each in scene.resources("iam_user", account) if not each.endswith(":root")]
    return free(scene, "member_of", ("iam_user", users), ("iam_group", scene.resources("iam_group", account)))


def attached(kind: str) -> Callable[[Scene, str], Case]:
    def case(scene: Scene, account: str) -> Case:
        holders = [each for each in scene.resources(kind, account) if ":role/aws-" not in each and ":root" not in each]
        policies = scene.resources("iam_policy", account)
        return free(scene, "attached", (kind, holders), ("iam_policy", policies))

    return case


def aws_policy(scene: Scene, account: str) -> Case:
    """A policy of AWS's own that nothing in the organization has yet."""
    user = ref("iam_user", next(each for each in scene.resources("iam_user", account) if ":root" not in each))
    return user, ref("iam_policy", f"arn:{scene.partition}:iam::aws:policy/job-function/ViewOnlyAccess")


def assigned(kind: str) -> Callable[[Scene, str], Case]:
    def case(scene: Scene, account: str) -> Case:
        pairs = scene.resources("provisioned_permission_set", account)
        return free(scene, "assigned", (kind, scene.resources(kind)), ("provisioned_permission_set", pairs))

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
    return free(scene, "member_of", ("identity_user", users), ("identity_group", groups))


def free(scene: Scene, relation: str, principals: tuple[str, list[str]], targets: tuple[str, list[str]]) -> Case:
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


def inline_policy(scene: Scene, account: str) -> Case:
    """A policy that a user holds inline: a new one each time, for it does not come back."""
    named = [each.rpartition("/")[2] for each in scene.resources("iam_user", account)]
    user = next(each for each in named if _NAME.fullmatch(each))  # some names are planted that IAM's own API refuses
    name, iam = f"passing-{uuid4()}", scene.aws.admin("iam", account)
    iam.put_user_policy(UserName=user, PolicyName=name, PolicyDocument=json.dumps(_NOTHING))
    arn = str(iam.get_user(UserName=user)["User"]["Arn"])
    return ref("iam_user", arn), ref("inline_policy", f"{arn}#{name}")
