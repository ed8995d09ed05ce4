"""Reading one account's IAM by the best plan that its permissions allow.

Bulk first; the minimum where AWS denies ``iam:GetAccountAuthorizationDetails``. Answers that do not fit together are
read once more, all of them; what still does not fit in the same way is an error, never a guess.
"""

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Protocol, TypeVar

from grantwire.aws import errors
from grantwire.aws.iam import reader as names
from grantwire.aws.iam.shapes import AccountDetails, GroupMembers, ListedGroup, ListedRole, ListedUser
from grantwire.collectors.iam import coverage, doubts
from grantwire.collectors.iam.answers import BulkAnswers, MinimumAnswers
from grantwire.collectors.iam.coverage import Plan
from grantwire.collectors.iam.facts import facts_from_bulk, facts_from_minimum
from grantwire.collectors.iam.groups import fetch_members
from grantwire.contracts.failures import AwsError
from grantwire.contracts.resources import Facts
from grantwire.contracts.snapshots import Unread

A = TypeVar("A", BulkAnswers, MinimumAnswers)
T = TypeVar("T")


class Reader(Protocol):
    """The reads of one account that plans are made of. Each is complete or raises ``AwsError``."""

    async def account_details(self) -> AccountDetails: ...
    async def users(self) -> tuple[ListedUser, ...]: ...
    async def groups(self) -> tuple[ListedGroup, ...]: ...
    async def roles(self) -> tuple[ListedRole, ...]: ...
    async def members(self, group_name: str) -> GroupMembers: ...


@dataclass(frozen=True, slots=True)
class Reading:
    """A complete reading, by plan. ``facts`` is a pure function of the answers and runs when it is called."""

    plan: Plan
    facts: Callable[[], Facts]
    unread: list[Unread]
    covers: list[str]


async def fetch_iam(reader: Reader, account: str, caller_arn: str) -> Reading:
    """All of the account's IAM that the permissions allow. Raises ``AwsError``."""
    own_name = doubts.own_name(caller_arn)
    try:
        return await _bulk(reader, account, own_name)
    except AwsError as error:
        if error.operation != names.DETAILS or not errors.lacks_permission(error):
            raise
        return await _minimum(reader, account, own_name, str(error))


async def _bulk(reader: Reader, account: str, own_name: str | None) -> Reading:
    denied: dict[str, str] = {}

    async def read() -> BulkAnswers:
        denied.clear()
        details = await reader.account_details()
        users = await _if_allowed(reader.users(), coverage.USER_SWEEP, denied)
        roles = await _if_allowed(reader.roles(), coverage.ROLE_SWEEP, denied)
        return BulkAnswers(details, users, roles)

    answers = await _settled(read, lambda found: doubts.of_bulk(found, own_name), names.DETAILS, account)
    if untold := doubts.unseen_groups(answers):
        raise errors.inconsistent(names.DETAILS, untold[0], account=account)
    unread = coverage.unread_in_bulk() + [Unread(what=what, why=why) for what, why in denied.items()]
    unread += _just_created(answers)
    return Reading("bulk", lambda: facts_from_bulk(account, answers), unread, list(coverage.COVERS["bulk"]))


async def _minimum(reader: Reader, account: str, own_name: str | None, why: str) -> Reading:
    async def read() -> MinimumAnswers:
        users, groups, roles = await reader.users(), await reader.groups(), await reader.roles()
        found = await fetch_members(reader, groups)
        return MinimumAnswers(users, groups, roles, found.members, len(found.denied), found.gone, found.reason)

    answers = await _settled(read, lambda found: doubts.of_minimum(found, own_name), names.MEMBERS, account)
    if answers.gone:
        raise errors.inconsistent(names.MEMBERS, f"the group {answers.gone[0]} is listed but gone", account=account)
    unread, covers = coverage.unread_in_minimum(why), list(coverage.COVERS["minimum"])
    if answers.closed:
        covers.remove(coverage.MEMBERSHIPS)
        unread += coverage.unread((coverage.MEMBERSHIPS,), f"{answers.closed} groups were not opened: {answers.reason}")
    return Reading("minimum", lambda: facts_from_minimum(account, answers), unread, covers)


async def _settled(
    read: Callable[[], Awaitable[A]], doubts_of: Callable[[A], doubts.Doubts], operation: str, account: str
) -> A:
    """The answers, read again once if they do not fit. Raises ``AwsError`` (transient) for a doubt that stays."""
    answers = await read()
    before = doubts_of(answers)
    if not before:
        return answers
    answers = await read()
    if lasting := before & doubts_of(answers):
        raise errors.inconsistent(operation, min(lasting), account=account)
    return answers


async def _if_allowed(read: Awaitable[T], attributes: Iterable[str], denied: dict[str, str]) -> T | None:
    """The answer, or None where AWS denies it: then these attributes are unread, and why."""
    try:
        return await read
    except AwsError as error:
        if not errors.lacks_permission(error):
            raise
        denied.update(dict.fromkeys(attributes, str(error)))
        return None


def _just_created(answers: BulkAnswers) -> list[Unread]:
    """A user or role that came into being between two calls is kept, without what only the other call would tell."""
    details = answers.details
    pairs = ((details.users, answers.users, coverage.USER_SWEEP), (details.roles, answers.roles, coverage.ROLE_SWEEP))
    return [
        note
        for known, sweep, attributes in pairs
        if (new := doubts.missed(known, sweep))
        for note in coverage.unread(
            attributes, f"{new[0].arn} changed while the account was read; the next sync has it."
        )
    ]
