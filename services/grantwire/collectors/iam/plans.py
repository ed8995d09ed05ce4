"""Reading one account's IAM by the best plan that its permissions allow.

Bulk first; the minimum where AWS denies ``iam:GetAccountAuthorizationDetails``. Answers that do not fit together are
read once more, all of them; what still does not fit in the same way is an error, never a guess.
"""

from dataclasses import dataclass
from typing import Protocol

from grantwire.aws import errors
from grantwire.aws.iam import reader as names
from grantwire.aws.iam.shapes import AccountDetails, GroupMembers, ListedGroup, ListedRole, ListedUser
from grantwire.collectors.iam import coverage, doubts
from grantwire.collectors.iam.answers import BulkAnswers, MinimumAnswers
from grantwire.collectors.iam.facts import facts_from_bulk, facts_from_minimum
from grantwire.collectors.iam.groups import fetch_members
from grantwire.collectors.kit.reading import Reading, unread
from grantwire.collectors.kit.settling import if_allowed, settled, side_by_side
from grantwire.contracts.failures import AwsError
from grantwire.contracts.snapshots import Unread


class Reader(Protocol):
    """The reads of one account that plans are made of. Each is complete or raises ``AwsError``."""

    async def account_details(self) -> AccountDetails: ...
    async def account_aliases(self) -> tuple[str, ...]: ...
    async def users(self) -> tuple[ListedUser, ...]: ...
    async def groups(self) -> tuple[ListedGroup, ...]: ...
    async def roles(self) -> tuple[ListedRole, ...]: ...
    async def members(self, group_name: str) -> GroupMembers: ...


@dataclass(frozen=True, slots=True)
class Subject:
    """Whose IAM is read: the account, the user or role that reads it if IAM must list it, and the accounts of the
    organization that the account is in, if the connector reads one."""

    account: str
    own_name: str | None = None
    inside: frozenset[str] | None = None

    @property
    def organized(self) -> bool:
        return self.inside is not None


async def fetch_iam(reader: Reader, subject: Subject) -> Reading:
    """All of the account's IAM that the permissions allow. Raises ``AwsError``."""
    try:
        return await _bulk(reader, subject)
    except AwsError as error:
        if error.operation != names.DETAILS or not errors.lacks_permission(error):
            raise
        return await _minimum(reader, subject, str(error))


async def _bulk(reader: Reader, subject: Subject) -> Reading:
    denied: dict[str, str] = {}

    async def read() -> BulkAnswers:
        denied.clear()
        return await _bulk_answers(reader, subject, denied)

    answers = await settled(read, lambda found: doubts.of_bulk(found, subject.own_name), names.DETAILS, subject.account)
    if untold := doubts.unseen_groups(answers):
        raise errors.inconsistent(names.DETAILS, untold[0], account=subject.account)
    notes = coverage.unread_in_bulk() + [Unread(what=what, why=why) for what, why in denied.items()]
    notes += _just_created(answers)
    covers = [*coverage.COVERS["bulk"], *([coverage.FACETS] if answers.aliases is not None else [])]
    inside = subject.inside or frozenset()
    return Reading(subject.account, "bulk", lambda: facts_from_bulk(subject.account, answers, inside), notes, covers)


async def _bulk_answers(reader: Reader, subject: Subject, denied: dict[str, str]) -> BulkAnswers:
    """The details come first: without them there is nothing to compare the sweeps with, and another plan is due."""
    details = await reader.account_details()
    users, roles, aliases = await side_by_side(
        if_allowed(reader.users(), coverage.USER_SWEEP, denied),
        if_allowed(reader.roles(), coverage.ROLE_SWEEP, denied),
        _aliases(reader, subject, denied),
    )
    return BulkAnswers(details, users, roles, aliases)


async def _aliases(reader: Reader, subject: Subject, denied: dict[str, str]) -> tuple[str, ...] | None:
    if not subject.organized:
        return None
    return await if_allowed(reader.account_aliases(), coverage.ALIASES, denied)


async def _minimum(reader: Reader, subject: Subject, why: str) -> Reading:
    account = subject.account

    async def read() -> MinimumAnswers:
        users, groups, roles = await reader.users(), await reader.groups(), await reader.roles()
        found = await fetch_members(reader, groups)
        return MinimumAnswers(users, groups, roles, found.members, len(found.denied), found.gone, found.reason)

    answers = await settled(read, lambda found: doubts.of_minimum(found, subject.own_name), names.MEMBERS, account)
    if answers.gone:
        raise errors.inconsistent(names.MEMBERS, f"the group {answers.gone[0]} is listed but gone", account=account)
    notes, covers = coverage.unread_in_minimum(why, organized=subject.organized), list(coverage.COVERS["minimum"])
    if answers.closed:
        covers.remove(coverage.MEMBERSHIPS)
        notes += unread((coverage.MEMBERSHIPS,), f"{answers.closed} groups were not opened: {answers.reason}")
    inside = subject.inside or frozenset()
    return Reading(account, "minimum", lambda: facts_from_minimum(account, answers, inside), notes, covers)


def _just_created(answers: BulkAnswers) -> list[Unread]:
    """A user or role that came into being between two calls is kept, without what only the other call would tell."""
    details = answers.details
    pairs = ((details.users, answers.users, coverage.USER_SWEEP), (details.roles, answers.roles, coverage.ROLE_SWEEP))
    return [
        note
        for known, sweep, attributes in pairs
        if (new := doubts.missed(known, sweep))
        for note in unread(attributes, f"{new[0].arn} changed while the account was read; the next sync has it.")
    ]
