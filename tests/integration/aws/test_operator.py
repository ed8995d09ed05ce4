"""The connector's role is assumed by an operator role, where there is one: ambient, operator, connector, child."""

import boto3
import pytest
from botocore.exceptions import ClientError

from grantwire.aws import AwsSession, Calls, Sessions, check_connector
from grantwire.aws.acting import acting
from grantwire.aws.clients import Clients
from grantwire.aws.doors import Own
from grantwire.aws.iam.reader import IamReader
from grantwire.contracts.failures import AwsCause, AwsError
from grantwire.sandbox.server import Sandbox
from tests.integration.aws.entering import QUICK, admin, asked, asked_by, connector, member
from tests.integration.aws.operators import NAME, operated, operator_role, trusting

HOUR = 3_600


@pytest.fixture
def sessions(calls: Calls) -> Sessions:
    return Sessions(QUICK, calls)


async def arn_of(session: AwsSession) -> str:
    return (await session.identity()).arn


async def test_the_chain_is_operator_connector_child(organization: Sandbox, sessions: Sessions) -> None:
    operator = operator_role(organization)
    settings, account = operated(organization, operator), member(organization)
    before = asked(organization).get("sts.AssumeRole", 0)
    assert f"::{account}:assumed-role/OrganizationAccountAccessRole/grantwire-prod" in await arn_of(
        sessions.get(settings, 1, account)
    )
    assert asked(organization)["sts.AssumeRole"] - before == 3
    by = asked_by(organization)
    assert by[organization.plan.operator_account]["sts.AssumeRole"] == 1
    assert by[operator.account]["sts.AssumeRole"] == 1
    assert by[organization.account]["sts.AssumeRole"] == 1


async def test_without_the_operator_role_the_connector_is_refused(organization: Sandbox) -> None:
    operator_role(organization)
    with pytest.raises(AwsError, match=r"does not trust arn:aws:iam::[0-9]+:user/grantwire-operator"):
        await check_connector(connector(organization), QUICK)


@pytest.mark.parametrize("external_id", [None, "another-one"])
async def test_an_operator_role_that_asks_for_another_external_id_is_named(
    organization: Sandbox, external_id: str | None
) -> None:
    operator = operator_role(organization)
    with pytest.raises(AwsError) as caught:
        await check_connector(operated(organization, operator, operator_external_id=external_id), QUICK)
    assert (caught.value.cause, caught.value.account) == (AwsCause.DENIED, operator.account)
    assert str(caught.value).startswith(f"AWS refused sts:AssumeRole on the operator role {operator.arn}: ")
    assert "compare operator_external_id" in str(caught.value)


async def test_a_connector_role_that_does_not_trust_the_operator_says_so(organization: Sandbox) -> None:
    operator = operator_role(organization)
    with pytest.raises(AwsError) as caught:
        await check_connector(operated(organization, operator, external_id="another-one"), QUICK)
    assert caught.value.account == organization.account
    assert f"to the operator role {operator.arn}: the role does not exist, does not trust" in str(caught.value)
    assert "account_overrides" not in str(caught.value)


async def test_the_operators_credentials_may_do_nothing_but_assume_the_connectors_role(
    organization: Sandbox, calls: Calls
) -> None:
    operator, clients = operator_role(organization), Clients(QUICK)
    settings = operated(organization, operator)
    own, region = Own(settings, (), QUICK, calls, clients), organization.region
    with acting(own._assumer(clients.sts(region), boto3.Session().get_credentials())):
        with pytest.raises(ClientError, match="AccessDenied"):
            clients.iam(region).list_users()
        child = settings.child_role(member(organization)).arn
        with pytest.raises(ClientError, match="AccessDenied"):
            clients.sts(region).assume_role(RoleArn=child, RoleSessionName="test")


# The one-hour rule: a chained role lasts an hour at most, so every hop is renewed before it is over.


async def test_every_hop_is_renewed_before_it_is_over(organization: Sandbox, sessions: Sessions) -> None:
    operator = operator_role(organization)
    organization.control("POST", "clock", {"advance": -3_000})
    reader = IamReader(sessions.get(operated(organization, operator), 1, member(organization)))
    await reader.users()
    before = asked(organization)["sts.AssumeRole"]
    organization.control("POST", "clock", {"advance": HOUR})
    await reader.users()
    assert asked(organization)["sts.AssumeRole"] - before == 3, "operator, connector and child, in this order"


async def test_a_renewal_that_the_operator_is_refused_says_so(organization: Sandbox, sessions: Sessions) -> None:
    operator = operator_role(organization)
    organization.control("POST", "clock", {"advance": -3_000})
    reader = IamReader(sessions.get(operated(organization, operator), 1))
    await reader.users()
    admin(organization, operator.account).update_assume_role_policy(
        RoleName=NAME, PolicyDocument=trusting("999988887777", None)
    )
    organization.control("POST", "clock", {"advance": HOUR})
    with pytest.raises(AwsError) as caught:
        await reader.users()
    assert caught.value.account == operator.account
    assert str(caught.value).startswith(
        f"Account {organization.account} was not entered, because the credentials of its operator role were not: "
        f"AWS refused sts:AssumeRole on the operator role {operator.arn}"
    )
