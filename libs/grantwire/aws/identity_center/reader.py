"""Reads permission sets and assignments: every answer whole and typed, or an ``AwsError``."""

from typing import Final

from grantwire.aws.documents import as_json
from grantwire.aws.errors import inconsistent
from grantwire.aws.identity_center.asking import Asking, AskSso
from grantwire.aws.identity_center.parse import Parser
from grantwire.aws.identity_center.shapes import (
    Assignment,
    Boundary,
    InlineDocument,
    PermissionSet,
    PolicyReference,
    PrincipalType,
    ProvisioningStatus,
)
from grantwire.aws.places import place_of
from grantwire.aws.session import AwsSession
from grantwire.contracts.failures import AwsCause, AwsError
from grantwire.contracts.identity_center import IdentityCenter

SETS: Final = "sso:ListPermissionSets"
DESCRIBE: Final = "sso:DescribePermissionSet"
MANAGED: Final = "sso:ListManagedPoliciesInPermissionSet"
CUSTOMER: Final = "sso:ListCustomerManagedPolicyReferencesInPermissionSet"
INLINE: Final = "sso:GetInlinePolicyForPermissionSet"
BOUNDARY: Final = "sso:GetPermissionsBoundaryForPermissionSet"
TAGS: Final = "sso:ListTagsForResource"
PROVISIONED: Final = "sso:ListPermissionSetsProvisionedToAccount"
ASSIGNMENTS: Final = "sso:ListAccountAssignments"
ACCOUNTS_OF: Final = "sso:ListAccountsForProvisionedPermissionSet"
ASSIGNMENTS_OF: Final = "sso:ListAccountAssignmentsForPrincipal"


