"""One row of an IAM answer into its typed value. A row without what AWS always gives is an error, never left out."""

from datetime import datetime
from functools import lru_cache
from typing import Any
from urllib.parse import unquote

from grantwire.aws.documents import as_json
from grantwire.aws.errors import inconsistent
from grantwire.aws.iam import shapes
from grantwire.aws.rows import Needing, Row, time_or_none, utc


class Parser(Needing):
    """Reads rows of one operation, which its errors name."""

    def listed_user(self, row: Row) -> shapes.ListedUser:
        return shapes.ListedUser(
            **self._entity(row, "User"), password_last_used=time_or_none(row.get("PasswordLastUsed"))
        )

    def listed_group(self, row: Row) -> shapes.ListedGroup:
        return shapes.ListedGroup(**self._entity(row, "Group"))

    def listed_role(self, row: Row) -> shapes.ListedRole:
        return shapes.ListedRole(
            **self._entity(row, "Role"),
            trust=self._document(row, "AssumeRolePolicyDocument"),
            description=row.get("Description") or None,
            max_session_duration=row.get("MaxSessionDuration"),
        )

    def user(self, row: Row) -> shapes.UserDetail:
        return shapes.UserDetail(
            **self._entity(row, "User"),
            groups=tuple(row.get("GroupList") or ()),
            holdings=self._holdings(row, "UserPolicyList"),
            tags=self._tags(row),
        )

    def group(self, row: Row) -> shapes.GroupDetail:
        return shapes.GroupDetail(**self._entity(row, "Group"), holdings=self._holdings(row, "GroupPolicyList"))

    def role(self, row: Row) -> shapes.RoleDetail:
        used = row.get("RoleLastUsed") or {}
        return shapes.RoleDetail(
            **self._entity(row, "Role"),
            trust=self._document(row, "AssumeRolePolicyDocument"),
            last_used_at=time_or_none(used.get("LastUsedDate")),
            last_used_region=used.get("Region") or None,
            holdings=self._holdings(row, "RolePolicyList"),
            tags=self._tags(row),
        )

    def policy(self, row: Row) -> shapes.PolicyDetail:
        default = self.need(row, "DefaultVersionId", str)
        return shapes.PolicyDetail(
            **self._entity(row, "Policy"),
            description=row.get("Description") or None,
            default_version=default,
            document=self._document(self._version(row, default), "Document"),
            updated_at=time_or_none(row.get("UpdateDate")),
        )

    def _entity(self, row: Row, kind: str) -> dict[str, Any]:
        return {
            "arn": self.need(row, "Arn", str),
            "unique_id": self.need(row, f"{kind}Id", str),
            "name": self.need(row, f"{kind}Name", str),
            "path": self.need(row, "Path", str),
            "created_at": utc(self.need(row, "CreateDate", datetime)),
        }

    def _holdings(self, row: Row, inline: str) -> shapes.Holdings:
        """AWS leaves these lists out where a row has none."""
        boundary = row.get("PermissionsBoundary")
        return shapes.Holdings(
            inline=tuple(self._inline(item) for item in row.get(inline) or ()),
            attached=tuple(self._attached(item) for item in row.get("AttachedManagedPolicies") or ()),
            boundary=self.need(boundary, "PermissionsBoundaryArn", str) if boundary else None,
        )

    def _inline(self, row: Row) -> shapes.InlinePolicy:
        name = self.need(row, "PolicyName", str)
        return shapes.InlinePolicy(name=name, document=self._document(row, "PolicyDocument"))

    def _attached(self, row: Row) -> shapes.AttachedPolicy:
        return shapes.AttachedPolicy(arn=self.need(row, "PolicyArn", str), name=self.need(row, "PolicyName", str))

    def _tags(self, row: Row) -> dict[str, str]:
        return {self.need(tag, "Key", str): self.need(tag, "Value", str) for tag in row.get("Tags") or ()}

    def _version(self, row: Row, wanted: str) -> Row:
        for version in self.need(row, "PolicyVersionList", list):
            if version.get("VersionId") == wanted:
                found: Row = version
                return found
        raise inconsistent(self._operation, f"the policy {row.get('Arn')} comes without its default version {wanted}")

    def _document(self, row: Row, name: str) -> shapes.Document:
        return decode(self.need(row, name, str))


@lru_cache(maxsize=2048)
def decode(document: str) -> shapes.Document:
    """A policy document, URL-decoded, as JSON; or as text where it is not JSON. To read only: an account's roles share
    few documents, and so do its readings."""
    return as_json(unquote(document))
