"""The walk down an organization's tree: level by level, what is on one level at the same time.

The accounts of each root and unit are listed, rather than the parent of each account asked for: it takes a call for
each place instead of each account, and it shows accounts that a short list of all accounts lacks.
"""

from collections.abc import Coroutine, Iterable, Sequence
from typing import Any, Final, Protocol, TypeVar

from grantwire.aws.organizations.shapes import Account, Unit
from grantwire.collectors.kit.settling import side_by_side, together
from grantwire.collectors.organization.answers import Tree
from grantwire.contracts.failures import AwsCause, AwsError

R = TypeVar("R")
_TOGETHER: Final = 3  # calls at once of each of the two lists; others go on beside them


class Places(Protocol):
    """The reads that a walk is made of. Each is complete or raises ``AwsError``."""

    async def roots(self) -> tuple[Unit, ...]: ...
    async def units(self, parent: str) -> tuple[Unit, ...]: ...
    async def accounts_under(self, parent: str) -> tuple[Account, ...]: ...


async def fetch_tree(reader: Places) -> Tree:
    """Every root, unit and account in its place. Each place is opened once, however often it is listed. Raises
    ``AwsError``."""
    roots = await reader.roots()
    units: dict[str, Sequence[Unit]] = {}
    accounts: dict[str, Sequence[Account]] = {}
    gone: set[str] = set()
    level = [root.id for root in roots]
    while level:
        below, within = await side_by_side(
            _of_each(level, (reader.units(parent) for parent in level), gone),
            _of_each(level, (reader.accounts_under(parent) for parent in level), gone),
        )
        units |= below
        accounts |= within
        found = dict.fromkeys(unit.id for listed in below.values() for unit in listed)
        level = [unit for unit in found if unit not in units and unit not in gone]
    return Tree(roots, units, accounts, sorted(gone))


async def _of_each(
    parents: Sequence[str], reads: Iterable[Coroutine[Any, Any, tuple[R, ...]]], gone: set[str]
) -> dict[str, tuple[R, ...]]:
    answers = await together((_unless_gone(read) for read in reads), _TOGETHER)
    gone.update(parent for parent, answer in zip(parents, answers, strict=True) if answer is None)
    return {parent: answer for parent, answer in zip(parents, answers, strict=True) if answer is not None}


async def _unless_gone(read: Coroutine[Any, Any, R]) -> R | None:
    try:
        return await read
    except AwsError as error:
        if error.cause is not AwsCause.GONE:
            raise
        return None
