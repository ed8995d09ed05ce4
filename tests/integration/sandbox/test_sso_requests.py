"""Requests of Identity Center: assigning, unassigning and provisioning take their time, conflict and fail."""

from __future__ import annotations

from typing import Any

import pytest

from grantwire.sandbox.server import Sandbox
from tests.integration.sandbox.org_crawl import admin_of
from tests.integration.sandbox.sso_clients import (
    boss,
    create,
    directory,
    fresh_set,
    held,
    instance,
    later,
    plain_set,
    rows,
    status,
    wanted,
)
from tests.integration.sandbox.test_access import refused


def test_an_assignment_takes_its_time_and_makes_a_role(organized: Sandbox) -> None:
    given = wanted(organized)
    request = create(organized, given)
    assert request["Status"] == status(organized, request)["Status"] == "IN_PROGRESS"
    assert held(organized, given) == []
    later(organized)
    assert status(organized, request)["Status"] == "SUCCEEDED"
    assert held(organized, given) == [given["PrincipalId"]]
    lines = organized.truth(sources=["organization", "iam", "identity_center"])
    (made,) = [x for x in lines if x["kind"] == "realized_as" and x["source"].endswith(given["PermissionSetArn"])]
    roles = admin_of(organized, given["TargetId"]).get_paginator("list_roles").paginate()
    assert made["target"] in {role["Arn"] for page in roles for role in page["Roles"]}
    again = create(organized, given)
    later(organized)
    assert (status(organized, again)["Status"], held(organized, given)) == ("SUCCEEDED", [given["PrincipalId"]])


def test_the_last_assignment_takes_the_role_along(organized: Sandbox) -> None:
    given = wanted(organized)
    create(organized, given)
    later(organized)
    request = boss(organized).delete_account_assignment(**given)["AccountAssignmentDeletionStatus"]
    later(organized)
    assert status(organized, request, "Deletion")["Status"] == "SUCCEEDED"
    assert not [row for row in rows(organized, "Provisioned") if row["permission_set"] == given["PermissionSetArn"]]
    assert "AWSReservedSSO_Fresh_" not in repr(organized.truth())
    request = boss(organized).delete_account_assignment(**given)["AccountAssignmentDeletionStatus"]
    later(organized)
    found = status(organized, request, "Deletion")
    assert (found["Status"], found["FailureReason"][:27]) == ("FAILED", "Received a 404 status error")
    boss(organized).delete_permission_set(**instance(organized), PermissionSetArn=given["PermissionSetArn"])


def test_a_deleted_principal_stays_assigned(organized: Sandbox) -> None:
    given = wanted(organized, user=3)
    create(organized, given)
    later(organized)
    boss(organized, "identitystore").delete_user(**directory(organized), UserId=given["PrincipalId"])
    assert held(organized, given) == [given["PrincipalId"]]
    lines = [x for x in organized.truth(sources=["identity_center"]) if x.get("source") == given["PrincipalId"]]
    assert {(x["kind"], x["source_kind"]) for x in lines} == {("assigned", "external_principal")}
    request = boss(organized).delete_account_assignment(**given)["AccountAssignmentDeletionStatus"]
    later(organized)
    assert "was not found in directory" in status(organized, request, "Deletion")["FailureReason"]


def test_a_pair_is_changed_once_at_a_time(organized: Sandbox) -> None:
    given = wanted(organized)
    create(organized, given)
    with refused("ConflictException", status=400):
        create(organized, given | {"PrincipalId": rows(organized, "Person")[1]["id"]})
    later(organized)
    create(organized, given | {"PrincipalId": rows(organized, "Person")[1]["id"]})


def test_ten_requests_are_the_most(organized: Sandbox) -> None:
    arns = [fresh_set(organized, f"Fresh{number}") for number in range(11)]
    for arn in arns[:10]:
        create(organized, wanted(organized, arn=arn))
    with refused("ThrottlingException", "too many requests processing", status=400):
        create(organized, wanted(organized, arn=arns[10]))
    listed = boss(organized).list_account_assignment_creation_status(
        **instance(organized), Filter={"Status": "IN_PROGRESS"}
    )
    assert len(listed["AccountAssignmentsCreationStatus"]) == 10
    later(organized)
    create(organized, wanted(organized, arn=arns[10]))


@pytest.mark.parametrize("why", ["suspended", "nobody", "asked for"])
def test_requests_fail_and_change_nothing(organized: Sandbox, why: str) -> None:
    before, given = organized.truth(sources=["identity_center"]), wanted(organized, arn=plain_set(organized))
    if why == "suspended":
        organized.organization(
            {"account": (account := organized.facts["organization"]["member_accounts"][-1]), "state": "SUSPENDED"}
        )
        given["TargetId"] = account
    elif why == "nobody":
        given["PrincipalId"] = "00000000-0000-0000-0000-000000000000"
    else:
        organized.identity_center({"fail": ["asked for"]})
    request = create(organized, given)
    later(organized)
    found = status(organized, request)
    assert found["Status"] == "FAILED"
    assert {"suspended": "is taking longer than usual", "nobody": "was not found", "asked for": "asked for"}[
        why
    ] in found["FailureReason"]
    assert organized.truth(sources=["identity_center"]) == before


def test_a_changed_set_is_behind_until_it_is_provisioned(organized: Sandbox) -> None:
    given, behind = wanted(organized), {"ProvisioningStatus": "LATEST_PERMISSION_SET_NOT_PROVISIONED"}
    create(organized, given)
    later(organized)
    named, account = {"PermissionSetArn": given["PermissionSetArn"]}, {"AccountId": given["TargetId"]}
    policy = {"ManagedPolicyArn": "arn:aws:iam::aws:policy/ReadOnlyAccess"}
    boss(organized).attach_managed_policy_to_permission_set(**instance(organized), **named, **policy)
    listed = boss(organized).list_permission_sets_provisioned_to_account(**instance(organized), **account, **behind)
    assert given["PermissionSetArn"] in listed["PermissionSets"]
    target = {"TargetType": "ALL_PROVISIONED_ACCOUNTS"}
    made = boss(organized).provision_permission_set(**instance(organized), **named, **target)
    later(organized)
    request = {"ProvisionPermissionSetRequestId": made["PermissionSetProvisioningStatus"]["RequestId"]}
    found = boss(organized).describe_permission_set_provisioning_status(**instance(organized), **request)
    assert found["PermissionSetProvisioningStatus"]["Status"] == "SUCCEEDED"
    listed = boss(organized).list_accounts_for_provisioned_permission_set(**instance(organized), **named, **behind)
    assert listed["AccountIds"] == []
    role = next(x["target"] for x in organized.truth(sources=["iam", "identity_center"]) if _realizes(x, given))
    held_now = admin_of(organized, given["TargetId"]).list_attached_role_policies(RoleName=role.rsplit("/", 1)[-1])
    assert [each["PolicyArn"] for each in held_now["AttachedPolicies"]] == [policy["ManagedPolicyArn"]]


def _realizes(line: dict[str, Any], given: dict[str, Any]) -> bool:
    return line["kind"] == "realized_as" and str(line["source"]) == f"{given['TargetId']}/{given['PermissionSetArn']}"


def test_a_stale_read_shows_what_was(organized: Sandbox) -> None:
    given = wanted(organized)
    create(organized, given)
    later(organized)
    organized.fault({"kind": "stale", "service": "sso-admin", "operation": "ListAccountAssignments", "times": 1})
    assert held(organized, given) == []
    assert held(organized, given) == [given["PrincipalId"]]
