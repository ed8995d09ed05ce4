"""One row of an answer of Identity Center or its directory into its typed value."""

from typing import Any

from grantwire.aws.errors import inconsistent
from grantwire.aws.identity_center import shapes
from grantwire.aws.rows import Needing, Row, time_or_none


class Parser(Needing):
    """Reads rows of one operation, which its errors name."""

    def instance(self, row: Row) -> shapes.Instance:
        return shapes.Instance(
            arn=self.need(row, "InstanceArn", str),
            identity_store=self.need(row, "IdentityStoreId", str),
            owner=_text(row, "OwnerAccountId"),
            status=_text(row, "Status"),
            primary_region=_text(row, "PrimaryRegion"),
        )

    def user(self, row: Row) -> shapes.User:
        name = self._part(row, "Name", dict, {})
        return shapes.User(
            id=self.need(row, "UserId", str),
            identity_store=self.need(row, "IdentityStoreId", str),
            user_name=_text(row, "UserName"),
            display_name=_text(row, "DisplayName"),
            given_name=_text(name, "GivenName"),
            family_name=_text(name, "FamilyName"),
            emails=tuple(_email(each) for each in self._part(row, "Emails", list, [])),
            user_type=_text(row, "UserType"),
            title=_text(row, "Title"),
            external_ids=self._external_ids(row),
            status=_text(row, "UserStatus"),
            created_at=time_or_none(row.get("CreatedAt")),
            updated_at=time_or_none(row.get("UpdatedAt")),
        )

    def group(self, row: Row) -> shapes.Group:
        return shapes.Group(
            id=self.need(row, "GroupId", str),
            identity_store=self.need(row, "IdentityStoreId", str),
            display_name=_text(row, "DisplayName"),
            description=_text(row, "Description"),
            external_ids=self._external_ids(row),
        )

    def membership(self, row: Row) -> shapes.Membership:
        member = self.need(row, "MemberId", dict)
        return shapes.Membership(
            self.need(row, "MembershipId", str), self.need(row, "GroupId", str), self.need(member, "UserId", str)
        )

    def permission_set(self, row: Row) -> shapes.PermissionSet:
        return shapes.PermissionSet(
            arn=self.need(row, "PermissionSetArn", str),
            name=self.need(row, "Name", str),
            description=_text(row, "Description"),
            session_duration=_text(row, "SessionDuration"),
            relay_state=_text(row, "RelayState"),
            created_at=time_or_none(row.get("CreatedDate")),
        )

    def reference(self, row: Row) -> shapes.PolicyReference:
        """AWS leaves out a path that is ``/``."""
        return shapes.PolicyReference(self.need(row, "Name", str), _text(row, "Path") or "/")

    def boundary(self, row: Row) -> shapes.Boundary:
        if arn := _text(row, "ManagedPolicyArn"):
            return shapes.Boundary(arn=arn)
        return shapes.Boundary(reference=self.reference(self.need(row, "CustomerManagedPolicyReference", dict)))

    def assignment(self, row: Row) -> shapes.Assignment:
        """A principal of a type that nobody knows is an error: left out, it would be access that nobody sees."""
        type_ = self.need(row, "PrincipalType", str)
        if type_ != "USER" and type_ != "GROUP":
            raise inconsistent(self._operation, f"an assignment is to a principal of the unknown type {type_!r}")
        return shapes.Assignment(
            self.need(row, "AccountId", str),
            self.need(row, "PermissionSetArn", str),
            "USER" if type_ == "USER" else "GROUP",
            self.need(row, "PrincipalId", str),
        )

    def assignment_request(self, row: Row) -> shapes.AssignmentRequest:
        return shapes.AssignmentRequest(
            request_id=self.need(row, "RequestId", str),
            status=self.need(row, "Status", str),
            failure_reason=_text(row, "FailureReason"),
            account=_text(row, "TargetId"),
            permission_set=_text(row, "PermissionSetArn"),
            principal_type=_text(row, "PrincipalType"),
            principal=_text(row, "PrincipalId"),
        )

    def _external_ids(self, row: Row) -> tuple[shapes.ExternalId, ...]:
        rows = self._part(row, "ExternalIds", list, [])
        return tuple(shapes.ExternalId(self.need(each, "Issuer", str), self.need(each, "Id", str)) for each in rows)

    def _part(self, row: Row, name: str, type_: type, default: Any) -> Any:
        """A member that may be absent, and is of this type where it is not."""
        return default if row.get(name) is None else self.need(row, name, type_)


def _email(row: Row) -> shapes.Email:
    primary = row.get("Primary")
    return shapes.Email(_text(row, "Value"), _text(row, "Type"), primary if isinstance(primary, bool) else None)


def _text(row: Row, name: str) -> str | None:
    value: Any = row.get(name)
    return value if isinstance(value, str) and value else None
