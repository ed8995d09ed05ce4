"""What the best existing tools get wrong with accounts and their IAM: one test each.

And a tool that is wrong on purpose, which the matrix must catch.
"""

import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
import pytest_asyncio

from grantwire.collectors.kit.reading import Reading
from grantwire.contracts.connectors import Connector
from grantwire.contracts.jobs import CollectScope
from grantwire.contracts.resources import Facts, Kind, RelationKind
from tests.support import following
from tests.support.house import House, house, use
from tests.support.matrix import Cell, Seen, check, nothing_vanished, of_account
from tests.support.nats import NatsServer
from tests.support.oracle import judge, keys
from tests.support.postgres import Server, cloned, database_url, postgres_server, template_url
from tests.support.proving import Proving
from tests.support.world import Sandbox, sandbox

__all__ = ["database_url", "postgres_server", "template_url"]

SIZE = ("--users", "6", "--groups", "3", "--roles", "12")


@pytest.fixture(scope="module")
def aws() -> Iterator[Sandbox]:
    """Eight accounts, of which one is suspended, one closes and two let nobody in."""
    with sandbox(10, "--accounts", "8", *SIZE) as running, pytest.MonkeyPatch.context() as patch:
        use(running, patch)
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def home(aws: Sandbox, postgres_server: Server, template_url: str) -> AsyncIterator[House]:
    with NatsServer() as nats:
        async with (
            cloned(postgres_server, template_url) as database,
            house(database, nats.url, impatient=True) as running,
        ):
            yield running


@pytest_asyncio.fixture(loop_scope="module")
async def proving(aws: Sandbox, home: House) -> AsyncIterator[Proving]:
    """Read as far as it can be, before the test and again after it."""
    found = Proving(aws, home)
    await _as_far_as_can_be(found)
    yield found
    await _as_far_as_can_be(found)


async def _as_far_as_can_be(proving: Proving) -> None:
    await proving.sync()
    verdict = judge(proving.aws.truth(), await following.export(proving.home.graph))
    assert verdict.equal, str(verdict)


def _open(aws: Sandbox) -> str:
    """A member account that can be entered."""
    return next(account for account in reversed(aws.members) if account not in aws.unreachable())


module_loop = pytest.mark.asyncio(loop_scope="module")


@module_loop
@pytest.mark.parametrize("operation", ["GetAccountAuthorizationDetails", "ListRoles"])
async def test_a_role_that_could_not_be_read_keeps_its_grants_and_policies(proving: Proving, operation: str) -> None:
    """baton-aws role.go:170: any failed GetRole made a role without trust and attachments, and the sync succeeded."""
    account = _open(proving.aws)
    found = await proving.under_rules(
        [{"kind": "throttle", "service": "iam", "operation": operation, "account": account}]
    )
    assert found.fired[0] > 0
    kept = [
        row
        for row in _rows(found.after)
        if row["kind"] in ("can_assume", "attached") and f":{account}:role/" in row["target"]
    ]
    assert kept == [row for row in _rows(found.before) if row in kept]
    assert len(kept) > 10
    scope = found.scopes[f"iam/{account}"]
    assert (scope.state, scope.reason.code) == ("stale", "throttled")


@module_loop
async def test_an_account_that_cannot_be_entered_keeps_its_users_and_roles(proving: Proving) -> None:
    """baton-aws account_iam.go:122: any failed AssumeRole was "Skipping account", and its users and roles vanished."""
    account = _open(proving.aws)
    found = await proving.under_rules(
        [{"kind": "deny", "service": "sts", "operation": "AssumeRole", "account": account}]
    )
    nothing_vanished(found.before, found.after, found.told)
    assert {row["kind"] for row in _rows(of_account(found.after, account))} >= {"iam_user", "iam_role"}
    scope = found.scopes[f"iam/{account}"]
    assert scope.state == "stale"
    assert "sts:AssumeRole" in scope.reason.text


AS_EMPTY: dict[str, dict[str, Any]] = {
    "AccessDenied": {"kind": "deny"},
    "InvalidClientTokenId": {"kind": "error", "status": 403, "code": "InvalidClientTokenId"},
    "InternalServerErrorException": {"kind": "error", "code": "InternalServerErrorException"},
    "EndpointConnectionError": {"kind": "drop"},
    "ReadTimeoutError": {"kind": "timeout"},
}


