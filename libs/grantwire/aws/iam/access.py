"""What a command asks of one account's IAM: who is there, what they hold, and the writes that change it."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final, Literal

from grantwire.aws.errors import inconsistent
from grantwire.aws.iam.asking import Ask, every_row
from grantwire.aws.iam.shapes import AttachedPolicy, IamGroup, IamPolicy, IamRole, IamUser
from grantwire.aws.named import call
from grantwire.aws.rows import Needing, Row, request_id
from grantwire.aws.session import AwsSession
from grantwire.contracts.failures import AwsCause, AwsError
from grantwire.contracts.resources import Kind

if TYPE_CHECKING:
    from mypy_boto3_iam.client import IAMClient

USER: Final = "iam:GetUser"
GROUP: Final = "iam:GetGroup"
ROLE: Final = "iam:GetRole"
POLICY: Final = "iam:GetPolicy"
GROUPS_OF: Final = "iam:ListGroupsForUser"
ADD: Final = "iam:AddUserToGroup"
REMOVE: Final = "iam:RemoveUserFromGroup"

Holder = Literal[Kind.IAM_USER, Kind.IAM_GROUP, Kind.IAM_ROLE]
_WORDS: Final[Mapping[Kind, str]] = {Kind.IAM_USER: "User", Kind.IAM_GROUP: "Group", Kind.IAM_ROLE: "Role"}
AskOne = Callable[["IAMClient"], Mapping[str, Any]]


class IamAccess:
    """Through one session, so in one account. Names are IAM's, not ARNs: whoever writes compares the ARN that a read
    gives first. Each raises ``AwsError``: gone (``AwsCause.GONE``) where what it names is not there, unless it says
    that it answers None.

    A write is one request and answers AWS's request id. IAM shows its effect to later reads only after a while.
    """

    def __init__(self, session: AwsSession) -> None:
        self._session = session

    async def user(self, name: str) -> IamUser | None:
        """The user of that name."""
        row = await self._one(USER, "User", lambda iam: iam.get_user(UserName=name))
        return IamUser(**_known(USER, row, "User")) if row is not None else None

    async def group(self, name: str) -> IamGroup | None:
        """The group of that name; its members are not read."""
        row = await self._one(GROUP, "Group", lambda iam: iam.get_group(GroupName=name, MaxItems=1))
        return IamGroup(**_known(GROUP, row, "Group")) if row is not None else None

    async def role(self, name: str) -> IamRole | None:
        """The role of that name."""
        row = await self._one(ROLE, "Role", lambda iam: iam.get_role(RoleName=name))
        return IamRole(**_known(ROLE, row, "Role")) if row is not None else None

    async def policy(self, arn: str) -> IamPolicy | None:
        """The managed policy of that ARN, AWS's or the account's own."""
        row = await self._one(POLICY, "Policy", lambda iam: iam.get_policy(PolicyArn=arn))
        if row is None:
            return None
        return IamPolicy(**_known(POLICY, row, "Policy"), attachable=row.get("IsAttachable") is not False)

    async def groups_of(self, user: str) -> tuple[IamGroup, ...]:
        """Every group that the user is in."""
        rows = await self._rows(GROUPS_OF, "Groups", lambda iam, page: iam.list_groups_for_user(UserName=user, **page))
        return tuple(IamGroup(**_known(GROUPS_OF, row, "Group")) for row in rows)

    async def attached(self, kind: Holder, name: str) -> tuple[AttachedPolicy, ...]:
        """Every managed policy that is attached to the user, group or role."""
        operation, given = f"iam:ListAttached{_WORDS[kind]}Policies", _of(kind, name)
        rows = await self._rows(operation, "AttachedPolicies", lambda iam, page: call(iam, operation, given | page))
        need = Needing(operation).need
        return tuple(AttachedPolicy(arn=need(row, "PolicyArn", str), name=need(row, "PolicyName", str)) for row in rows)

    async def inline(self, kind: Holder, name: str) -> tuple[str, ...]:
        """The names of every inline policy of the user, group or role."""
        operation, given = f"iam:List{_WORDS[kind]}Policies", _of(kind, name)
        rows = await self._rows(operation, "PolicyNames", lambda iam, page: call(iam, operation, given | page))
        if not all(isinstance(row, str) and row for row in rows):
            raise inconsistent(operation, "the name of a policy is not text")
        return tuple(dict.fromkeys(rows))

    async def add_to_group(self, group: str, user: str) -> str:
        """Done again, it changes nothing."""
        return await self._write(ADD, {"GroupName": group, "UserName": user})

    async def remove_from_group(self, group: str, user: str) -> str:
        """Gone where the user is not in the group."""
        return await self._write(REMOVE, {"GroupName": group, "UserName": user})

    async def attach(self, kind: Holder, name: str, policy_arn: str) -> str:
        """Done again, it changes nothing."""
        return await self._write(f"iam:Attach{_WORDS[kind]}Policy", _of(kind, name) | {"PolicyArn": policy_arn})

    async def detach(self, kind: Holder, name: str, policy_arn: str) -> str:
        """Gone where the policy is not attached."""
        return await self._write(f"iam:Detach{_WORDS[kind]}Policy", _of(kind, name) | {"PolicyArn": policy_arn})

    async def delete_inline(self, kind: Holder, name: str, policy: str) -> str:
        """Gone where the holder has no policy of that name."""
        return await self._write(f"iam:Delete{_WORDS[kind]}Policy", _of(kind, name) | {"PolicyName": policy})

    async def _one(self, operation: str, member: str, ask: AskOne) -> Row | None:
        try:
            answer = await self._session.iam(operation, ask)
        except AwsError as error:
            if error.cause is not AwsCause.GONE:
                raise
            return None
        found: Row = Needing(operation).need(answer, member, dict)
        return found

    async def _rows(self, operation: str, member: str, ask: Ask) -> list[Any]:
        return (await every_row(self._session, operation, (member,), ask))[member]

    async def _write(self, operation: str, given: dict[str, str]) -> str:
        return await self._session.write_iam(operation, lambda iam: request_id(call(iam, operation, given)))


def _known(operation: str, row: Row, kind: str) -> dict[str, Any]:
    need = Needing(operation).need
    return {
        "arn": need(row, "Arn", str),
        "unique_id": need(row, f"{kind}Id", str),
        "name": need(row, f"{kind}Name", str),
    }


def _of(kind: Kind, name: str) -> dict[str, str]:
    return {f"{_WORDS[kind]}Name": name}
