"""A naive reader: one boto3 call per thing, no bulk read, nothing shared with the sandbox or the product.

It rebuilds the export's lines from what the calls say. What a trust policy *means* (`role_class`, `can_assume`,
external principals) is not rebuilt: that is the planted expectation's job.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

Line = dict[str, Any]
_BAD = re.compile("[\x00\ud800-\udfff]")


def _clean(value: Any) -> Any:
    if isinstance(value, str):
        return _BAD.sub("\ufffd", value)
    if isinstance(value, list):
        return [_clean(each) for each in value]
    return {_clean(key): _clean(each) for key, each in value.items()} if isinstance(value, dict) else value


def _time(moment: datetime | None) -> str | None:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ") if moment else None


def structure(lines: list[Line]) -> dict[tuple[str, ...], Line]:
    """The lines that the crawl can rebuild, by identity, without what only an expectation knows."""
    kept: dict[tuple[str, ...], Line] = {}
    for line in lines:
        if line["kind"] in ("can_assume", "external_principal"):
            continue
        attributes = {key: value for key, value in line["attributes"].items() if key != "role_class"}
        identity = (line["kind"], line.get("native_id") or line["source"], line.get("target", ""))
        assert identity not in kept, f"twice: {identity}"
        kept[identity] = line | {"attributes": attributes}
    return kept


class Crawl:
    """Walks an account entity by entity."""

    def __init__(self, iam: Any, account: str) -> None:
        self.iam, self.account = iam, account
        self.lines: list[Line] = []

    def all(self, operation: str, key: str, **params: Any) -> list[Any]:
        pages = self.iam.get_paginator(operation).paginate(**params)
        return [row for page in pages for row in page[key]]

    def run(self) -> list[Line]:
        self._resource("account", self.account, self.account, self.account, {})
        for user in self.all("list_users", "Users"):
            self._user(user)
        for group in self.all("list_groups", "Groups"):
            self._group(group)
        for role in self.all("list_roles", "Roles"):
            self._role(role)
        for policy in self.all("list_policies", "Policies", Scope="Local"):
            self._policy(policy["Arn"])
        return list({repr(line): line for line in self.lines}.values())

    def _resource(self, kind: str, native_id: str, account: str | None, name: str, attributes: Line) -> None:
        line = {"type": "resource", "kind": kind, "native_id": native_id, "account": account, "name": name}
        self.lines.append(line | {"attributes": attributes})

    def _relation(self, kind: str, source: tuple[str, str], target: tuple[str, str]) -> None:
        ends = {"source": source[0], "source_kind": source[1], "target": target[0], "target_kind": target[1]}
        self.lines.append({"type": "relation", "kind": kind, **ends, "attributes": {}})

    def _entity(self, kind: str, shape: Line, id_key: str, name: str, more: Line) -> None:
        attributes = {"unique_id": shape[id_key], "path": shape["Path"], "created_at": _time(shape["CreateDate"])}
        self._resource(kind, shape["Arn"], self.account, name, attributes | more)
        self._relation("contains", (self.account, "account"), (shape["Arn"], kind))

    def _user(self, listed: Line) -> None:
        name = listed["UserName"]
        user, tags = self.iam.get_user(UserName=name)["User"], self._tags("list_user_tags", UserName=name)
        emails = [name] if "@" in name else []
        emails += [v for k, v in tags.items() if k.lower() == "email" and v.lower() not in [e.lower() for e in emails]]
        used = _time(user.get("PasswordLastUsed"))
        more = {"password_last_used": used, "is_root": False, "tags": tags, "emails": emails}
        self._entity("iam_user", user, "UserId", name, more)
        for group in self.all("list_groups_for_user", "Groups", UserName=name):
            self._relation("member_of", (user["Arn"], "iam_user"), (group["Arn"], "iam_group"))
        self._bounded("iam_user", user)
        self._held("user", "iam_user", user["Arn"], UserName=name)

    def _tags(self, operation: str, **params: Any) -> dict[str, str]:
        return {tag["Key"]: tag["Value"] for tag in self.all(operation, "Tags", **params)}

    def _group(self, listed: Line) -> None:
        group = self.iam.get_group(GroupName=listed["GroupName"])["Group"]
        self._entity("iam_group", group, "GroupId", group["GroupName"], {})
        for member in self.all("get_group", "Users", GroupName=group["GroupName"]):
            self._relation("member_of", (member["Arn"], "iam_user"), (group["Arn"], "iam_group"))
        self._held("group", "iam_group", group["Arn"], GroupName=group["GroupName"])

    def _role(self, listed: Line) -> None:
        name = listed["RoleName"]
        role, used = self.iam.get_role(RoleName=name)["Role"], self.iam.get_role(RoleName=name)["Role"]["RoleLastUsed"]
        more = {
            "description": role.get("Description"),
            "max_session_duration": role["MaxSessionDuration"],
            "last_used_at": _time(used.get("LastUsedDate")),
            "last_used_region": used.get("Region"),
            "tags": self._tags("list_role_tags", RoleName=name),
            "trust_policy": _clean(role["AssumeRolePolicyDocument"]),
        }
        self._entity("iam_role", role, "RoleId", name, more)
        self._bounded("iam_role", role)
        self._held("role", "iam_role", role["Arn"], RoleName=name)

    def _bounded(self, kind: str, shape: Line) -> None:
        if "PermissionsBoundary" in shape:
            arn = shape["PermissionsBoundary"]["PermissionsBoundaryArn"]
            self._aws(arn)
            self._relation("bounded_by", (shape["Arn"], kind), (arn, "iam_policy"))

    def _held(self, word: str, kind: str, arn: str, **named: str) -> None:
        for attached in self.all(f"list_attached_{word}_policies", "AttachedPolicies", **named):
            self._aws(attached["PolicyArn"])
            self._relation("attached", (attached["PolicyArn"], "iam_policy"), (arn, kind))
        for name in self.all(f"list_{word}_policies", "PolicyNames", **named):
            read = getattr(self.iam, f"get_{word}_policy")(PolicyName=name, **named)
            document = {"document": _clean(read["PolicyDocument"])}
            self._resource("inline_policy", f"{arn}#{name}", self.account, name, document)
            self._relation("attached", (f"{arn}#{name}", "inline_policy"), (arn, kind))

    def _aws(self, arn: str) -> None:
        if ":iam::aws:" in arn:
            path, name = arn.split(":policy", 1)[1].rsplit("/", 1)
            self._resource("iam_policy", arn, None, name, {"managed_by": "aws", "path": f"{path}/"})

    def _policy(self, arn: str) -> None:
        policy = self.iam.get_policy(PolicyArn=arn)["Policy"]
        version = self.iam.get_policy_version(PolicyArn=arn, VersionId=policy["DefaultVersionId"])["PolicyVersion"]
        more = {
            "managed_by": "customer",
            "description": policy.get("Description"),
            "default_version": policy["DefaultVersionId"],
            "document": _clean(version["Document"]),
            "updated_at": _time(policy["UpdateDate"]),
        }
        self._entity("iam_policy", policy, "PolicyId", policy["PolicyName"], more)