@module_loop
@pytest.mark.parametrize("name", AS_EMPTY)
async def test_an_error_is_never_taken_for_an_empty_list(proving: Proving, name: str) -> None:
    """cartography's aws_handle_regions: these errors became [], and a clean-up deleted what was not in it."""
    account = _open(proving.aws)
    # Where the bulk call is denied the small ones are made: the first of those is closed as well.
    met = ["GetAccountAuthorizationDetails", *(["ListUsers"] if name == "AccessDenied" else [])]
    rules = [{**AS_EMPTY[name], "service": "iam", "operation": each, "account": account} for each in met]
    tree = {**AS_EMPTY[name], "service": "organizations", "operation": "ListAccounts"}
    found = await proving.under_rules([*rules, tree])
    assert all(found.fired)
    nothing_vanished(found.before, found.after, found.told)
    assert found.scopes[f"iam/{account}"].state == "stale"
    assert found.scopes[f"organization/{proving.aws.organization}"].state == "stale"


@module_loop
@pytest.mark.parametrize("shown", ["both", "state", "status", "none"])
async def test_an_account_s_state_is_read_before_and_after_aws_retired_its_status(proving: Proving, shown: str) -> None:
    """AWS sends ``State``, sent ``Status`` until 9 September 2026, and may send neither: no account is lost by it."""
    aws, before = proving.aws, await following.export(proving.home.graph)
    reachable = set(aws.members) - aws.unreachable().keys()
    aws.text("account-state", "POST", {"show": shown})
    try:
        await proving.sync()
        after = await following.export(proving.home.graph)
        verdict = judge(aws.truth(accounts=reachable), after)
        assert verdict.equal, str(verdict)
        assert keys(after) == keys(before)
        scopes = await following.scopes(proving.home.graph)
        assert {scope.account for scope in scopes.values() if scope.state == "complete"} >= reachable
    finally:
        aws.text("account-state", "POST", {"show": "both"})


@module_loop
async def test_a_suspended_account_is_said_to_be_one_and_is_not_knocked_at(proving: Proving) -> None:
    """cloudquery #13869, aws-sso-util #80: it showed stale data as fresh, or stopped everything."""
    aws = proving.aws
    (suspended,) = [account for account, why in aws.unreachable().items() if "SUSPENDED" in why]
    aws.fault({"kind": "latency", "seconds": 0.0, "service": "sts", "operation": "AssumeRole", "account": suspended})
    try:
        view = await proving.sync()
        assert aws.fired() == 0
    finally:
        aws.heal()
    (part,) = [part for part in view.scopes if part.scope == f"iam/{suspended}"]
    assert part.state == "unreachable"
    assert "suspended" in part.reason.text


class Gullible:
    """A source that is wrong on purpose: it takes every account for empty, and is sure of it."""

    async def read(self, connector: Connector, job: CollectScope) -> Reading:
        covers = [each.value for each in (*Kind, *RelationKind)]
        return Reading(str(job.account), "bulk", Facts, [], covers)


async def test_the_matrix_catches_a_tool_that_believes_an_empty_list(
    aws: Sandbox, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(aws, monkeypatch)
    account = _open(aws)
    with NatsServer() as nats:
        async with house(database_url, nats.url, impatient=True) as honest:
            await Proving(aws, honest).sync()
            before = await following.export(honest.graph)
        async with house(database_url, nats.url, impatient=True, iam=lambda graph, calls: Gullible()) as fooled:
            await following.drained(fooled.graph)
            heard = len(await following.changes(nats.url))
            await Proving(aws, fooled, runs=1).sync()
            await following.drained(fooled.graph)
            told = await following.changes(nats.url, after=heard)
            after, scopes = await following.export(fooled.graph), await following.scopes(fooled.graph)
    seen = Seen(before, after, told, scopes[f"iam/{account}"], fired=1)
    with pytest.raises(AssertionError, match="rows vanished"):
        check(Cell("bulk", "ListUsers", "empty"), seen)
    with pytest.raises(AssertionError, match="removals were told"):
        nothing_vanished(after, after, told)


def _held_by_roles(lines: list[str], account: str) -> list[dict[str, Any]]:
    """Who may assume an account's roles, and what is attached to them."""
    kinds, there = ("can_assume", "attached"), f":{account}:role/"
    return [row for row in _rows(lines) if row["kind"] in kinds and there in row["target"]]


def _rows(lines: list[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in lines]
