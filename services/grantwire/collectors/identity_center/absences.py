"""What the graph has and a new list lacks is asked for by another call, a few of it, before its absence is believed.

A list of Identity Center stands alone: no other answer of the same reading would contradict one that was cut short.
"""

from collections.abc import Awaitable, Callable, Collection, Iterable
from typing import Final, Protocol, TypeVar

from grantwire.aws import errors
from grantwire.aws.identity_center import directory as store
from grantwire.aws.identity_center import reader as sso
from grantwire.aws.identity_center.shapes import (
    Assignment,
    InlineDocument,
    Membership,
    PermissionSet,
    PrincipalType,
)
from grantwire.collectors.identity_center import coverage
from grantwire.collectors.identity_center.answers import Details, Provisioned
from grantwire.collectors.identity_center.facts import INLINE, pair_id
from grantwire.collectors.identity_center.plans import MembershipPlan
from grantwire.collectors.kit.settling import together
from grantwire.contracts.failures import AwsCause, AwsError
from grantwire.contracts.resources import Kind, RelationKind
from grantwire.graph.lacking import Ends

T = TypeVar("T")
MOST: Final = 3  # asked for of each kind
_TYPES: Final[dict[Kind, PrincipalType]] = {Kind.IDENTITY_USER: "USER", Kind.IDENTITY_GROUP: "GROUP"}


class Stored(Protocol):
    """What the graph holds of the scope that is read."""

    async def resources(self, kind: Kind, present: Collection[str], most: int) -> list[str]: ...
    async def relations(self, kind: RelationKind, present: Collection[tuple[str, str]], most: int) -> list[Ends]: ...


class Directory(Protocol):
    """Other calls of the directory."""

    async def exists(self, type_: PrincipalType, principal: str) -> bool: ...
    async def members(self, group: str) -> tuple[Membership, ...]: ...
    async def memberships_of(self, user: str) -> tuple[Membership, ...]: ...


class PermissionSets(Protocol):
    """Other calls about permission sets."""

    async def permission_set(self, arn: str) -> PermissionSet: ...
    async def managed_policies(self, arn: str) -> tuple[str, ...]: ...
    async def inline_policy(self, arn: str) -> InlineDocument | None: ...
    async def accounts_of(self, arn: str) -> tuple[str, ...]: ...
    async def assignments(self, account: str, arn: str) -> tuple[Assignment, ...]: ...
    async def assignments_of(self, type_: PrincipalType, principal: str, account: str) -> tuple[str, ...]: ...


