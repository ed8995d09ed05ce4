"""Reading a directory: its users, its groups, or who is in which group."""

from collections.abc import Awaitable, Callable, Collection, Iterable
from typing import Final, Protocol

from grantwire.aws.errors import lacks_permission
from grantwire.aws.identity_center import directory as names
from grantwire.aws.identity_center.shapes import Group, Membership, User
from grantwire.collectors.identity_center import coverage, doubts, facts
from grantwire.collectors.identity_center.answers import Memberships
from grantwire.collectors.identity_center.plans import MembershipPlan
from grantwire.collectors.kit.reading import Reading
from grantwire.collectors.kit.settling import settled, together
from grantwire.contracts.failures import AwsCause, AwsError

LIST: Final = "list"  # the plan of what one call lists

MembershipsOf = Callable[[str], Awaitable[tuple[Membership, ...]]]


class Directory(Protocol):
    """The reads that memberships are made of. Each is complete or raises ``AwsError``."""

    async def user_ids(self) -> list[str]: ...
    async def group_ids(self) -> list[str]: ...
    async def members(self, group: str) -> tuple[Membership, ...]: ...
    async def memberships_of(self, user: str) -> tuple[Membership, ...]: ...


class Lists(Protocol):
    """Lists that the rest of the run learns from too."""

    async def users(self) -> tuple[User, ...]: ...
    async def groups(self) -> tuple[Group, ...]: ...


class Absences(Protocol):
    """What becomes of rows that are not on a list any more."""

    async def of_users(self, ids: Collection[str]) -> None: ...
    async def of_groups(self, ids: Collection[str]) -> None: ...
    async def of_memberships(self, rows: Iterable[Membership], plan: MembershipPlan) -> None: ...


async def fetch_users(lists: Lists, absences: Absences) -> Reading:
    """Every user. Raises ``AwsError``."""
    found = await lists.users()
    await absences.of_users([each.id for each in found])
    return Reading(None, LIST, lambda: facts.facts_from_users(found), [], list(coverage.USERS))


async def fetch_groups(lists: Lists, absences: Absences) -> Reading:
    """Every group. Raises ``AwsError``."""
    found = await lists.groups()
    await absences.of_groups([each.id for each in found])
    return Reading(None, LIST, lambda: facts.facts_from_groups(found), [], list(coverage.GROUPS))


async def fetch_memberships(reader: Directory, absences: Absences, plan: MembershipPlan, account: str) -> Reading:
    """Who is in which group, by the given plan; by group where AWS denies what the other takes. Raises ``AwsError``."""
    try:
        found = await _memberships(reader, plan, account)
    except AwsError as error:
        if plan == "by_group" or error.operation != names.MEMBERSHIPS_OF or not lacks_permission(error):
            raise
        plan = "by_group"
        found = await _memberships(reader, plan, account)
    await absences.of_memberships(found.rows, plan)
    return Reading(None, plan, lambda: facts.facts_from_memberships(found.rows), [], list(coverage.MEMBERSHIPS))


async def _memberships(reader: Directory, plan: MembershipPlan, account: str) -> Memberships:
    """What was there in one reading is not asked about again in the next, which is due where something went."""
    known: dict[str, tuple[Membership, ...]] = {}

    async def read() -> Memberships:
        ids = await (reader.group_ids() if plan == "by_group" else reader.user_ids())
        ask = reader.members if plan == "by_group" else reader.memberships_of
        gone = await _ask_each([each for each in ids if each not in known], ask, known)
        return Memberships(tuple(row for each in ids for row in known.get(each, ())), gone)

    operation = names.MEMBERSHIPS if plan == "by_group" else names.MEMBERSHIPS_OF
    return await settled(read, doubts.of_memberships, operation, account)


async def _ask_each(
    ids: Iterable[str], ask: MembershipsOf, known: dict[str, tuple[Membership, ...]]
) -> tuple[str, ...]:
    """Fill in what each has; returns those that are gone."""

    async def one(id: str) -> str | None:
        try:
            known[id] = await ask(id)
        except AwsError as error:
            if error.cause is not AwsCause.GONE:
                raise
            return id
        return None

    return tuple(id for id in await together(one(id) for id in ids) if id is not None)
