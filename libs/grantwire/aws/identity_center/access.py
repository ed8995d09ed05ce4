"""What a command asks of Identity Center and its directory, and the writes that change who is assigned and a member."""

from collections.abc import Awaitable, Mapping
from typing import Any, Final, TypeVar

from grantwire.aws.errors import lacks_permission
from grantwire.aws.identity_center.asking import Asking, AskSso
from grantwire.aws.identity_center.directory import DirectoryReader
from grantwire.aws.identity_center.parse import Parser
from grantwire.aws.identity_center.reader import PermissionSetReader
from grantwire.aws.identity_center.shapes import (
    Assignment,
    AssignmentRequest,
    Group,
    Membership,
    MembershipMade,
    PermissionSet,
    PrincipalType,
    User,
)
from grantwire.aws.named import call
from grantwire.aws.organizations.reader import OrganizationReader
from grantwire.aws.places import place_of
from grantwire.aws.rows import request_id
from grantwire.aws.session import AwsSession
from grantwire.contracts.commands import Verb
from grantwire.contracts.failures import AwsCause, AwsError
from grantwire.contracts.identity_center import IdentityCenter

T = TypeVar("T")
CREATE_MEMBERSHIP: Final = "identitystore:CreateGroupMembership"
DELETE_MEMBERSHIP: Final = "identitystore:DeleteGroupMembership"
_WORDS: Final[Mapping[Verb, tuple[str, str]]] = {"grant": ("Create", "Creation"), "revoke": ("Delete", "Deletion")}