class Absences:
    """Each raises ``AwsError`` (transient) where a list lacks what is still there. Where AWS denies the other call,
    the list is believed: it was whole by its own account."""

    def __init__(self, stored: Stored, directory: Directory, sets: PermissionSets, account: str) -> None:
        self._stored = stored
        self._directory = directory
        self._sets = sets
        self._account = account

    async def of_users(self, ids: Collection[str]) -> None:
        """``ids`` are those of all users."""
        missing = await self._stored.resources(Kind.IDENTITY_USER, ids, MOST)
        await self._confirm(store.USERS, missing, lambda id: self._directory.exists("USER", id))

    async def of_groups(self, ids: Collection[str]) -> None:
        """``ids`` are those of all groups."""
        missing = await self._stored.resources(Kind.IDENTITY_GROUP, ids, MOST)
        await self._confirm(store.GROUPS, missing, lambda id: self._directory.exists("GROUP", id))

    async def of_memberships(self, rows: Iterable[Membership], plan: MembershipPlan) -> None:
        """``rows`` are all memberships, read by that plan: those that went are asked for from the other side."""
        present = {(row.user, row.group) for row in rows}
        missing = await self._stored.relations(RelationKind.MEMBER_OF, present, MOST)
        operation = store.MEMBERSHIPS if plan == "by_group" else store.MEMBERSHIPS_OF
        await self._confirm(operation, missing, self._is_in_group if plan == "by_group" else self._has_member)

    async def of_sets(self, details: Collection[Details], denied: Collection[str]) -> None:
        """``details`` are all permission sets, without the attributes that AWS ``denied``."""
        missing = await self._stored.resources(Kind.PERMISSION_SET, [each.set.arn for each in details], MOST)
        await self._confirm(sso.SETS, missing, self._is_set)
        if RelationKind.ATTACHED.value not in coverage.of_sets(denied):
            return
        present = {(policy, each.set.arn) for each in details for policy in _policies(each)}
        attached = await self._stored.relations(RelationKind.ATTACHED, present, MOST)
        await self._confirm(sso.MANAGED, attached, self._is_attached)

    async def of_assignments(self, account: str, found: Provisioned) -> None:
        """``found`` is all that is provisioned to the account, and all who are assigned."""
        pairs = [pair_id(account, arn) for arn in found.sets]
        missing = await self._stored.resources(Kind.PROVISIONED_PERMISSION_SET, pairs, MOST)
        await self._confirm(sso.PROVISIONED, missing, self._is_provisioned)
        present = {(row.principal, pair_id(account, arn)) for arn, rows in found.assigned.items() for row in rows}
        assigned = await self._stored.relations(RelationKind.ASSIGNED, present, MOST)
        deserted = {pair_id(account, arn) for arn in found.sets if not found.assigned.get(arn)}
        await self._confirm(sso.ASSIGNMENTS, assigned, lambda ends: self._is_assigned(ends, deserted))

    async def _confirm(self, operation: str, missing: Iterable[T], there: Callable[[T], Awaitable[bool]]) -> None:
        asked = list(missing)
        for each, found in zip(asked, await together(_unless_denied(there(each)) for each in asked), strict=True):
            if found:
                what = each.source if isinstance(each, Ends) else each
                raise errors.inconsistent(operation, f"it lacks {what}, which is still there", account=self._account)

    async def _is_in_group(self, ends: Ends) -> bool:
        return any(row.group == ends.target for row in await self._directory.memberships_of(ends.source))

    async def _has_member(self, ends: Ends) -> bool:
        return any(row.user == ends.source for row in await self._directory.members(ends.target))

    async def _is_set(self, arn: str) -> bool:
        return (await self._sets.permission_set(arn)).arn == arn

    async def _is_attached(self, ends: Ends) -> bool:
        if ends.source_kind is Kind.INLINE_POLICY:
            return await self._sets.inline_policy(ends.target) is not None
        return ends.source in await self._sets.managed_policies(ends.target)

    async def _is_provisioned(self, pair: str) -> bool:
        account, _, arn = pair.partition("/")
        try:
            return account in await self._sets.accounts_of(arn)
        except AwsError as error:
            if not errors.lacks_permission(error):
                raise
        return bool(await self._sets.assignments(account, arn))

    async def _is_assigned(self, ends: Ends, deserted: Collection[str]) -> bool:
        """Only the management account may ask for a principal's assignments. Anybody knows this much: AWS takes a set
        back with the last assignment to it, so where it is still provisioned, not everybody can have gone.

        https://docs.aws.amazon.com/singlesignon/latest/userguide/howtoremoveaccess.html
        """
        account, _, arn = ends.target.partition("/")
        type_ = _TYPES.get(ends.source_kind)
        try:
            return type_ is not None and arn in await self._sets.assignments_of(type_, ends.source, account)
        except AwsError as error:
            if not errors.lacks_permission(error):
                raise
        return ends.target in deserted


def _policies(details: Details) -> tuple[str, ...]:
    inline = (f"{details.set.arn}#{INLINE}",) if details.inline is not None else ()
    return (*details.managed, *inline)


async def _unless_denied(read: Awaitable[bool]) -> bool:
    """False where it is gone, and where AWS lets nobody look."""
    try:
        return await read
    except AwsError as error:
        if error.cause is not AwsCause.GONE and not errors.lacks_permission(error):
            raise
        return False
