"""The parts of boto3's clients of Identity Center that are used here: ``sso-admin`` and ``identitystore``."""

from collections.abc import Mapping
from typing import Any, Protocol

Answer = Mapping[str, Any]


class SsoAdminClient(Protocol):
    """Instances, permission sets, assignments. Parameters and members are named as AWS names them."""

    def list_instances(self, **page: Any) -> Answer: ...

    def list_permission_sets(self, *, InstanceArn: str, **page: Any) -> Answer: ...

    def describe_permission_set(self, *, InstanceArn: str, PermissionSetArn: str) -> Answer: ...

    def list_managed_policies_in_permission_set(
        self, *, InstanceArn: str, PermissionSetArn: str, **page: Any
    ) -> Answer: ...

    def list_customer_managed_policy_references_in_permission_set(
        self, *, InstanceArn: str, PermissionSetArn: str, **page: Any
    ) -> Answer: ...

    def get_inline_policy_for_permission_set(self, *, InstanceArn: str, PermissionSetArn: str) -> Answer: ...

    def get_permissions_boundary_for_permission_set(self, *, InstanceArn: str, PermissionSetArn: str) -> Answer: ...

    def list_tags_for_resource(self, *, InstanceArn: str, ResourceArn: str, **page: Any) -> Answer: ...

    def list_permission_sets_provisioned_to_account(
        self, *, InstanceArn: str, AccountId: str, **page: Any
    ) -> Answer: ...

    def list_account_assignments(
        self, *, InstanceArn: str, AccountId: str, PermissionSetArn: str, **page: Any
    ) -> Answer: ...

    def list_accounts_for_provisioned_permission_set(
        self, *, InstanceArn: str, PermissionSetArn: str, **page: Any
    ) -> Answer: ...

    def list_account_assignments_for_principal(
        self, *, InstanceArn: str, PrincipalId: str, PrincipalType: str, Filter: Mapping[str, str], **page: Any
    ) -> Answer: ...


class IdentityStoreClient(Protocol):
    """Users, groups and memberships. Parameters and members are named as AWS names them."""

    def list_users(self, *, IdentityStoreId: str, **page: Any) -> Answer: ...

    def list_groups(self, *, IdentityStoreId: str, **page: Any) -> Answer: ...

    def list_group_memberships(self, *, IdentityStoreId: str, GroupId: str, **page: Any) -> Answer: ...

    def list_group_memberships_for_member(
        self, *, IdentityStoreId: str, MemberId: Mapping[str, str], **page: Any
    ) -> Answer: ...

    def describe_user(self, *, IdentityStoreId: str, UserId: str) -> Answer: ...

    def describe_group(self, *, IdentityStoreId: str, GroupId: str) -> Answer: ...

    def create_group_membership(self, *, IdentityStoreId: str, GroupId: str, MemberId: Mapping[str, str]) -> Answer: ...

    def delete_group_membership(self, *, IdentityStoreId: str, MembershipId: str) -> Answer: ...
