"""Reading all permission sets of an instance: six calls for each of them."""

from collections.abc import Awaitable, Callable, Collection
from typing import Final, Protocol, TypeVar

from grantwire.aws.identity_center import reader as names
from grantwire.aws.identity_center.shapes import Boundary, InlineDocument, PermissionSet, PolicyReference
from grantwire.collectors.identity_center import coverage, doubts
from grantwire.collectors.identity_center.answers import Details, Sets
from grantwire.collectors.identity_center.facts import facts_from_sets
from grantwire.collectors.kit.reading import Reading, unread
from grantwire.collectors.kit.settling import if_allowed, settled, together
from grantwire.contracts.failures import AwsCause, AwsError

T = TypeVar("T")
PLAN: Final = "details"


class PermissionSets(Protocol):
    """The reads of permission sets. Each is complete or raises ``AwsError``."""

    async def permission_sets(self) -> tuple[str, ...]: ...
    async def permission_set(self, arn: str) -> PermissionSet: ...
    async def managed_policies(self, arn: str) -> tuple[str, ...]: ...
    async def customer_policies(self, arn: str) -> tuple[PolicyReference, ...]: ...
    async def inline_policy(self, arn: str) -> InlineDocument | None: ...
    async def boundary(self, arn: str) -> Boundary | None: ...
    async def tags(self, arn: str) -> dict[str, str]: ...


class Absences(Protocol):
    """What becomes of rows that are not on a list any more."""

    async def of_sets(self, details: Collection[Details], denied: Collection[str]) -> None: ...


async def fetch_permission_sets(reader: PermissionSets, absences: Absences, account: str) -> Reading:
    """Every permission set with what it holds, as far as the permissions allow. Raises ``AwsError``."""
    opening = _Opening(reader)
    found = await settled(opening.read, doubts.of_sets, names.SETS, account)
    denied = dict(opening.denied)
    await absences.of_sets(found.details, denied)
    notes = [note for name, why in coverage.unread_of_sets(denied).items() for note in unread((name,), why)]
    return Reading(None, PLAN, lambda: facts_from_sets(found.details, denied), notes, coverage.of_sets(denied))


class _Opening:
    """Opens sets, each once: what was there in one reading is not asked about again in the next, which is due where a
    set went. An attribute that AWS denies of one set is not asked of the others: it is told of all or of none."""

    def __init__(self, reader: PermissionSets) -> None:
        self._reader = reader
        self._known: dict[str, Details] = {}
        self.denied: dict[str, str] = {}

    async def read(self) -> Sets:
        listed = await self._reader.permission_sets()
        opened = await together(self._open(arn) for arn in listed if arn not in self._known)
        gone = tuple(arn for arn in opened if arn is not None)
        return Sets(tuple(self._known[arn] for arn in listed if arn in self._known), gone)

    async def _open(self, arn: str) -> str | None:
        """None, or the ARN of a set that is gone."""
        try:
            self._known[arn] = await self._details(arn)
        except AwsError as error:
            if error.cause is not AwsCause.GONE:
                raise
            return arn
        return None

    async def _details(self, arn: str) -> Details:
        """The set itself comes last: a set that is there then was there before, when it had no boundary."""
        reader = self._reader
        managed = await self._of(coverage.MANAGED, reader.managed_policies, arn)
        customer = await self._of(coverage.CUSTOMER, reader.customer_policies, arn)
        inline = await self._of(coverage.INLINE, reader.inline_policy, arn)
        boundary = await self._of(coverage.BOUNDARY, reader.boundary, arn)
        tags = await self._of(coverage.TAGS, reader.tags, arn)
        found = await reader.permission_set(arn)
        return Details(
            set=found,
            managed=managed or (),
            customer=customer or (),
            inline=inline,
            boundary=boundary,
            tags=tags or {},
        )

    async def _of(self, name: str, read: Callable[[str], Awaitable[T]], arn: str) -> T | None:
        return None if name in self.denied else await if_allowed(read(arn), (name,), self.denied)
