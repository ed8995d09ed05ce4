"""Identity Center as boto3 sees it: regions, who may call, limits, requests that take their time, the directory."""

from __future__ import annotations

import pytest
from botocore.exceptions import ClientError

from grantwire.sandbox.server import Sandbox, start
from tests.integration.sandbox.sso_clients import (
    boss,
    delegated,
    directory,
    elsewhere,
    instance,
    management,
    plain_set,
    rows,
    sso,
    store,
    wanted,
)
from tests.integration.sandbox.test_access import refused

# Where, and who ------------------------------------------------------------------------------------------------------


def test_another_region_has_no_instance(organized: Sandbox) -> None:
    assert elsewhere(organized, "sso-admin", "eu-west-1").list_instances()["Instances"] == []
    with refused("AccessDeniedException", "sso:ListPermissionSets", status=400):
        elsewhere(organized, "sso-admin", "eu-west-1").list_permission_sets(**instance(organized))
    with pytest.raises(ClientError) as caught:
        elsewhere(organized, "identitystore", "eu-west-1").list_users(**directory(organized))
    assert caught.value.response["Error"]["Code"] == "ResourceNotFoundException"
    assert dict(caught.value.response)["ResourceType"] == "IDENTITY_STORE"


def test_a_member_sees_the_instance_and_may_not_read_it(organized: Sandbox) -> None:
    member = organized.facts["organization"]["member_accounts"][1]
    (found,) = boss(organized, account=member).list_instances()["Instances"]
    assert found["OwnerAccountId"] == management(organized)
    with refused("AccessDeniedException", status=400):
        boss(organized, account=member).list_permission_sets(**instance(organized))
    with refused("AccessDeniedException", status=400):
        boss(organized, "identitystore", member).list_users(**directory(organized))


def test_roles_may_do_what_their_policies_say(organized: Sandbox) -> None:
    least, arn = sso(organized, "organization_minimum"), plain_set(organized)
    assert least.describe_permission_set(**instance(organized), PermissionSetArn=arn)["PermissionSet"]["Name"]
    with refused("AccessDeniedException", "sso:GetInlinePolicyForPermissionSet", status=400):
        least.get_inline_policy_for_permission_set(**instance(organized), PermissionSetArn=arn)
    with refused("AccessDeniedException", "sso:ListTagsForResource", status=400):  # taken away by `without`
        sso(organized).list_tags_for_resource(**instance(organized), ResourceArn=arn)
    assert {each["action"] for each in organized.control("GET", "denied")} == {
        "sso:GetInlinePolicyForPermissionSet",
        "sso:ListTagsForResource",
    }


def test_assignments_of_a_principal_are_for_the_management_account_alone(organized: Sandbox) -> None:
    row = next(each for each in rows(organized, "Assignment") if each["principal_type"] == "GROUP")
    given = instance(organized) | {"PrincipalType": "GROUP", "PrincipalId": row["principal"]}
    pages = sso(organized).get_paginator("list_account_assignments_for_principal").paginate(**given)
    found = {(each["AccountId"], each["PermissionSetArn"]) for page in pages for each in page["AccountAssignments"]}
    same = [each for each in rows(organized, "Assignment") if each["principal"] == row["principal"]]
    assert found == {(each["account"], each["permission_set"]) for each in same}
    with refused("AccessDeniedException", status=400):
        sso(organized, "delegated").list_account_assignments_for_principal(**given)


def test_a_delegated_administrator_keeps_off_the_management_account(organized: Sandbox) -> None:
    deputy = boss(organized, account=delegated(organized))
    with refused("AccessDeniedException", "account/", status=400):
        deputy.create_account_assignment(**wanted(organized, account=management(organized)))
    pairs = rows(organized, "Provisioned")
    shared = next(row["permission_set"] for row in pairs if row["account"] == management(organized))
    with refused("AccessDeniedException", shared, status=400):
        deputy.create_account_assignment(**wanted(organized, arn=shared))
    with refused("AccessDeniedException", shared, status=400):
        deputy.update_permission_set(**instance(organized), PermissionSetArn=shared, Description="x")
    assert deputy.create_account_assignment(**wanted(organized))["AccountAssignmentCreationStatus"]["RequestId"]


def test_an_account_instance_has_no_permission_sets() -> None:
    with start(2, accounts=2, users=2, groups=0, roles=6, identity_center="account") as own:
        with refused("ValidationException", "not supported for this Identity Center instance", status=400):
            boss(own).list_permission_sets(**instance(own))
        assert boss(own).describe_instance(**instance(own))["PermissionSetsEnabled"] is False


