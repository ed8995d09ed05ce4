"""A naive reader of Identity Center and of credentials: one boto3 call per thing, nothing shared with the sandbox."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import ClientError

from tests.integration.sandbox.crawl import Line, _clean

_DELETED = {"principal_class": "deleted", "issuer": None, "in_organization": None}


def _time(moment: datetime | None) -> str | None:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if moment else None


def resource(kind: str, native_id: str, account: str | None, name: str, attributes: Line) -> Line:
    line = {"type": "resource", "kind": kind, "native_id": native_id, "account": account, "name": name}
    return line | {"attributes": attributes}


def relation(kind: str, source: tuple[str, str], target: tuple[str, str], attributes: Line | None = None) -> Line:
    ends = {"source": source[0], "source_kind": source[1], "target": target[0], "target_kind": target[1]}
    return {"type": "relation", "kind": kind, **ends, "attributes": attributes or {}}


class CenterCrawl:
    """Walks the one instance that can be seen, and every pair of the given accounts."""

    def __init__(self, sso: Any, store: Any, accounts: list[str]) -> None:
        self.sso, self.store, self.accounts = sso, store, accounts
        self.lines: list[Line] = []

    def run(self) -> list[Line]:
        instances = self._all(self.sso, "list_instances", "Instances")
        described = [self.sso.describe_instance(InstanceArn=each["InstanceArn"]) for each in instances]
        wanted = sorted(described, key=lambda each: not each["PermissionSetsEnabled"])[0]
        self.instance, self.id = {"InstanceArn": wanted["InstanceArn"]}, {"IdentityStoreId": wanted["IdentityStoreId"]}
        self._directory()
        if wanted["PermissionSetsEnabled"]:
            for arn in self._sso("list_permission_sets", "PermissionSets"):
                self._set(arn)
            for account in self.accounts:
                self._account(account)
        return list({repr(line): line for line in self.lines}.values())

    def _all(self, client: Any, operation: str, key: str, **params: Any) -> list[Any]:
        return [row for page in client.get_paginator(operation).paginate(**params) for row in page[key]]

    def _sso(self, operation: str, key: str, **params: Any) -> list[Any]:
        return self._all(self.sso, operation, key, **self.instance, **params)

    def _directory(self) -> None:
        self.people = {row["UserId"]: row for row in self._all(self.store, "list_users", "Users", **self.id)}
        self.teams = {row["GroupId"]: row for row in self._all(self.store, "list_groups", "Groups", **self.id)}
        self.lines += [self._person(row) for row in self.people.values()]
        for team in self.teams.values():
            self.lines.append(self._team(team))
            for row in self._all(
                self.store, "list_group_memberships", "GroupMemberships", **self.id, GroupId=team["GroupId"]
            ):
                ends = (row["MemberId"]["UserId"], "identity_user"), (team["GroupId"], "identity_group")
                self.lines.append(relation("member_of", *ends, {"membership_id": row["MembershipId"]}))

    def _external(self, row: Line) -> list[Line]:
        return [{"issuer": each["Issuer"], "id": each["Id"]} for each in row.get("ExternalIds", [])]

    def _person(self, row: Line) -> Line:
        name = row.get("Name", {})
        emails = [
            {"value": each["Value"], "type": each.get("Type"), "primary": each.get("Primary")}
            for each in row.get("Emails", [])
        ]
        attributes = {
            "identity_store": row["IdentityStoreId"],
            "user_name": row["UserName"],
            "display_name": row.get("DisplayName"),
            "given_name": name.get("GivenName"),
            "family_name": name.get("FamilyName"),
            "emails": emails,
            "user_type": row.get("UserType"),
            "title": row.get("Title"),
            "external_ids": self._external(row),
            "status": row.get("UserStatus", "unknown"),
            "created_at": _time(row.get("CreatedAt")),
            "updated_at": _time(row.get("UpdatedAt")),
        }
        return resource("identity_user", row["UserId"], None, row["UserName"], attributes)

    def _team(self, row: Line) -> Line:
        attributes = {
            "identity_store": row["IdentityStoreId"],
            "display_name": row["DisplayName"],
            "description": row.get("Description"),
            "external_ids": self._external(row),
        }
        return resource("identity_group", row["GroupId"], None, row["DisplayName"], attributes)

    def _set(self, arn: str) -> None:
        which = {"PermissionSetArn": arn}
        row = self.sso.describe_permission_set(**self.instance, **which)["PermissionSet"]
        tags = self._all(self.sso, "list_tags_for_resource", "Tags", **self.instance, ResourceArn=arn)
        customer = self._sso(
            "list_customer_managed_policy_references_in_permission_set", "CustomerManagedPolicyReferences", **which
        )
        inline = self.sso.get_inline_policy_for_permission_set(**self.instance, **which)["InlinePolicy"]
        managed = self._sso("list_managed_policies_in_permission_set", "AttachedManagedPolicies", **which)
        attributes = {
            "name": row["Name"],
            "description": row.get("Description"),
            "session_duration": row["SessionDuration"],
            "relay_state": row.get("RelayState"),
            "created_at": _time(row["CreatedDate"]),
            "tags": _clean({tag["Key"]: tag["Value"] for tag in tags}),
            "managed_policies": sorted(each["Arn"] for each in managed),
            "customer_policies": [{"name": each["Name"], "path": each["Path"]} for each in customer],
            "inline_policy": _clean(json.loads(inline)) if inline else None,
            "boundary": self._boundary(which),
        }
        self.lines.append(resource("permission_set", arn, None, row["Name"], attributes))
        self._policies(arn, attributes)

    def _policies(self, arn: str, attributes: Line) -> None:
        holder, boundary = (arn, "permission_set"), attributes["boundary"] or {}
        for each in attributes["managed_policies"]:
            self._aws(each)
            self.lines.append(relation("attached", (each, "iam_policy"), holder))
        if "managed_policy_arn" in boundary:
            self._aws(boundary["managed_policy_arn"])
            self.lines.append(relation("bounded_by", holder, (boundary["managed_policy_arn"], "iam_policy")))
        if attributes["inline_policy"] is not None:
            document = {"document": attributes["inline_policy"]}
            self.lines.append(resource("inline_policy", f"{arn}#inline", None, "inline", document))
            self.lines.append(relation("attached", (f"{arn}#inline", "inline_policy"), holder))

    def _aws(self, arn: str) -> None:
        path, name = arn.split(":policy", 1)[1].rsplit("/", 1)
        self.lines.append(resource("iam_policy", arn, None, name, {"managed_by": "aws", "path": f"{path}/"}))

    def _boundary(self, which: Line) -> Line | None:
        try:
            found = self.sso.get_permissions_boundary_for_permission_set(**self.instance, **which)[
                "PermissionsBoundary"
            ]
        except ClientError as error:
            assert error.response["Error"]["Code"] == "ResourceNotFoundException"
            return None
        if "ManagedPolicyArn" in found:
            return {"managed_policy_arn": found["ManagedPolicyArn"]}
        each = found["CustomerManagedPolicyReference"]
        return {"customer_managed_policy_reference": {"name": each["Name"], "path": each["Path"]}}

    def _account(self, account: str) -> None:
        for status in ("LATEST_PERMISSION_SET_PROVISIONED", "LATEST_PERMISSION_SET_NOT_PROVISIONED"):
            given = {"AccountId": account, "ProvisioningStatus": status}
            for arn in self._sso("list_permission_sets_provisioned_to_account", "PermissionSets", **given):
                self._pair(account, arn, status)

    def _pair(self, account: str, arn: str, status: str) -> None:
        kind, native_id = "provisioned_permission_set", f"{account}/{arn}"
        self.lines.append(resource(kind, native_id, account, native_id, {"provisioning_status": status}))
        self.lines.append(relation("provisioned_to", (native_id, kind), (account, "account")))
        self.lines.append(relation("instance_of", (native_id, kind), (arn, "permission_set")))
        for row in self._sso("list_account_assignments", "AccountAssignments", AccountId=account, PermissionSetArn=arn):
            principal = row["PrincipalId"]
            known = "identity_user" if principal in self.people else "identity_group"
            if principal not in self.people and principal not in self.teams:
                known = "external_principal"
                self.lines.append(resource(known, principal, None, principal, _DELETED))
            self.lines.append(relation("assigned", (principal, known), (native_id, kind)))


def credentials_of(iam: Any, account: str) -> tuple[list[Line], dict[str, Line]]:
    """Keys, owners and the root user by report and small calls; and what is said of each user, by ARN."""
    iam.generate_credential_report()
    report = iam.get_credential_report()
    lines: list[Line] = []
    facets: dict[str, Line] = {}
    for row in csv.DictReader(io.StringIO(report["Content"].decode())):
        if row["user"] == "<root_account>":
            lines += _root(row, account)
            continue
        facets[row["arn"]] = {
            "console_access": row["password_enabled"] == "true",
            "mfa_active": row["mfa_active"] == "true",
            "password_last_changed": _reported(row["password_last_changed"]),
        }
        for key in iam.list_access_keys(UserName=row["user"])["AccessKeyMetadata"]:
            lines += _key(iam, key, row["arn"], account, report["GeneratedTime"])
    return lines, facets


def _reported(text: str) -> str | None:
    return None if text in ("N/A", "no_information", "not_supported") else _time(datetime.fromisoformat(text))


def _root(row: dict[str, str], account: str) -> list[Line]:
    attributes = {
        "created_at": _reported(row["user_creation_time"]),
        "is_root": True,
        "console_access": None,
        "mfa_active": row["mfa_active"] == "true",
        "password_last_used": _reported(row["password_last_used"]),
        "password_last_changed": None,
    }
    made = resource("iam_user", row["arn"], account, "root", attributes)
    return [made, relation("contains", (account, "account"), (row["arn"], "iam_user"))]


def _key(iam: Any, key: Line, owner: str, account: str, generated: datetime) -> list[Line]:
    used = iam.get_access_key_last_used(AccessKeyId=key["AccessKeyId"])["AccessKeyLastUsed"]
    attributes = {
        "status": key["Status"],
        "created_at": _time(key["CreateDate"]),
        "last_used_at": _time(used.get("LastUsedDate")),
        "last_used_service": None if used["ServiceName"] == "N/A" else used["ServiceName"],
        "last_used_region": None if used["Region"] == "N/A" else used["Region"],
        "report_time": _time(generated),
    }
    made = resource("access_key", key["AccessKeyId"], account, key["AccessKeyId"], attributes)
    return [made, relation("owns", (owner, "iam_user"), (key["AccessKeyId"], "access_key"))]
