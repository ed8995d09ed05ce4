"""The api's door for a connector that reads an organization: the organization's id, or the field and the way out."""

import json

import pytest

from grantwire.aws import check_connector
from grantwire.contracts.failures import AwsError, Invalid
from grantwire.sandbox.server import Sandbox
from tests.integration.aws.entering import EVERYTHING, QUICK, admin, asked, connector, member

CHILD = "OrganizationAccountAccessRole"


@pytest.mark.parametrize("reader", ["organization", "organization_minimum", "delegated", "delegated_minimum"])
async def test_a_reader_of_an_organization_is_told_its_id(organization: Sandbox, reader: str) -> None:
    checked = await check_connector(connector(organization, reader), QUICK)
    assert checked.organization == organization.facts["organization"]["id"]
    assert checked.account == connector(organization, reader).account
    expected = ("sts.AssumeRole", "organizations.DescribeOrganization", "organizations.ListRoots")
    assert asked(organization) == dict.fromkeys(expected, 1)


async def test_without_the_option_the_organization_is_not_asked_about(organization: Sandbox) -> None:
    assert (await check_connector(connector(organization, organizations=False), QUICK)).organization is None
    assert asked(organization) == {"sts.AssumeRole": 1}


async def refused(sandbox: Sandbox, reader: str = "organization", **but: object) -> str:
    with pytest.raises(Invalid) as caught:
        await check_connector(connector(sandbox, reader, **but), QUICK)
    assert caught.value.field == "organizations"
    return str(caught.value)


async def test_an_account_outside_is_told_that_it_is(organization: Sandbox) -> None:
    organization.organization({"leave": organization.facts["organization"]["delegated_administrator"]})
    assert "belongs to no organization; next: give the connector a role of" in await refused(organization, "delegated")


async def test_a_plain_member_is_told_who_may_ask(organization: Sandbox) -> None:
    account = member(organization)
    roles = admin(organization, account)
    roles.attach_role_policy(RoleName=CHILD, PolicyArn=EVERYTHING)
    trust = roles.get_role(RoleName="GrantwireRead")["Role"]["AssumeRolePolicyDocument"]
    trust["Statement"][0] |= {"Principal": {"AWS": organization.plan.operator_account}}
    roles.update_assume_role_policy(RoleName=CHILD, PolicyDocument=json.dumps(trust))
    arn = f"arn:aws:iam::{account}:role/{CHILD}"
    assert "only an organization's management account and its delegated administrators may ask" in await refused(
        organization, role_arn=arn, external_id=None
    )


@pytest.mark.parametrize("action", ["organizations:DescribeOrganization", "organizations:ListRoots"])
async def test_a_missing_permission_is_named(organization: Sandbox, action: str) -> None:
    deny = {"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Action": action, "Resource": "*"}]}
    manager = admin(organization, organization.account)
    made = manager.create_policy(PolicyName="Withheld", PolicyDocument=json.dumps(deny))["Policy"]["Arn"]
    manager.attach_role_policy(RoleName="GrantwireOrganization", PolicyArn=made)
    assert f"AWS refused {action} in account {organization.account}: User: " in await refused(organization)


@pytest.mark.parametrize("operation", ["DescribeOrganization", "ListRoots"])
async def test_what_may_pass_is_no_fault_of_the_field(organization: Sandbox, operation: str) -> None:
    organization.fault({"kind": "throttle", "operation": operation})
    with pytest.raises(AwsError, match="throttled"):
        await check_connector(connector(organization), QUICK)
