"""Reading what is provisioned to one account, and who is assigned to each of it.

By account and pair, never by principal: see docs/decisions/0008-assignments-are-read-pair-by-pair.md.
"""

from contextlib import AbstractContextManager
from typing import Final, Protocol

from grantwire.aws.identity_center import reader as names
from grantwire.aws.identity_center.shapes import Assignment, ProvisioningStatus
from grantwire.collectors.identity_center import coverage, doubts
from grantwire.collectors.identity_center.answers import Principal, Provisioned
from grantwire.collectors.identity_center.facts import NOT_LATEST, facts_from_assignments
from grantwire.collectors.kit.reading import Reading
from grantwire.collectors.kit.settling import settled, side_by_side, together
from grantwire.contracts.failures import AwsCause, AwsError

PLAN: Final = "pairs"


class Assignments(Protocol):
    """The reads of one account's assignments. Each is complete or raises ``AwsError``."""

    async def provisioned_sets(self, account: str, status: ProvisioningStatus | None = None) -> tuple[str, ...]: ...
    async def assignments(self, account: str, arn: str) -> tuple[Assignment, ...]: ...


class Census(Protocol):
    """Who of a directory is no more. While ``naming`` is entered, a reading still finds principals to ask about."""

    def naming(self) -> AbstractContextManager[None]: ...
    async def deleted(self, principals: frozenset[Principal]) -> frozenset[Principal]: ...


class Absences(Protocol):
    """What becomes of rows that are not on a list any more."""

    async def of_assignments(self, account: str, found: Provisioned) -> None: ...


async def fetch_assignments(reader: Assignments, census: Census, absences: Absences, account: str) -> Reading:
    """What is provisioned to the account and who is assigned. Raises ``AwsError``."""
    pairs = _Pairs(reader, account)
    with census.naming():
        found = await settled(pairs.read, doubts.of_provisioned, names.PROVISIONED, account)
        await absences.of_assignments(account, found)
    deleted = await census.deleted(found.principals)
    return Reading(
        account, PLAN, lambda: facts_from_assignments(account, found, deleted), [], list(coverage.ASSIGNMENTS)
    )


class _Pairs:
    """Asks about pairs, each once: what was there in one reading is not asked about again in the next, which is due
    where a set went."""

    def __init__(self, reader: Assignments, account: str) -> None:
        self._reader = reader
        self._account = account
        self._known: dict[str, tuple[Assignment, ...]] = {}

    async def read(self) -> Provisioned:
        """Two calls and one for each pair. Where nothing is provisioned, nothing is behind either."""
        sets = await self._reader.provisioned_sets(self._account)
        if not sets:
            return Provisioned((), frozenset(), {})
        behind, gone = await side_by_side(
            self._reader.provisioned_sets(self._account, NOT_LATEST),
            together(self._ask(arn) for arn in sets if arn not in self._known),
        )
        assigned = {arn: self._known[arn] for arn in sets if arn in self._known}
        return Provisioned(sets, frozenset(behind), assigned, tuple(arn for arn in gone if arn is not None))

    async def _ask(self, arn: str) -> str | None:
        """None, or the ARN of a set that is gone."""
        try:
            self._known[arn] = await self._reader.assignments(self._account, arn)
        except AwsError as error:
            if error.cause is not AwsCause.GONE:
                raise
            return arn
        return None