# Limits --------------------------------------------------------------------------------------------------------------


def test_a_hundred_is_the_most(organized: Sandbox) -> None:
    with refused("ValidationException", "less than or equal to 100", status=400):
        boss(organized).list_permission_sets(**instance(organized), MaxResults=101)
    with refused("ValidationException", "less than or equal to 100", status=400):
        boss(organized, "identitystore").list_users(**directory(organized), MaxResults=101)
    token = boss(organized).list_permission_sets(**instance(organized), MaxResults=2)["NextToken"]
    with refused("ValidationException", status=400):
        boss(organized, "identitystore").list_users(**directory(organized), NextToken=token)


def test_both_services_share_one_rate(organized: Sandbox) -> None:
    organized.control("POST", "rates", {"service": "identity-center", "per_second": 0.001, "burst": 2})
    boss(organized).list_instances()
    boss(organized, "identitystore", delegated(organized)).list_users(**directory(organized))
    with refused("ThrottlingException", status=400):
        boss(organized).list_instances()
    counted = organized.control("GET", "calls")["operations"]
    assert (counted["sso-admin.ListInstances"], counted["identitystore.ListUsers"]) == (2, 1)
    organized.control("DELETE", "rates")
    organized.fault({"kind": "throttle", "service": "identitystore", "times": 1})
    with refused("ThrottlingException", status=400):
        boss(organized, "identitystore").list_users(**directory(organized))


# The directory -------------------------------------------------------------------------------------------------------


def test_memberships_come_and_go(organized: Sandbox) -> None:
    api, where = boss(organized, "identitystore"), directory(organized)
    row = rows(organized, "Placement")[0]
    pair = {"GroupId": row["team"], "MemberId": {"UserId": row["person"]}}
    assert api.get_group_membership_id(**where, **pair)["MembershipId"] == row["id"]
    with pytest.raises(ClientError) as caught:
        api.create_group_membership(**where, **pair)
    assert caught.value.response["Error"]["Code"] == "ConflictException"
    assert dict(caught.value.response)["Reason"] == "UNIQUENESS_CONSTRAINT_VIOLATION"
    api.delete_group_membership(**where, MembershipId=row["id"])
    with refused("ResourceNotFoundException", status=400):
        api.delete_group_membership(**where, MembershipId=row["id"])
    asked = {"MemberId": pair["MemberId"], "GroupIds": [row["team"]]}
    assert api.is_member_in_groups(**where, **asked)["Results"][0]["MembershipExists"] is False
    fresh = api.create_group_membership(**where, **pair)["MembershipId"]
    assert fresh != row["id"]
    listed = api.list_group_memberships_for_member(**where, MemberId=pair["MemberId"])["GroupMemberships"]
    assert fresh in {each["MembershipId"] for each in listed}
    said = [x for x in organized.truth(sources=["identity_center"]) if x["attributes"].get("membership_id") == fresh]
    assert [(x["source"], x["target"]) for x in said] == [(row["person"], row["team"])]


def test_people_are_found_and_changed(organized: Sandbox) -> None:
    api, where, row = store(organized), directory(organized), rows(organized, "Person")[0]
    for path, value in (("userName", row["user_name"].upper()), ("emails.value", row["emails"][0]["value"])):
        by = {"UniqueAttribute": {"AttributePath": path, "AttributeValue": value}}
        assert api.get_user_id(**where, AlternateIdentifier=by)["UserId"] == row["id"]
    team = rows(organized, "Team")[0]
    by = {"UniqueAttribute": {"AttributePath": "displayName", "AttributeValue": team["display_name"]}}
    assert api.get_group_id(**where, AlternateIdentifier=by)["GroupId"] == team["id"]
    operations = [{"AttributePath": "userStatus", "AttributeValue": "DISABLED"}]
    boss(organized, "identitystore").update_user(**where, UserId=row["id"], Operations=operations)
    assert api.describe_user(**where, UserId=row["id"])["UserStatus"] == "DISABLED"
    organized.identity_center({"user": row["id"], "status": "ENABLED"})
    assert api.describe_user(**where, UserId=row["id"])["UserStatus"] == "ENABLED"
    with refused("ResourceNotFoundException", status=400):
        api.describe_group(**where, GroupId=row["id"])
