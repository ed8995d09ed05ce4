"""Relations of Identity Center: who is assigned a permission set in an account, who is in a group of the directory."""

import asyncio
from dataclasses import dataclass
from typing import Final

from grantwire.aws.identity_center.access import IdentityCenterAccess
from grantwire.aws.identity_center.shapes import PrincipalType
from grantwire.contracts.commands import AccessCommand, Ref, Verb
from grantwire.contracts.ids import AccountId, assignments_scope, directory_memberships_scope
from grantwire.contracts.outcomes import PlannedCall
from grantwire.contracts.resources import Kind, RelationKind, Resource
from grantwire.contracts.snapshots import Reason
from grantwire.graph.operation import Known
from grantwire.graph.parts import Part, PartRead
from grantwire.provisioner.names import provisioned
from grantwire.provisioner.ports import Look, Place, Polled, Sent
from grantwire.provisioner.targets.kit import missing, nothing_if_gone, relation, seen

ACCOUNT: Final = "organizations:DescribeAccount"
PERMISSION_SET: Final = "sso:DescribePermissionSet"
ASSIGNMENTS: Final = "sso:ListAccountAssignments"
USER: Final = "identitystore:DescribeUser"
GROUP: Final = "identitystore:DescribeGroup"
MEMBERSHIPS: Final = "identitystore:ListGroupMembershipsForMember"
_KINDS: Final[dict[PrincipalType, Kind]] = {"USER": Kind.IDENTITY_USER, "GROUP": Kind.IDENTITY_GROUP}
_STATUS: Final = {"provisioning_status": "LATEST_PERMISSION_SET_PROVISIONED"}


@dataclass
class Assigned:
    """A user or group assigned to a permission set in an account. ``own``: the account that asks, ``known``: what the
    graph holds of the account that is asked about."""

    access: IdentityCenterAccess
    command: AccessCommand
    known: Known
    own: str
    role: str | None

    at_once = False

    @property
    def place(self) -> Place:
        return Place(assignments_scope(AccountId(self._account)), "identity_center", self._account)

    async def look(self) -> Look:
        (refusal, parking), ends, look = await asyncio.gather(self._standing(), self._ends(), self.read())
        return look.refused(refusal or ends, parking)

    async def send(self, wants: bool, look: Look) -> Sent:
        write = self.access.create_assignment if wants else self.access.delete_assignment
        request = await write(self._account, self._set, self._type, self._who)
        return Sent(request.sent_as, request.request_id)

    async def poll(self, request_id: str, wants: bool) -> Polled:
        found = await self.access.assignment_status(_verb(wants), request_id)
        return Polled(found.status, found.failure_reason)

    def expected(self, wants: bool, look: Look) -> PartRead | None:
        return None

    async def adopt(self, wants: bool) -> str | None:
        mine = (self._account, self._set, self._type, self._who)
        for each in await self.access.open_requests(_verb(wants)):
            if (each.account, each.permission_set, each.principal_type, each.principal) == mine:
                return each.request_id
        return None

    @property
    def _account(self) -> str:
        return provisioned(self.command.target)[0]

    @property
    def _set(self) -> str:
        return provisioned(self.command.target)[1]

    @property
    def _who(self) -> str:
        return self.command.principal.native_id

    @property
    def _type(self) -> PrincipalType:
        return "USER" if self.command.principal.kind is Kind.IDENTITY_USER else "GROUP"

    async def _standing(self) -> tuple[Reason | None, Reason | None]:
        """What the account stands in the way of: a refusal, or a reason to wait."""
        if self.known.is_management and self._account != self.own:
            return _MANAGEMENT, None
        state = await self.access.account_state(self._account) or self.known.account_state
        if state in ("ACTIVE", "unknown", None):
            return None, None
        reason = _inactive(self._account, state)
        return (reason, None) if self.command.verb() == "grant" else (None, reason)

    async def _ends(self) -> Reason | None:
        """An assignment of a principal that is gone cannot be made; taking one away is AWS's to refuse."""
        if await self.access.permission_set(self._set) is None:
            return missing(self.command, self.command.target, PERMISSION_SET)
        if self.command.verb() == "revoke":
            return None
        user = self.command.principal.kind is Kind.IDENTITY_USER
        there = await self.access.user(self._who) if user else await self.access.group(self._who)
        return missing(self.command, self.command.principal, USER if user else GROUP) if there is None else None

    async def read(self) -> Look:
        rows = await nothing_if_gone(self.access.assignments(self._account, self._set))
        pair = self.command.target
        refs = [Ref(kind=_KINDS[row.principal_type], native_id=row.principal) for row in rows]
        relations = tuple(relation(RelationKind.ASSIGNED, each, pair) for each in refs)
        part = Part(RelationKind.ASSIGNED, (pair.kind, pair.native_id))
        there = bool(rows) or self._set in await nothing_if_gone(self.access.provisioned(self._account))
        resources = (Resource(pair.kind, pair.native_id, self._account, pair.native_id, _STATUS),) if there else ()
        gone = () if there else ((pair.kind, pair.native_id),)
        held = self.command.principal in refs
        read = PartRead(part, relations, resources, gone)
        return Look(seen(held, ASSIGNMENTS), read, plan=self._plan())

    def _plan(self) -> list[PlannedCall]:
        verb = "Create" if self.command.verb() == "grant" else "Delete"
        given = {
            "TargetId": self._account,
            "PermissionSetArn": self._set,
            "PrincipalType": self._type,
            "PrincipalId": self._who,
        }
        status = f"sso:DescribeAccountAssignment{'Creation' if verb == 'Create' else 'Deletion'}Status"
        reads = [ACCOUNT, PERMISSION_SET, ASSIGNMENTS]
        write = _planned(f"sso:{verb}AccountAssignment", self.own, self.role, given)
        after = [_planned(each, self.own, self.role) for each in (status, ASSIGNMENTS)]
        return [*(_planned(each, self.own, self.role) for each in reads), write, *after]