class PermissionSetReader:
    """Typed reads of one instance through one session. Each raises ``AwsError``; none returns a list that might be
    short."""

    def __init__(self, session: AwsSession, center: IdentityCenter) -> None:
        self._asking = Asking(session, place_of(center))
        self._instance = center.instance_arn

    async def permission_sets(self) -> tuple[str, ...]:
        """The ARNs of all permission sets."""
        instance = self._instance
        ask: AskSso = lambda api, page: api.list_permission_sets(InstanceArn=instance, **page)  # noqa: E731
        return await self._texts(SETS, "PermissionSets", ask)

    async def permission_set(self, arn: str) -> PermissionSet:
        """One permission set without what it holds. This and what follows: gone where there is none any more."""
        given = self._of(arn)
        answer = await self._asking.sso(DESCRIBE, lambda api: api.describe_permission_set(**given))
        parse = Parser(DESCRIBE)
        found = parse.permission_set(parse.need(answer, "PermissionSet", dict))
        if found.arn != arn:
            raise inconsistent(DESCRIBE, f"it answered about {found.arn} where {arn} was asked for")
        return found

    async def managed_policies(self, arn: str) -> tuple[str, ...]:
        """The ARNs of AWS's policies in a set."""
        given, parse = self._of(arn), Parser(MANAGED)
        ask: AskSso = lambda api, page: api.list_managed_policies_in_permission_set(**given, **page)  # noqa: E731
        rows = await self._asking.sso_rows(MANAGED, "AttachedManagedPolicies", ask)
        return tuple(dict.fromkeys(parse.need(row, "Arn", str) for row in rows))

    async def customer_policies(self, arn: str) -> tuple[PolicyReference, ...]:
        """The customer's policies in a set, by name and path."""
        given = self._of(arn)
        ask: AskSso = lambda api, page: api.list_customer_managed_policy_references_in_permission_set(  # noqa: E731
            **given, **page
        )
        rows = await self._asking.sso_rows(CUSTOMER, "CustomerManagedPolicyReferences", ask)
        return tuple(dict.fromkeys(map(Parser(CUSTOMER).reference, rows)))

    async def inline_policy(self, arn: str) -> InlineDocument | None:
        """The inline policy; None for a set without one, which AWS tells by an empty text."""
        given = self._of(arn)
        answer = await self._asking.sso(INLINE, lambda api: api.get_inline_policy_for_permission_set(**given))
        text = Parser(INLINE).need(answer, "InlinePolicy", str)
        return InlineDocument(as_json(text)) if text else None

    async def boundary(self, arn: str) -> Boundary | None:
        """The permissions boundary; None for a set without one, of which AWS says that it has no such resource.

        So it does of a set that is gone: whoever asks must know by another call that it is there.
        """
        given = self._of(arn)
        try:
            answer = await self._asking.sso(
                BOUNDARY, lambda api: api.get_permissions_boundary_for_permission_set(**given)
            )
        except AwsError as error:
            if error.cause is not AwsCause.GONE:
                raise
            return None
        parse = Parser(BOUNDARY)
        return parse.boundary(parse.need(answer, "PermissionsBoundary", dict))

    async def tags(self, arn: str) -> dict[str, str]:
        """The tags of a set."""
        given, parse = {"InstanceArn": self._instance, "ResourceArn": arn}, Parser(TAGS)
        ask: AskSso = lambda api, page: api.list_tags_for_resource(**given, **page)  # noqa: E731
        rows = await self._asking.sso_rows(TAGS, "Tags", ask, page=None)
        return {parse.need(row, "Key", str): parse.need(row, "Value", str) for row in rows}

    async def provisioned_sets(self, account: str, status: ProvisioningStatus | None = None) -> tuple[str, ...]:
        """The ARNs of the sets that are provisioned to an account: all, or those of one status."""
        given = {"InstanceArn": self._instance, "AccountId": account}
        given |= {"ProvisioningStatus": status} if status is not None else {}
        ask: AskSso = lambda api, page: api.list_permission_sets_provisioned_to_account(**given, **page)  # noqa: E731
        return await self._texts(PROVISIONED, "PermissionSets", ask)

    async def assignments(self, account: str, arn: str) -> tuple[Assignment, ...]:
        """Who is assigned to a set in an account, deleted principals included."""
        given = self._of(arn) | {"AccountId": account}
        ask: AskSso = lambda api, page: api.list_account_assignments(**given, **page)  # noqa: E731
        rows = await self._asking.sso_rows(ASSIGNMENTS, "AccountAssignments", ask)
        found = tuple(dict.fromkeys(map(Parser(ASSIGNMENTS).assignment, rows)))
        for each in found:
            if (each.account, each.permission_set) != (account, arn):
                raise inconsistent(ASSIGNMENTS, f"an assignment of {each.account} is among those of {account}")
        return found

    async def accounts_of(self, arn: str) -> tuple[str, ...]:
        """The accounts to which a set is provisioned."""
        given = self._of(arn)
        ask: AskSso = lambda api, page: api.list_accounts_for_provisioned_permission_set(**given, **page)  # noqa: E731
        return await self._texts(ACCOUNTS_OF, "AccountIds", ask)

    async def assignments_of(self, type_: PrincipalType, principal: str, account: str) -> tuple[str, ...]:
        """The ARNs of the sets that a user or group itself is assigned to in an account. For the management account
        alone; of a deleted principal AWS may know nothing."""
        given = {"InstanceArn": self._instance, "PrincipalId": principal, "PrincipalType": type_}
        only, parse = {"AccountId": account}, Parser(ASSIGNMENTS_OF)
        ask: AskSso = lambda api, page: api.list_account_assignments_for_principal(**given, Filter=only, **page)  # noqa: E731
        rows = await self._asking.sso_rows(ASSIGNMENTS_OF, "AccountAssignments", ask)
        return tuple(dict.fromkeys(parse.need(row, "PermissionSetArn", str) for row in rows))

    def _of(self, arn: str) -> dict[str, str]:
        return {"InstanceArn": self._instance, "PermissionSetArn": arn}

    async def _texts(self, operation: str, member: str, ask: AskSso) -> tuple[str, ...]:
        rows = await self._asking.sso_rows(operation, member, ask)
        for row in rows:
            if not isinstance(row, str) or not row:
                raise inconsistent(operation, "a row is no ARN")
        return tuple(dict.fromkeys(rows))