class IdentityCenterAccess:
    """Through one session of the management account or a delegated administrator. Each raises ``AwsError``: gone
    (``AwsCause.GONE``) where what it names is not there, unless it says that it answers None.

    A write is one request. AWS carries assignments out later: an ``AssignmentRequest`` is followed by its id.
    """

    def __init__(self, session: AwsSession, center: IdentityCenter) -> None:
        self._session = session
        self._place = place_of(center)
        self._asking = Asking(session, self._place)
        self._sets = PermissionSetReader(session, center)
        self._directory = DirectoryReader(session, center)
        self._instance, self._store = center.instance_arn, center.identity_store

    async def account_state(self, account: str) -> str | None:
        """``ACTIVE``, ``SUSPENDED`` and the like; None where AWS does not say it or does not let us ask. Gone where the
        account is none of the organization's."""
        try:
            return (await OrganizationReader(self._session).account(account)).state
        except AwsError as error:
            if not lacks_permission(error):
                raise
            return None

    async def permission_set(self, arn: str) -> PermissionSet | None:
        """The permission set of that ARN, without what it holds."""
        return await _or_none(self._sets.permission_set(arn))

    async def user(self, id: str) -> User | None:
        """The directory user of that id."""
        return await _or_none(self._directory.user(id))

    async def group(self, id: str) -> Group | None:
        """The directory group of that id."""
        return await _or_none(self._directory.group(id))

    async def assignments(self, account: str, arn: str) -> tuple[Assignment, ...]:
        """Everybody who is assigned to a permission set in an account."""
        return await self._sets.assignments(account, arn)

    async def provisioned(self, account: str) -> tuple[str, ...]:
        """The ARNs of every permission set that is provisioned to an account."""
        return await self._sets.provisioned_sets(account)

    async def memberships_of(self, user: str) -> tuple[Membership, ...]:
        """Every group that a user is in."""
        return await self._directory.memberships_of(user)

    async def create_assignment(
        self, account: str, arn: str, type_: PrincipalType, principal: str
    ) -> AssignmentRequest:
        """Ask for it. Where it is there already AWS accepts it too."""
        return await self._request("grant", account, arn, type_, principal)

    async def delete_assignment(
        self, account: str, arn: str, type_: PrincipalType, principal: str
    ) -> AssignmentRequest:
        """Ask to take it away. Where there is none the request fails later, and says why."""
        return await self._request("revoke", account, arn, type_, principal)

    async def assignment_status(self, verb: Verb, request: str) -> AssignmentRequest:
        """What became of a request so far. Gone where AWS knows none of that id."""
        operation, member = _described(verb)
        given = {"InstanceArn": self._instance, f"{member.removesuffix('Status')}RequestId": request}
        answer = await self._asking.sso(operation, lambda api: call(api, operation, given))
        parse = Parser(operation)
        return parse.assignment_request(parse.need(answer, member, dict))

    async def open_requests(self, verb: Verb) -> tuple[AssignmentRequest, ...]:
        """Every request of the instance that is in progress, whoever made it, as it is told of each: one that ends
        meanwhile is among them as ended."""
        noun = _WORDS[verb][1]
        operation, given = f"sso:ListAccountAssignment{noun}Status", {"InstanceArn": self._instance}
        only = {"Filter": {"Status": "IN_PROGRESS"}}
        ask: AskSso = lambda api, page: call(api, operation, given | only | page)  # noqa: E731
        rows = await self._asking.sso_rows(operation, f"AccountAssignments{noun}Status", ask)
        parse = Parser(operation)
        ids = dict.fromkeys(parse.need(row, "RequestId", str) for row in rows)
        found = [await _or_none(self.assignment_status(verb, each)) for each in ids]
        return tuple(each for each in found if each is not None)

    async def create_membership(self, group: str, user: str) -> MembershipMade:
        """Conflict (``AwsCause.CONFLICT``) where the user is in the group already, or something else is under way."""
        given, member = {"IdentityStoreId": self._store, "GroupId": group}, {"UserId": user}

        def made(answer: Mapping[str, Any]) -> MembershipMade:
            return MembershipMade(str(answer["MembershipId"]), request_id(answer))

        return await self._session.write_identity_store(
            CREATE_MEMBERSHIP, self._place, lambda api: made(api.create_group_membership(**given, MemberId=member))
        )

    async def delete_membership(self, membership: str) -> str:
        """AWS's request id. Gone where there is no such membership."""
        given = {"IdentityStoreId": self._store, "MembershipId": membership}
        return await self._session.write_identity_store(
            DELETE_MEMBERSHIP, self._place, lambda api: request_id(api.delete_group_membership(**given))
        )

    async def _request(
        self, verb: Verb, account: str, arn: str, type_: PrincipalType, principal: str
    ) -> AssignmentRequest:
        operation, (_, member) = f"sso:{_WORDS[verb][0]}AccountAssignment", _described(verb)
        target = {"TargetType": "AWS_ACCOUNT", "TargetId": account, "PermissionSetArn": arn}
        given = {"InstanceArn": self._instance, "PrincipalType": type_, "PrincipalId": principal} | target
        return await self._session.write_sso_admin(
            operation, self._place, lambda api: _accepted(call(api, operation, given), member)
        )


async def _or_none(read: Awaitable[T]) -> T | None:
    """None where AWS says that it is not there."""
    try:
        return await read
    except AwsError as error:
        if error.cause is not AwsCause.GONE:
            raise
        return None


def _described(verb: Verb) -> tuple[str, str]:
    """The operation that tells of a request, and the member of its answer."""
    member = f"AccountAssignment{_WORDS[verb][1]}Status"
    return f"sso:Describe{member}", member


def _accepted(answer: Mapping[str, Any], member: str) -> AssignmentRequest:
    """What a write answers. Raises ``LookupError`` for an answer that does not say what there is to follow: it counts
    as garbled, because the request may be under way."""
    row = answer[member]
    return AssignmentRequest(
        request_id=str(row["RequestId"]),
        status=str(row["Status"]),
        failure_reason=row.get("FailureReason"),
        account=row.get("TargetId"),
        permission_set=row.get("PermissionSetArn"),
        principal_type=row.get("PrincipalType"),
        principal=row.get("PrincipalId"),
        sent_as=request_id(answer),
    )
