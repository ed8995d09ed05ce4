"""Finding Identity Center as the api does before it saves a connector: found, or the field and the way out."""

import json
from collections.abc import Iterator

import pytest

from grantwire.aws import IDENTITY_CENTER_FINDING, AwsSession, Calls, find_identity_center
from grantwire.contracts.failures import AwsError, Invalid
from grantwire.contracts.identity_center import IdentityCenter
from grantwire.sandbox.identity_center.facts import DirectorySizes
from grantwire.sandbox.server import Sandbox, start
from tests.integration.aws.entering import EVERYTHING, QUICK, admin, asked, connector, member
from tests.integration.collectors.conftest import use

FEW = DirectorySizes(4, 3, 3, 3)
HOME = "eu-central-1"
CHILD = "OrganizationAccountAccessRole"


@pytest.fixture(scope="module")
def running() -> Iterator[Sandbox]:
    with start(
        1,
        users=4,
        groups=2,
        roles=4,
        accounts=5,
        calm=True,
        identity_center=True,
        identity_center_region=HOME,
        directory=FEW,
    ) as sandbox:
        yield sandbox


@pytest.fixture
def organized(running: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sandbox]:
    """The organization's instance, away from the region where everything else is."""
    running.control("POST", "reset")
    use(running, monkeypatch)
    yield running
    assert running.violations() == []


async def find(
    sandbox: Sandbox, region: str | None = HOME, reader: str = "organization", **but: object
) -> IdentityCenter:
    calls = Calls(1)
    try:
        session = AwsSession(connector(sandbox, reader, **but), IDENTITY_CENTER_FINDING, QUICK, calls)
        return await find_identity_center(session, region)
    finally:
        calls.close()


async def refused(sandbox: Sandbox, region: str | None = HOME, reader: str = "organization", **but: object) -> Invalid:
    with pytest.raises(Invalid) as caught:
        await find(sandbox, region, reader, **but)
    return caught.value


def withhold(sandbox: Sandbox, action: str) -> None:
    """The management account's role may not do that any more."""
    deny = {"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Action": action, "Resource": "*"}]}
    manager = admin(sandbox, sandbox.account)
    made = manager.create_policy(PolicyName="Withheld", PolicyDocument=json.dumps(deny))["Policy"]["Arn"]
    manager.attach_role_policy(RoleName="GrantwireOrganization", PolicyArn=made)


@pytest.mark.parametrize("reader", ["organization", "organization_minimum", "delegated", "delegated_minimum"])
async def test_the_organizations_instance_is_found_by_two_calls(organized: Sandbox, reader: str) -> None:
    found = await find(organized, reader=reader)
    [row] = organized.identity_center()["Instance"]
    assert found == IdentityCenter(
        instance_arn=row["arn"], identity_store=row["store"], region=HOME, owner_account=organized.account
    )
    assert asked(organized) == dict.fromkeys(
        ("sts.AssumeRole", "sso-admin.ListInstances", "sso-admin.ListPermissionSets"), 1
    )


@pytest.mark.parametrize("region", ["eu-west-1", None])
async def test_another_region_has_none(organized: Sandbox, region: str | None) -> None:
    why = await refused(organized, region)
    assert why.field == "identity_center_region"
    assert f"no Identity Center instance in the region {region or organized.region}, but one in {HOME}; " in str(why)


async def test_where_aws_does_not_tell_of_other_regions_the_console_does(organized: Sandbox) -> None:
    organized.fault({"kind": "empty", "operation": "ListInstances"})
    assert "the region that the Identity Center console shows" in str(await refused(organized, "eu-west-1"))
    organized.control("DELETE", "faults")
    organized.fault({"kind": "deny", "operation": "ListInstances", "nth": 2})
    assert "the region that the Identity Center console shows" in str(await refused(organized, "eu-west-1"))


@pytest.mark.parametrize("region", ["us-gov-west-1", "cn-north-1", "nowhere"])
async def test_a_region_of_another_partition_is_not_asked(organized: Sandbox, region: str) -> None:
    why = await refused(organized, region)
    assert why.field == "identity_center_region"
    assert "does not belong to the AWS partition 'aws'" in str(why)
    assert asked(organized) == {"sts.AssumeRole": 1}


async def test_a_plain_member_is_told_to_be_registered(organized: Sandbox) -> None:
    account = member(organized)
    roles = admin(organized, account)
    roles.attach_role_policy(RoleName=CHILD, PolicyArn=EVERYTHING)
    trust = roles.get_role(RoleName="GrantwireRead")["Role"]["AssumeRolePolicyDocument"]
    trust["Statement"][0] |= {"Principal": {"AWS": organized.plan.operator_account}}
    roles.update_assume_role_policy(RoleName=CHILD, PolicyDocument=json.dumps(trust))
    why = await refused(organized, role_arn=f"arn:aws:iam::{account}:role/{CHILD}", external_id=None)
    assert why.field == "identity_center"
    assert f"--account-id {account} --service-principal sso.amazonaws.com" in str(why)
    assert f"of account {organized.account}" in str(why)


@pytest.mark.parametrize("action", IDENTITY_CENTER_FINDING)
async def test_a_missing_permission_is_named(organized: Sandbox, action: str) -> None:
    withhold(organized, action)
    why = await refused(organized)
    assert why.field == "identity_center"
    assert f"AWS refused {action} in account {organized.account}: User: " in str(why)


@pytest.mark.parametrize("operation", ["ListInstances", "ListPermissionSets"])
@pytest.mark.parametrize("kind", ["throttle", "cut", "error"])
async def test_what_may_pass_is_no_fault_of_a_field(organized: Sandbox, operation: str, kind: str) -> None:
    organized.fault({"kind": kind, "operation": operation})
    with pytest.raises(AwsError) as caught:
        await find(organized)
    assert caught.value.operation == f"sso:{operation}"


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("none", "sees no Identity Center instance in the region us-east-1"),
        ("several", "sees 2 Identity Center instances in the region us-east-1"),
        ("account", "an account instance has no permission sets"),
    ],
)
async def test_other_instances_are_not_taken_for_it(kind: str, words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with start(1, users=4, groups=2, roles=4, accounts=4, calm=True, identity_center=kind, directory=FEW) as sandbox:
        use(sandbox, monkeypatch)
        why = await refused(sandbox, None)
        assert words in str(why)
        assert why.field == ("identity_center_region" if kind == "none" else "identity_center")
