"""Which instance a connector reads, and what a person is told where it is none."""

from typing import Any

import pytest

from grantwire.aws.identity_center.instances import account_instance, find_instance, other_partition, unreadable
from grantwire.aws.identity_center.shapes import Instance
from grantwire.aws.places import place_of
from grantwire.contracts.failures import AwsCause, AwsError, Invalid
from grantwire.contracts.identity_center import IdentityCenter

ARN = "arn:aws:sso:::instance/ssoins-0123456789abcdef"
MANAGER, DEPUTY = "111122223333", "444455556666"
FOUND = IdentityCenter(instance_arn=ARN, identity_store="d-0123456789", region="eu-west-1", owner_account=MANAGER)
DENIED = AwsError("AWS refused it.", cause=AwsCause.DENIED, operation="sso:ListPermissionSets", code="AccessDenied")


def instance(**but: Any) -> Instance:
    given = {"arn": ARN, "identity_store": "d-0123456789", "owner": MANAGER, "status": "ACTIVE"}
    return Instance(**{**given, "primary_region": "eu-west-1", **but})


def refused(*instances: Instance) -> Invalid:
    with pytest.raises(Invalid) as caught:
        find_instance(instances, "eu-west-1", DEPUTY)
    return caught.value


@pytest.mark.parametrize("but", [{}, {"status": None}, {"primary_region": None}])
def test_the_only_instance_is_the_one(but: dict[str, Any]) -> None:
    assert find_instance([instance(**but)], "eu-west-1", DEPUTY) == FOUND


def test_none_is_perhaps_in_another_region() -> None:
    why = refused()
    assert why.field == "identity_center_region"
    assert f"Account {DEPUTY} sees no Identity Center instance in the region eu-west-1" in str(why)


def test_where_aws_shows_it_elsewhere_the_region_is_named() -> None:
    with pytest.raises(Invalid, match="but one in eu-central-1; next: set identity_center_region to eu-central-1"):
        find_instance([], "eu-west-1", DEPUTY, ["eu-central-1"])


def test_of_several_none_is_guessed() -> None:
    other = instance(arn="arn:aws:sso:::instance/ssoins-other", owner=DEPUTY)
    why = refused(instance(), other)
    assert why.field == "identity_center"
    assert f"sees 2 Identity Center instances in the region eu-west-1: {ARN} of account {MANAGER}, " in str(why)


@pytest.mark.parametrize("status", ["CREATE_IN_PROGRESS", "CREATE_FAILED", "DELETE_IN_PROGRESS"])
def test_an_instance_that_is_not_in_use_is_not_read(status: str) -> None:
    why = refused(instance(status=status))
    assert (why.field, status in str(why)) == ("identity_center", True)


def test_a_copy_leads_to_the_region_at_home() -> None:
    why = refused(instance(primary_region="us-east-1"))
    assert why.field == "identity_center_region"
    assert str(why).endswith("next: set identity_center_region to us-east-1.")


def test_an_accounts_own_instance_is_said_to_be_one() -> None:
    why = account_instance(FOUND)
    assert (why.field, "an account instance has no permission sets" in str(why)) == ("identity_center", True)


def test_who_may_not_read_anothers_instance_is_told_how_to_be_registered() -> None:
    why = unreadable(FOUND, DEPUTY, DENIED)
    assert why.field == "identity_center"
    assert f"--account-id {DEPUTY} --service-principal sso.amazonaws.com" in str(why)
    assert "add sso:ListPermissionSets" in str(why)


def test_the_owner_who_may_not_read_lacks_a_permission() -> None:
    assert str(unreadable(FOUND, MANAGER, DENIED)) == "AWS refused it."


def test_a_region_of_another_partition_is_named() -> None:
    why = other_partition("us-gov-west-1", "aws")
    assert why.field == "identity_center_region"
    assert "'us-gov-west-1' does not belong to the AWS partition 'aws'" in str(why)


def test_the_budget_is_the_owners() -> None:
    assert place_of(FOUND).budget == f"identity-center/{MANAGER}"
    ownerless = FOUND.model_copy(update={"owner_account": None})
    assert place_of(ownerless).budget == "identity-center/ssoins-0123456789abcdef"
