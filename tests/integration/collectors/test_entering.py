"""Getting in: how often a role is assumed, and what is said when it cannot be."""

import boto3
import pytest

from grantwire.aws import IAM_ALL, AwsSession, Tally, tallying
from grantwire.aws.errors import WRONG_ACCOUNT
from grantwire.contracts.failures import AwsCause, AwsError
from grantwire.sandbox.server import Sandbox
from tests.integration.collectors.conftest import use
from tests.integration.collectors.reading import QUICK, Collectors, calls, collectors, connector, iam_job


@pytest.fixture(autouse=True)
def whole_pages(sandbox: Sandbox) -> None:
    sandbox.control("POST", "mess", {"short": 0, "empty": 0})


async def sync(process: Collectors, sandbox: Sandbox, plan: str = "bulk") -> Tally:
    with tallying() as tally:
        await process.iam.read(connector(sandbox, plan), iam_job(sandbox.account))
    return tally


async def test_a_first_sync_costs_four_calls_and_the_next_three(sandbox: Sandbox) -> None:
    with collectors() as process:
        first, second = await sync(process, sandbox), await sync(process, sandbox)
    lists = {"iam:GetAccountAuthorizationDetails": 1, "iam:ListRoles": 1, "iam:ListUsers": 1}
    assert first.calls == lists | {"sts:AssumeRole": 1}
    assert second.calls == lists
    assert sum(sandbox.control("GET", "calls")["operations"].values()) == 7, "what we count is what was asked"


async def test_retries_and_throttles_are_counted(sandbox: Sandbox) -> None:
    sandbox.fault({"kind": "throttle", "service": "iam", "operation": "ListUsers", "times": 1})
    sandbox.fault({"kind": "drop", "service": "iam", "operation": "ListRoles", "times": 1})
    with collectors() as process:
        tally = await sync(process, sandbox)
    assert (tally.calls["iam:ListUsers"], tally.calls["iam:ListRoles"], tally.throttled) == (2, 2, 1)
    assert tally.outcomes()["iam:ListRoles", "broken"] == 1


async def test_credentials_that_aws_no_longer_takes_are_replaced_once(sandbox: Sandbox) -> None:
    with collectors() as process:
        await sync(process, sandbox)
        sandbox.control("POST", "clock", {"advance": 4_000})
        tally = await sync(process, sandbox)
    assert tally.calls["sts:AssumeRole"] == 1
    assert tally.calls["iam:GetAccountAuthorizationDetails"] == 2


async def test_the_wrong_external_id_is_said_with_role_and_principal(sandbox: Sandbox) -> None:
    settings = connector(sandbox, external_id="not-the-one")
    with collectors() as process, pytest.raises(AwsError) as caught:
        await process.iam.read(settings, iam_job(sandbox.account))
    assert caught.value.cause is AwsCause.DENIED
    refused = f"AWS refused sts:AssumeRole on {settings.role_arn}: the role does not exist, does not trust arn:"
    assert str(caught.value).startswith(refused)
    assert "not-the-one" not in str(caught.value)


async def test_another_account_is_never_read_for_this_one(sandbox: Sandbox) -> None:
    with collectors() as process, pytest.raises(AwsError) as caught:
        await process.iam.read(connector(sandbox), iam_job("000000000001"))
    assert (caught.value.cause, caught.value.code) == (AwsCause.FINAL, WRONG_ACCOUNT)
    assert "iam.GetAccountAuthorizationDetails" not in sandbox.control("GET", "calls")["operations"]


async def test_ambient_credentials_read_their_own_account(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    use(sandbox, monkeypatch, "admin_credentials")
    with collectors() as process, tallying() as tally:
        reading = await process.iam.read(connector(sandbox, role_arn=None, external_id=None), iam_job(sandbox.account))
    assert (reading.account, reading.plan, tally.calls["sts:GetCallerIdentity"]) == (sandbox.account, "bulk", 1)


async def test_the_session_is_allowed_only_what_the_plans_call(sandbox: Sandbox) -> None:
    keys = sandbox.facts["admin_credentials"]
    admin = boto3.client(
        "iam", aws_access_key_id=keys["access_key_id"], aws_secret_access_key=keys["secret_access_key"]
    )
    admin.attach_role_policy(RoleName="GrantwireConnector", PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess")
    with calls() as threads:
        session = AwsSession(connector(sandbox), IAM_ALL, QUICK, threads)
        with pytest.raises(AwsError, match="no session policy allows") as caught:
            await session.iam("iam:ListPolicies", lambda iam: iam.list_policies())
    assert caught.value.cause is AwsCause.DENIED
