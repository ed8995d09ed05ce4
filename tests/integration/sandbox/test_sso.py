"""Identity Center as boto3 sees it: regions, who may call, limits, requests that take their time, the directory."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from grantwire.sandbox.identity_center.facts import DirectorySizes
from grantwire.sandbox.server import Sandbox, start
from tests.integration.sandbox.org_crawl import admin_of
from tests.integration.sandbox.sso_clients import boss, directory, elsewhere, instance, rows, sso, store
from tests.integration.sandbox.test_access import refused

ACCOUNTS = 5


@pytest.fixture(scope="module")
def running() -> Iterator[Sandbox]:
    sizes = DirectorySizes(users=16, groups=6, permission_sets=8, provisioned=7)
    given: dict[str, Any] = {"users": 4, "groups": 1, "roles": 8, "accounts": ACCOUNTS}
    with start(1, identity_center=True, directory=sizes, without=["sso:ListTagsForResource"], **given) as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(running: Sandbox) -> Iterator[Sandbox]:
    running.control("POST", "reset")
    yield running
    assert running.violations() == []


def plain_set(sandbox: Sandbox) -> str:
    """The ARN of a set that asks for no customer managed policy, and is not in the management account."""
    inside = {row["permission_set"] for row in rows(sandbox, "Provisioned") if row["account"] == management(sandbox)}
    found = (
        row for row in rows(sandbox, "PermissionSet") if not row["customer"] and not isinstance(row["boundary"], dict)
    )
    return next(str(row["arn"]) for row in found if row["arn"] not in inside)


def management(sandbox: Sandbox) -> str:
    return str(sandbox.facts["organization"]["management_account"])


def delegated(sandbox: Sandbox) -> str:
    return str(sandbox.facts["organization"]["delegated_administrator"])


def wanted(sandbox: Sandbox, user: int = 0, account: str | None = None, arn: str | None = None) -> dict[str, Any]:
    """The parameters of an assignment."""
    return instance(sandbox) | {
        "TargetId": account or delegated(sandbox),
        "TargetType": "AWS_ACCOUNT",
        "PermissionSetArn": arn or fresh_set(sandbox),
        "PrincipalType": "USER",
        "PrincipalId": rows(sandbox, "Person")[user]["id"],
    }


def fresh_set(sandbox: Sandbox, name: str = "Fresh") -> str:
    """The ARN of a set of that name, made when it is not there."""
    known = {row["name"]: row["arn"] for row in rows(sandbox, "PermissionSet")}
    if name in known:
        return str(known[name])
    made = boss(sandbox).create_permission_set(**instance(sandbox), Name=name, Description="made by a test")
    return str(made["PermissionSet"]["PermissionSetArn"])


def later(sandbox: Sandbox) -> None:
    """Everything that was asked for is due."""
    sandbox.control("POST", "clock", {"advance": 1})


def held(sandbox: Sandbox, given: dict[str, Any]) -> list[str]:
    named = {"AccountId": given["TargetId"], "PermissionSetArn": given["PermissionSetArn"]}
    found = boss(sandbox).list_account_assignments(**instance(sandbox), **named)["AccountAssignments"]
    return [row["PrincipalId"] for row in found]


def status(sandbox: Sandbox, request: dict[str, Any], noun: str = "Creation") -> dict[str, Any]:
    call = getattr(boss(sandbox), f"describe_account_assignment_{noun.lower()}_status")
    given = instance(sandbox) | {f"AccountAssignment{noun}RequestId": request["RequestId"]}
    found: dict[str, Any] = call(**given)[f"AccountAssignment{noun}Status"]
    return found


def create(sandbox: Sandbox, given: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = boss(sandbox).create_account_assignment(**given)["AccountAssignmentCreationStatus"]
    return found


# Where, and who ------------------------------------------------------------------------------------------------------


def test_another_region_has_no_instance(sandbox: Sandbox) -> None:
    assert elsewhere(sandbox, "sso-admin", "eu-west-1").list_instances()["Instances"] == []
    with refused("AccessDeniedException", "sso:ListPermissionSets", status=400):
        elsewhere(sandbox, "sso-admin", "eu-west-1").list_permission_sets(**instance(sandbox))
    with pytest.raises(ClientError) as caught:
        elsewhere(sandbox, "identitystore", "eu-west-1").list_users(**directory(sandbox))
    assert caught.value.response["Error"]["Code"] == "ResourceNotFoundException"
    assert dict(caught.value.response)["ResourceType"] == "IDENTITY_STORE"


def test_a_member_sees_the_instance_and_may_not_read_it(sandbox: Sandbox) -> None:
    member = sandbox.facts["organization"]["member_accounts"][1]
    (found,) = boss(sandbox, account=member).list_instances()["Instances"]
    assert found["OwnerAccountId"] == management(sandbox)
    with refused("AccessDeniedException", status=400):
        boss(sandbox, account=member).list_permission_sets(**instance(sandbox))
    with refused("AccessDeniedException", status=400):
        boss(sandbox, "identitystore", member).list_users(**directory(sandbox))


def test_roles_may_do_what_their_policies_say(sandbox: Sandbox) -> None:
    least, arn = sso(sandbox, "organization_minimum"), plain_set(sandbox)
    assert least.describe_permission_set(**instance(sandbox), PermissionSetArn=arn)["PermissionSet"]["Name"]
    with refused("AccessDeniedException", "sso:GetInlinePolicyForPermissionSet", status=400):
        least.get_inline_policy_for_permission_set(**instance(sandbox), PermissionSetArn=arn)
    with refused("AccessDeniedException", "sso:ListTagsForResource", status=400):  # taken away by `without`
        sso(sandbox).list_tags_for_resource(**instance(sandbox), ResourceArn=arn)
    assert {each["action"] for each in sandbox.control("GET", "denied")} == {
        "sso:GetInlinePolicyForPermissionSet",
        "sso:ListTagsForResource",
    }


def test_assignments_of_a_principal_are_for_the_management_account_alone(sandbox: Sandbox) -> None:
    row = next(each for each in rows(sandbox, "Assignment") if each["principal_type"] == "GROUP")
    given = instance(sandbox) | {"PrincipalType": "GROUP", "PrincipalId": row["principal"]}
    pages = sso(sandbox).get_paginator("list_account_assignments_for_principal").paginate(**given)
    found = {(each["AccountId"], each["PermissionSetArn"]) for page in pages for each in page["AccountAssignments"]}
    same = [each for each in rows(sandbox, "Assignment") if each["principal"] == row["principal"]]
    assert found == {(each["account"], each["permission_set"]) for each in same}
    with refused("AccessDeniedException", status=400):
        sso(sandbox, "delegated").list_account_assignments_for_principal(**given)


def test_a_delegated_administrator_keeps_off_the_management_account(sandbox: Sandbox) -> None:
    deputy = boss(sandbox, account=delegated(sandbox))
    with refused("AccessDeniedException", "account/", status=400):
        deputy.create_account_assignment(**wanted(sandbox, account=management(sandbox)))
    pairs = rows(sandbox, "Provisioned")
    shared = next(row["permission_set"] for row in pairs if row["account"] == management(sandbox))
    with refused("AccessDeniedException", shared, status=400):
        deputy.create_account_assignment(**wanted(sandbox, arn=shared))
    with refused("AccessDeniedException", shared, status=400):
        deputy.update_permission_set(**instance(sandbox), PermissionSetArn=shared, Description="x")
    assert deputy.create_account_assignment(**wanted(sandbox))["AccountAssignmentCreationStatus"]["RequestId"]


def test_an_account_instance_has_no_permission_sets() -> None:
    with start(2, accounts=2, users=2, groups=0, roles=6, identity_center="account") as own:
        with refused("ValidationException", "not supported for this Identity Center instance", status=400):
            boss(own).list_permission_sets(**instance(own))
        assert boss(own).describe_instance(**instance(own))["PermissionSetsEnabled"] is False


# Limits --------------------------------------------------------------------------------------------------------------


def test_a_hundred_is_the_most(sandbox: Sandbox) -> None:
    for call in (
        lambda: boss(sandbox).list_permission_sets(**instance(sandbox), MaxResults=101),
        lambda: boss(sandbox, "identitystore").list_users(**directory(sandbox), MaxResults=101),
    ):
        with refused("ValidationException", "less than or equal to 100", status=400):
            call()
    token = boss(sandbox).list_permission_sets(**instance(sandbox), MaxResults=2)["NextToken"]
    with refused("ValidationException", status=400):
        boss(sandbox, "identitystore").list_users(**directory(sandbox), NextToken=token)


def test_both_services_share_one_rate(sandbox: Sandbox) -> None:
    sandbox.control("POST", "rates", {"service": "identity-center", "per_second": 0.001, "burst": 2})
    boss(sandbox).list_instances()
    boss(sandbox, "identitystore", delegated(sandbox)).list_users(**directory(sandbox))
    with refused("ThrottlingException", status=400):
        boss(sandbox).list_instances()
    counted = sandbox.control("GET", "calls")["operations"]
    assert (counted["sso-admin.ListInstances"], counted["identitystore.ListUsers"]) == (2, 1)
    sandbox.control("DELETE", "rates")
    sandbox.fault({"kind": "throttle", "service": "identitystore", "times": 1})
    with refused("ThrottlingException", status=400):
        boss(sandbox, "identitystore").list_users(**directory(sandbox))


# Requests ------------------------------------------------------------------------------------------------------------


def test_an_assignment_takes_its_time_and_makes_a_role(sandbox: Sandbox) -> None:
    given = wanted(sandbox)
    request = create(sandbox, given)
    assert request["Status"] == status(sandbox, request)["Status"] == "IN_PROGRESS"
    assert held(sandbox, given) == []
    later(sandbox)
    assert status(sandbox, request)["Status"] == "SUCCEEDED"
    assert held(sandbox, given) == [given["PrincipalId"]]
    lines = sandbox.truth(sources=["organization", "iam", "identity_center"])
    (made,) = [x for x in lines if x["kind"] == "realized_as" and x["source"].endswith(given["PermissionSetArn"])]
    roles = admin_of(sandbox, given["TargetId"]).get_paginator("list_roles").paginate()
    assert made["target"] in {role["Arn"] for page in roles for role in page["Roles"]}
    again = create(sandbox, given)
    later(sandbox)
    assert (status(sandbox, again)["Status"], held(sandbox, given)) == ("SUCCEEDED", [given["PrincipalId"]])


def test_the_last_assignment_takes_the_role_along(sandbox: Sandbox) -> None:
    given = wanted(sandbox)
    create(sandbox, given)
    later(sandbox)
    request = boss(sandbox).delete_account_assignment(**given)["AccountAssignmentDeletionStatus"]
    later(sandbox)
    assert status(sandbox, request, "Deletion")["Status"] == "SUCCEEDED"
    assert not [row for row in rows(sandbox, "Provisioned") if row["permission_set"] == given["PermissionSetArn"]]
    assert "AWSReservedSSO_Fresh_" not in repr(sandbox.truth())
    request = boss(sandbox).delete_account_assignment(**given)["AccountAssignmentDeletionStatus"]
    later(sandbox)
    found = status(sandbox, request, "Deletion")
    assert (found["Status"], found["FailureReason"][:27]) == ("FAILED", "Received a 404 status error")
    boss(sandbox).delete_permission_set(**instance(sandbox), PermissionSetArn=given["PermissionSetArn"])


def test_a_deleted_principal_stays_assigned(sandbox: Sandbox) -> None:
    given = wanted(sandbox, user=3)
    create(sandbox, given)
    later(sandbox)
    boss(sandbox, "identitystore").delete_user(**directory(sandbox), UserId=given["PrincipalId"])
    assert held(sandbox, given) == [given["PrincipalId"]]
    lines = [x for x in sandbox.truth(sources=["identity_center"]) if x.get("source") == given["PrincipalId"]]
    assert {(x["kind"], x["source_kind"]) for x in lines} == {("assigned", "external_principal")}
    request = boss(sandbox).delete_account_assignment(**given)["AccountAssignmentDeletionStatus"]
    later(sandbox)
    assert "was not found in directory" in status(sandbox, request, "Deletion")["FailureReason"]


def test_a_pair_is_changed_once_at_a_time(sandbox: Sandbox) -> None:
    given = wanted(sandbox)
    create(sandbox, given)
    with refused("ConflictException", status=400):
        create(sandbox, given | {"PrincipalId": rows(sandbox, "Person")[1]["id"]})
    later(sandbox)
    create(sandbox, given | {"PrincipalId": rows(sandbox, "Person")[1]["id"]})


def test_ten_requests_are_the_most(sandbox: Sandbox) -> None:
    arns = [fresh_set(sandbox, f"Fresh{number}") for number in range(11)]
    sandbox.identity_center({"delay": 60})
    for arn in arns[:10]:
        create(sandbox, wanted(sandbox, arn=arn))
    with refused("ThrottlingException", "too many requests processing", status=400):
        create(sandbox, wanted(sandbox, arn=arns[10]))
    listed = boss(sandbox).list_account_assignment_creation_status(
        **instance(sandbox), Filter={"Status": "IN_PROGRESS"}
    )
    assert len(listed["AccountAssignmentsCreationStatus"]) == 10
    sandbox.control("POST", "clock", {"advance": 61})
    create(sandbox, wanted(sandbox, arn=arns[10]))


@pytest.mark.parametrize("why", ["suspended", "nobody", "asked for"])
def test_requests_fail_and_change_nothing(sandbox: Sandbox, why: str) -> None:
    before, given = sandbox.truth(sources=["identity_center"]), wanted(sandbox, arn=plain_set(sandbox))
    if why == "suspended":
        sandbox.organization(
            {"account": (account := sandbox.facts["organization"]["member_accounts"][-1]), "state": "SUSPENDED"}
        )
        given["TargetId"] = account
    elif why == "nobody":
        given["PrincipalId"] = "00000000-0000-0000-0000-000000000000"
    else:
        sandbox.identity_center({"fail": ["asked for"]})
    request = create(sandbox, given)
    later(sandbox)
    found = status(sandbox, request)
    assert found["Status"] == "FAILED"
    assert {"suspended": "suspended", "nobody": "was not found", "asked for": "asked for"}[why] in found[
        "FailureReason"
    ]
    assert sandbox.truth(sources=["identity_center"]) == before


def test_a_changed_set_is_behind_until_it_is_provisioned(sandbox: Sandbox) -> None:
    given, behind = wanted(sandbox), {"ProvisioningStatus": "LATEST_PERMISSION_SET_NOT_PROVISIONED"}
    create(sandbox, given)
    later(sandbox)
    named, account = {"PermissionSetArn": given["PermissionSetArn"]}, {"AccountId": given["TargetId"]}
    policy = {"ManagedPolicyArn": "arn:aws:iam::aws:policy/ReadOnlyAccess"}
    boss(sandbox).attach_managed_policy_to_permission_set(**instance(sandbox), **named, **policy)
    listed = boss(sandbox).list_permission_sets_provisioned_to_account(**instance(sandbox), **account, **behind)
    assert given["PermissionSetArn"] in listed["PermissionSets"]
    target = {"TargetType": "ALL_PROVISIONED_ACCOUNTS"}
    made = boss(sandbox).provision_permission_set(**instance(sandbox), **named, **target)
    later(sandbox)
    request = {"ProvisionPermissionSetRequestId": made["PermissionSetProvisioningStatus"]["RequestId"]}
    found = boss(sandbox).describe_permission_set_provisioning_status(**instance(sandbox), **request)
    assert found["PermissionSetProvisioningStatus"]["Status"] == "SUCCEEDED"
    listed = boss(sandbox).list_accounts_for_provisioned_permission_set(**instance(sandbox), **named, **behind)
    assert listed["AccountIds"] == []
    role = next(x["target"] for x in sandbox.truth(sources=["iam", "identity_center"]) if _realizes(x, given))
    held_now = admin_of(sandbox, given["TargetId"]).list_attached_role_policies(RoleName=role.rsplit("/", 1)[-1])
    assert [each["PolicyArn"] for each in held_now["AttachedPolicies"]] == [policy["ManagedPolicyArn"]]


def _realizes(line: dict[str, Any], given: dict[str, Any]) -> bool:
    return line["kind"] == "realized_as" and str(line["source"]) == f"{given['TargetId']}/{given['PermissionSetArn']}"


def test_a_stale_read_shows_what_was(sandbox: Sandbox) -> None:
    given = wanted(sandbox)
    create(sandbox, given)
    later(sandbox)
    sandbox.fault({"kind": "stale", "service": "sso-admin", "operation": "ListAccountAssignments", "times": 1})
    assert held(sandbox, given) == []
    assert held(sandbox, given) == [given["PrincipalId"]]


# The directory -------------------------------------------------------------------------------------------------------


def test_memberships_come_and_go(sandbox: Sandbox) -> None:
    api, where = boss(sandbox, "identitystore"), directory(sandbox)
    row = rows(sandbox, "Placement")[0]
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
    said = [x for x in sandbox.truth(sources=["identity_center"]) if x["attributes"].get("membership_id") == fresh]
    assert [(x["source"], x["target"]) for x in said] == [(row["person"], row["team"])]


def test_people_are_found_and_changed(sandbox: Sandbox) -> None:
    api, where, row = store(sandbox), directory(sandbox), rows(sandbox, "Person")[0]
    for path, value in (("userName", row["user_name"].upper()), ("emails.value", row["emails"][0]["value"])):
        by = {"UniqueAttribute": {"AttributePath": path, "AttributeValue": value}}
        assert api.get_user_id(**where, AlternateIdentifier=by)["UserId"] == row["id"]
    team = rows(sandbox, "Team")[0]
    by = {"UniqueAttribute": {"AttributePath": "displayName", "AttributeValue": team["display_name"]}}
    assert api.get_group_id(**where, AlternateIdentifier=by)["GroupId"] == team["id"]
    operations = [{"AttributePath": "userStatus", "AttributeValue": "DISABLED"}]
    boss(sandbox, "identitystore").update_user(**where, UserId=row["id"], Operations=operations)
    assert api.describe_user(**where, UserId=row["id"])["UserStatus"] == "DISABLED"
    sandbox.identity_center({"user": row["id"], "status": "ENABLED"})
    assert api.describe_user(**where, UserId=row["id"])["UserStatus"] == "ENABLED"
    with refused("ResourceNotFoundException", status=400):
        api.describe_group(**where, GroupId=row["id"])