@dataclass
class DirectoryMembership:
    """A user of the directory in one of its groups."""

    access: IdentityCenterAccess
    command: AccessCommand
    identity_store: str
    own: str
    role: str | None

    at_once = True

    @property
    def place(self) -> Place:
        return Place(directory_memberships_scope(self.identity_store), "identity_center", None)

    async def look(self) -> Look:
        ends, look = await asyncio.gather(self._ends(), self.read())
        return look.refused(ends)

    async def send(self, wants: bool, look: Look) -> Sent:
        if wants:
            made = await self.access.create_membership(self._group, self._who)
            return Sent(made.request_id)
        assert look.handle is not None  # it is held, so the list named it
        return Sent(await self.access.delete_membership(look.handle))

    async def poll(self, request_id: str, wants: bool) -> Polled:
        """The directory writes at once."""
        raise AssertionError("nothing of the directory goes on by itself")

    def expected(self, wants: bool, look: Look) -> PartRead | None:
        return None

    async def adopt(self, wants: bool) -> str | None:
        return None

    @property
    def _group(self) -> str:
        return self.command.target.native_id

    @property
    def _who(self) -> str:
        return self.command.principal.native_id

    async def _ends(self) -> Reason | None:
        if await self.access.group(self._group) is None:
            return missing(self.command, self.command.target, GROUP)
        there = await self.access.user(self._who)
        return missing(self.command, self.command.principal, USER) if there is None else None

    async def read(self) -> Look:
        rows = await nothing_if_gone(self.access.memberships_of(self._who))
        user = self.command.principal
        relations = tuple(
            relation(
                RelationKind.MEMBER_OF, user, Ref(kind=Kind.IDENTITY_GROUP, native_id=row.group), membership_id=row.id
            )
            for row in rows
        )
        handle = next((row.id for row in rows if row.group == self._group), None)
        part = Part(RelationKind.MEMBER_OF, (user.kind, user.native_id))
        looked = seen(handle is not None, MEMBERSHIPS)
        return Look(looked, PartRead(part, relations), handle, self._plan(handle))

    def _plan(self, handle: str | None) -> list[PlannedCall]:
        given = {"GroupId": self._group, "MemberId": self._who}
        operation, parameters = "identitystore:CreateGroupMembership", given
        if self.command.verb() == "revoke":
            operation, parameters = "identitystore:DeleteGroupMembership", {"MembershipId": handle or "of the list"}
        reads = [GROUP, USER, MEMBERSHIPS]
        write = _planned(operation, self.own, self.role, parameters)
        return [
            *(_planned(each, self.own, self.role) for each in reads),
            write,
            _planned(reads[-1], self.own, self.role),
        ]


def _planned(operation: str, account: str, role: str | None, writes: dict[str, str] | None = None) -> PlannedCall:
    given = dict(writes or {})
    return PlannedCall(operation=operation, account=account, role=role, writes=writes is not None, parameters=given)


def _verb(wants: bool) -> Verb:
    return "grant" if wants else "revoke"


def _inactive(account: str, state: str) -> Reason:
    text = f"Account {account} is {state}, and AWS changes no assignments in it; next: reopen it, or wait for its end."
    return Reason(code="account_inactive", text=text)


_MANAGEMENT: Final = Reason(
    code="management_account",
    text=(
        "A delegated administrator cannot change assignments in the management account, nor a permission set that is "
        "provisioned there; next: give the connector a role of the management account. "
        "https://docs.aws.amazon.com/singlesignon/latest/userguide/delegated-admin.html"
    ),
)
