"""Member accounts are entered through the connector role, which is assumed once for all of them."""

import asyncio
from typing import Any

import pytest
from botocore.exceptions import ClientError

from grantwire.aws import IAM_ALL, ORGANIZATION, AwsSession, Calls, Sessions, tallying
from grantwire.aws.acting import acting
from grantwire.aws.clients import Clients
from grantwire.aws.doors import Own
from grantwire.aws.errors import WRONG_ACCOUNT
from grantwire.aws.iam.reader import IamReader
from grantwire.aws.organizations.reader import OrganizationReader
from grantwire.contracts.failures import AwsCause, AwsError
from grantwire.sandbox.server import Sandbox, start
from tests.integration.aws.entering import (
    EVERYTHING,
    QUICK,
    admin,
    asked,
    asked_by,
    connector,
    everybody,
    member,
    open_to,
)
from tests.integration.collectors.conftest import use

AMBIENT: dict[str, Any] = {"role_arn": None, "external_id": None}


@pytest.fixture
def sessions(calls: Calls) -> Sessions:
    return Sessions(QUICK, calls)


async def enter(session: AwsSession) -> str:
    return (await session.identity()).arn


async def test_all_members_share_one_connector_role(organization: Sandbox, sessions: Sessions) -> None:
    accounts = open_to(organization)
    found = await asyncio.gather(*(enter(sessions.get(connector(organization), 1, each)) for each in accounts))
    role = dict.fromkeys(accounts, "OrganizationAccountAccessRole") | {accounts[0]: "GrantwireOrganization"}
    assert found == [f"arn:aws:sts::{each}:assumed-role/{role[each]}/grantwire-prod" for each in accounts]
    assert asked(organization) == {"sts.AssumeRole": len(accounts)}
    operator = organization.plan.operator_account
    by = {account: sum(counts.values()) for account, counts in asked_by(organization).items()}
    assert by == {operator: 1, organization.account: len(accounts) - 1}


async def test_a_role_is_assumed_once_an_hour_and_not_once_a_read(organization: Sandbox, sessions: Sessions) -> None:
    for _ in range(3):
        await IamReader(sessions.get(connector(organization), 1, member(organization))).users()
    assert asked(organization) == {"sts.AssumeRole": 2, "iam.ListUsers": 3}


async def test_a_member_is_read_as_itself(organization: Sandbox, sessions: Sessions) -> None:
    mine = await IamReader(sessions.get(connector(organization), 1, member(organization))).users()
    assert {user.arn.split(":")[4] for user in mine} == {member(organization)}


@pytest.mark.parametrize("reader", ["organization", "organization_minimum", "delegated", "delegated_minimum"])
async def test_every_reader_enters_what_the_truth_says_it_can(
    organization: Sandbox, sessions: Sessions, reader: str
) -> None:
    settings, refused = connector(organization, reader), set()
    for account in everybody(organization):
        try:
            assert f"::{account}:" in await enter(sessions.get(settings, 1, account))
        except AwsError as error:
            assert (error.cause, error.operation, error.account) == (AwsCause.DENIED, "sts:AssumeRole", account)
            refused.add(account)
    assert refused == organization.unreachable(reader.removesuffix("_minimum")).keys()


@pytest.mark.parametrize("trouble", ["SUSPENDED", "does not exist", "PENDING_CLOSURE", "trusts another"])
async def test_a_refusal_names_role_account_and_the_ways_out(
    organization: Sandbox, sessions: Sessions, trouble: str
) -> None:
    settings, account = connector(organization), member(organization, trouble)
    with pytest.raises(AwsError) as caught:
        await IamReader(sessions.get(settings, 1, account)).users()
    said = str(caught.value)
    assert f"sts:AssumeRole on {settings.child_role(account).arn} in account {account}: the role does not exist" in said
    assert f"does not trust {settings.role_arn} or asks for another external id" in said
    assert "suspended or closed" in said
    assert said.split("next: ")[1].startswith("create the role with that trust")


async def test_the_wrong_external_id_of_a_child_is_refused_and_not_said(
    organization: Sandbox, sessions: Sessions
) -> None:
    account = next(iter(organization.facts["organization"]["child_external_id"]))
    settings = connector(organization, account_overrides={account: {"external_id": "not-the-one"}})
    with pytest.raises(AwsError, match="asks for another external id") as caught:
        await enter(sessions.get(settings, 1, account))
    assert "not-the-one" not in str(caught.value)
    assert account in await enter(sessions.get(connector(organization), 2, account))


async def test_an_override_names_another_role(organization: Sandbox, sessions: Sessions) -> None:
    account = member(organization)
    let_in(organization, organization.account, "GrantwireOrganization")
    settings = connector(organization, account_overrides={account: {"role_name": "GrantwireRead"}})
    assert f"{account}:assumed-role/GrantwireRead/" in await enter(sessions.get(settings, 1, account))


