"""Permission sets and their roles, SCIM's users and the directory's, through every service: after each change in AWS
the export is the truth, and the changes add up to it."""

import json
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import pytest_asyncio

from grantwire.contracts.connectors import Connector, ConnectorState
from grantwire.contracts.identity_center import IdentityCenter
from grantwire.graph import connectors
from grantwire.graph.checking import check
from tests.support.eventually import eventually
from tests.support.house import house, use
from tests.support.nats import NatsServer
from tests.support.oracle import judge
from tests.support.postgres import database_url, postgres_server, template_url
from tests.support.subscriber import Subscriber, of
from tests.support.world import Sandbox, sandbox

__all__ = ["database_url", "postgres_server", "template_url"]

CENTER = ("--identity-center", "--scim", "--directory-users", "12", "--directory-groups", "3", "--permission-sets", "6")
SIZE = ("--calm", "--accounts", "4", "--users", "3", "--groups", "2", "--roles", "6", "--provisioned", "8", *CENTER)


@dataclass
class Follower(Subscriber):
    """Follows a connector that reads the organization, its Identity Center and SCIM."""

    async def connect(self, **but: Any) -> None:
        settings = {**self.aws.connector("organization"), **self.aws.scim, "identity_center": True, **but}
        row = next(each for each in self.shown()["Instance"] if each["organized"])
        center = IdentityCenter(
            instance_arn=row["arn"], identity_store=row["store"], region=row["region"], owner_account=row["owner"]
        )
        connector = Connector(**settings)
        known: dict[str, Any] = {"account": connector.account, "organization": self.aws.organization}
        known |= {"identity_center": center, "state": ConnectorState.SYNCING, "reason": None}
        await connectors.put(self.home.graph, connector, **known)

    async def equals_the_truth(self, accounts: set[str] | None = None) -> None:
        only = "" if accounts is None else f"&accounts={','.join(accounts)}"
        truth = self.aws.text(f"truth?sources=organization,iam,identity_center,scim{only}").splitlines()
        verdict = judge(truth, await self.export(), ["scim_user.read_at"])
        assert verdict.equal, str(verdict)
        assert await check(self.home.graph) == []

    def shown(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.aws.text("identity-center"))
        return found


@pytest.fixture(scope="module")
def aws() -> Iterator[Sandbox]:
    with sandbox(3, *SIZE) as running:
        yield running


@pytest_asyncio.fixture
async def life(aws: Sandbox, database_url: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Follower]:
    """Everything was read once, and everything was heard."""
    aws.text("reset", "POST")
    use(aws, monkeypatch)
    with NatsServer() as nats:
        async with house(database_url, nats.url) as home:
            follower = Follower(aws, home)
            await follower.connect()
            loads = await follower.sync()
            await follower.equals_the_truth()
            kinds = {(change["type"], change["kind"]) for change in loads if change["type"] != "scope.loaded"}
            assert kinds == {("relation.added", "realized_as"), ("relation.added", "mirrors")}
            yield follower


async def test_what_happens_in_aws_is_followed(life: Follower) -> None:
    assert await life.sync() == [] and await life.sync(full=True) == []
    await _last_assignment_takes_the_role_along_and_the_next_brings_another(life)
    await _deleted_directory_user_takes_the_scim_user_along(life)


async def _last_assignment_takes_the_role_along_and_the_next_brings_another(life: Follower) -> None:
    shown, admin = life.shown(), life.aws.admin("sso-admin")
    assignments = _all_of_one_pair(shown)
    account = assignments[0]["account"]
    for given in assignments:
        await _done(life, admin.delete_account_assignment(**_request(shown, given)), "Deletion")
    told = await life.sync()
    await life.equals_the_truth()
    (ended,) = of(told, "relation.removed", kind="realized_as", scope=f"assignments/{account}")
    assert of(told, "resource.removed", native_id=ended["target"], scope=f"iam/{account}")
    await _done(life, admin.create_account_assignment(**_request(shown, assignments[0])), "Creation")
    told = await life.sync()
    await life.equals_the_truth()
    (begun,) = of(told, "relation.added", kind="realized_as")
    assert begun["source"] == ended["source"] and begun["target"] != ended["target"], "another suffix"


async def _deleted_directory_user_takes_the_scim_user_along(life: Follower) -> None:
    user = life.shown()["Person"][0]["id"]
    life.aws.text("identity-center", "POST", {"delete_user": user})
    told = await life.sync()
    await life.equals_the_truth()
    assert of(told, "relation.removed", kind="mirrors", target=user)
    assert of(told, "resource.removed", kind="scim_user", native_id=f"scim:{user}")
    assert {scope.state for scope in (await life.scopes()).values()} == {"complete"}


async def test_what_settings_drop_is_followed(life: Follower) -> None:
    await _accounts_and_identity_center_leave_and_return(life)
    await _roles_of_an_account_that_is_not_read_are_no_relation(life)


async def _accounts_and_identity_center_leave_and_return(life: Follower) -> None:
    members = life.aws.members
    await life.connect(exclude_accounts=[members[1]])
    told = await life.sync()
    assert {change["scope"] for change in of(told, "scope.retired")} == {
        f"iam/{members[1]}",
        f"assignments/{members[1]}",
    }
    assert not of(told, "relation.removed"), "what follows from both leaves with them"
    await life.connect(identity_center=False, scim=False)
    told = await life.sync()
    assert not of(told, "relation.removed")
    assert not [line for line in await life.export() if "realized_as" in line or "mirrors" in line]
    assert await check(life.home.graph) == []
    await life.connect()
    await life.sync()
    await life.equals_the_truth()


async def _roles_of_an_account_that_is_not_read_are_no_relation(life: Follower) -> None:
    await life.connect(child_iam=False)
    told = await life.sync()
    gone = of(told, "relation.removed", kind="realized_as")
    assert gone and {change["account"] for change in gone} <= set(life.aws.members[1:])
    await life.equals_the_truth(accounts={life.aws.account})
    await life.connect()
    told = await life.sync()
    assert len(of(told, "relation.added", kind="realized_as")) == len(gone)
    await life.equals_the_truth()


def _all_of_one_pair(shown: dict[str, Any]) -> list[dict[str, Any]]:
    """The assignments of a permission set in an account; AWS takes back none of somebody who is deleted."""
    held: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for row in shown["Assignment"]:
        held.setdefault((row["account"], row["permission_set"]), []).append(row)
    there = {row["id"] for row in (*shown["Person"], *shown["Team"])}
    usable = [rows for rows in held.values() if {row["principal"] for row in rows} <= there]
    return min(usable, key=len)


def _request(shown: dict[str, Any], given: dict[str, Any]) -> dict[str, str]:
    return {
        "InstanceArn": next(each["arn"] for each in shown["Instance"] if each["organized"]),
        "TargetId": given["account"],
        "TargetType": "AWS_ACCOUNT",
        "PermissionSetArn": given["permission_set"],
        "PrincipalType": given["principal_type"],
        "PrincipalId": given["principal"],
    }


async def _done(life: Follower, answer: dict[str, Any], what: str) -> None:
    """Wait until the request has ended well."""
    request = answer[f"AccountAssignment{what}Status"]["RequestId"]

    async def over() -> bool:
        found = {each["id"]: each for each in life.shown()["requests"]}
        return bool(found[request]["status"] == "SUCCEEDED")

    await eventually(over, what=f"the end of request {request}")