async def test_where_the_connector_role_fails_it_is_the_one_that_is_named(
    organization: Sandbox, sessions: Sessions
) -> None:
    settings, account = connector(organization, external_id="not-the-one"), member(organization)
    with pytest.raises(AwsError) as caught:
        await enter(sessions.get(settings, 1, account))
    assert caught.value.account == organization.account
    assert str(caught.value).startswith(
        f"Account {account} was not entered, because the connector's own credentials were not: "
        f"AWS refused sts:AssumeRole on {settings.role_arn}: "
    )


async def test_ambient_credentials_enter_members_and_their_own_account(
    organization: Sandbox, sessions: Sessions, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(organization, monkeypatch, "admin_credentials")
    settings = connector(organization, **AMBIENT)
    accounts = (member(organization), organization.account)
    found = [await enter(sessions.get(settings, 1, account)) for account in accounts]
    assert found[0].startswith(f"arn:aws:sts::{accounts[0]}:assumed-role/OrganizationAccountAccessRole/")
    assert found[1].startswith(f"arn:aws:iam::{accounts[1]}:user/")
    assert asked(organization) == {"sts.GetCallerIdentity": 1, "sts.AssumeRole": 1}


@pytest.mark.parametrize("partition", ["aws-us-gov", "aws-cn"])
@pytest.mark.parametrize("ambient", [False, True])
async def test_a_chain_stays_in_its_partition(
    partition: str, ambient: bool, calls: Calls, monkeypatch: pytest.MonkeyPatch
) -> None:
    with start(2, users=2, groups=1, roles=4, accounts=3, partition=partition, calm=True) as sandbox:
        use(sandbox, monkeypatch, "admin_credentials" if ambient else "credentials")
        settings = connector(sandbox, **(AMBIENT if ambient else {}))
        sessions = Sessions(QUICK, calls)
        for account in sandbox.facts["organization"]["member_accounts"]:
            assert (await enter(sessions.get(settings, 1, account))).startswith(f"arn:{partition}:sts::{account}:")


ELSEWHERE = """<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult>
<AssumedRoleUser><Arn>arn:aws:sts::000000000001:assumed-role/X/y</Arn><AssumedRoleId>AROA:y</AssumedRoleId>
</AssumedRoleUser><Credentials><AccessKeyId>ASIAQX7EXAMPLE012345</AccessKeyId><SecretAccessKey>x</SecretAccessKey>
<SessionToken>t</SessionToken><Expiration>2999-01-01T00:00:00Z</Expiration></Credentials></AssumeRoleResult>
</AssumeRoleResponse>"""


@pytest.mark.parametrize("own", [True, False])
async def test_a_role_that_leads_to_another_account_is_an_error(
    organization: Sandbox, sessions: Sessions, own: bool
) -> None:
    account = organization.account if own else member(organization)
    organization.fault({"kind": "garbage", "operation": "AssumeRole", "account": account, "body": ELSEWHERE, "nth": 1})
    with pytest.raises(AwsError, match=f"account 000000000001, where a role of account {account}") as caught:
        await enter(sessions.get(connector(organization), 1, account))
    assert (caught.value.cause, caught.value.code) == (AwsCause.FINAL, WRONG_ACCOUNT)
    assert account in await enter(sessions.get(connector(organization), 1, account))


@pytest.mark.parametrize("body", ["", "<html/>", ELSEWHERE[:200], ELSEWHERE.replace("Expiration", "Other")])
async def test_a_broken_answer_of_sts_is_asked_for_again(organization: Sandbox, sessions: Sessions, body: str) -> None:
    account = member(organization)
    organization.fault({"kind": "garbage", "operation": "AssumeRole", "account": account, "body": body, "times": 2})
    assert account in await enter(sessions.get(connector(organization), 1, account))
    assert organization.control("GET", "faults")[0]["fired"] == 2


@pytest.mark.parametrize("own", [True, False])
async def test_credentials_that_are_over_when_they_come_are_the_clocks_fault(
    organization: Sandbox, sessions: Sessions, own: bool
) -> None:
    account = organization.account if own else member(organization)
    organization.control("POST", "clock", {"advance": -7_200})
    with pytest.raises(AwsError, match="clock differs from AWS's by at least 60 minutes") as caught:
        await enter(sessions.get(connector(organization), 1, account))
    assert (caught.value.cause, caught.value.account) == (AwsCause.CLOCK, organization.account)
    assert str(caught.value).startswith("AWS refused" if own else f"Account {account} was not entered")


# Renewal: the sandbox's clock goes back, so that the credentials it gives are soon over by ours.


async def test_credentials_are_renewed_before_they_are_over(organization: Sandbox, sessions: Sessions) -> None:
    organization.control("POST", "clock", {"advance": -3_000})
    reader = IamReader(sessions.get(connector(organization), 1, member(organization)))
    await reader.users()
    organization.control("POST", "clock", {"advance": 3_000})
    await reader.users()
    organization.control("POST", "clock", {"advance": 1_000})  # the first ones are over now
    with tallying() as tally:
        await reader.users()
    assert tally.calls == {"iam:ListUsers": 1}


async def test_a_renewal_that_the_connector_role_is_refused_says_so(organization: Sandbox, sessions: Sessions) -> None:
    organization.control("POST", "clock", {"advance": -3_000})
    settings, account = connector(organization), member(organization)
    reader = IamReader(sessions.get(settings, 1, account))
    await reader.users()
    organization.fault({"kind": "deny", "operation": "AssumeRole", "account": organization.account})
    with pytest.raises(AwsError) as caught:
        await reader.users()
    assert caught.value.account == organization.account
    assert str(caught.value).startswith(f"Account {account} was not entered, because the connector's own credentials")
    organization.control("DELETE", "faults")
    await reader.users()


async def test_a_connector_role_that_aws_no_longer_takes_is_entered_anew_once(
    organization: Sandbox, sessions: Sessions
) -> None:
    settings, (_, first, *others) = connector(organization), open_to(organization)
    await enter(sessions.get(settings, 1, first))
    organization.control("POST", "clock", {"advance": 4_000})  # over by AWS's clock, not by ours
    assert len(await asyncio.gather(*(enter(sessions.get(settings, 1, each)) for each in others))) == len(others)
    assert asked_by(organization)[organization.plan.operator_account] == {"sts.AssumeRole": 2}


async def test_a_member_that_aws_no_longer_takes_is_entered_anew(organization: Sandbox, sessions: Sessions) -> None:
    settings, account = connector(organization), member(organization)
    reader = IamReader(sessions.get(settings, 1, account))
    await reader.users()
    organization.control("POST", "clock", {"advance": 4_000})
    with pytest.raises(AwsError, match="expired") as caught:
        await reader.users()
    assert caught.value.account == account
    assert sessions.known(settings, 1, account)
    sessions.forget(settings, 1, account)
    assert await IamReader(sessions.get(settings, 1, account)).users()


# Session policies


def let_in(sandbox: Sandbox, account: str, role: str) -> None:
    """From now on the role may do anything."""
    admin(sandbox, account).attach_role_policy(RoleName=role, PolicyArn=EVERYTHING)


async def refused(session: AwsSession) -> str:
    """The words in which creating a user is refused."""
    with pytest.raises(AwsError) as caught:
        await session.iam("iam:CreateUser", lambda iam: iam.create_user(UserName="planted"))
    assert caught.value.cause is AwsCause.DENIED
    return str(caught.value)


async def test_a_collector_cannot_write_though_its_roles_may(organization: Sandbox, sessions: Sessions) -> None:
    settings, account = connector(organization), member(organization)
    let_in(organization, account, settings.child_role_name)
    let_in(organization, organization.account, "GrantwireOrganization")
    for session in (sessions.get(settings, 1, account), sessions.get(settings, 1)):
        assert "no session policy allows the iam:CreateUser action" in await refused(session)
        assert await IamReader(session).users()


async def test_a_connector_role_assumes_child_roles_and_no_others(organization: Sandbox, calls: Calls) -> None:
    settings, account, clients = connector(organization), member(organization), Clients(QUICK)
    let_in(organization, organization.account, "GrantwireOrganization")
    entered = await Own(settings, IAM_ALL, QUICK, calls, clients).open()
    assume = clients.sts(entered.region).assume_role
    with acting(entered.credentials):
        child = settings.child_role(account).arn
        assert assume(RoleArn=child, RoleSessionName="test")["AssumedRoleUser"]["Arn"].split(":")[4] == account
        with pytest.raises(ClientError, match="AccessDenied"):
            assume(RoleArn=f"arn:aws:iam::{account}:role/GrantwireRead", RoleSessionName="test")


async def test_what_the_roles_are_allowed_is_what_is_used(organization: Sandbox, calls: Calls) -> None:
    settings, account = connector(organization), member(organization)
    reader = OrganizationReader(Sessions(QUICK, calls, actions=ORGANIZATION).get(settings, 1))
    roots, delegated = await reader.roots(), await reader.delegated_administrators()
    await asyncio.gather(reader.organization(), reader.accounts(), reader.delegated_services(delegated[0]))
    await asyncio.gather(reader.units(roots[0].id), reader.accounts_under(roots[0].id))
    iam = IamReader(Sessions(QUICK, calls).get(settings, 1, account))
    group = (await iam.groups())[0].name
    await asyncio.gather(iam.users(), iam.roles(), iam.account_details(), iam.account_aliases(), iam.members(group))
    assert set(organization.control("GET", "used")) == {*ORGANIZATION, *IAM_ALL, "sts:AssumeRole"}
    assert organization.control("GET", "denied") == []
