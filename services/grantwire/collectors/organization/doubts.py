"""Do Organizations' answers fit together? The list of all accounts and the walk down the tree check each other.

Pure.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from grantwire.collectors.kit.reading import Doubts
from grantwire.collectors.organization.answers import Answers, Tree


def of_organization(answers: Answers, own_account: str) -> Doubts:
    """Accounts without a place or with two, units that went while we read, an administrator nobody lists."""
    return frozenset(
        (
            *_unrooted(answers.tree),
            *_misplaced_units(answers.tree),
            *_misplaced_accounts(answers),
            *_unlisted(answers, own_account),
            *_administrators(answers, own_account),
        )
    )


def _unrooted(tree: Tree) -> Iterator[str]:
    if not tree.roots:
        yield "ListRoots names no root"
    yield from (f"{parent} is listed but gone" for parent in tree.gone)


def _misplaced_units(tree: Tree) -> Iterator[str]:
    for unit, parents in parents_of(tree.units).items():
        if len(parents) > 1:
            yield f"the unit {unit} is listed under {' and '.join(sorted(parents))}"


def _misplaced_accounts(answers: Answers) -> Iterator[str]:
    placed = parents_of(answers.tree.accounts)
    listed = {account.id for account in answers.accounts}
    yield from (f"the account {account} is listed but under no root or unit" for account in listed - placed.keys())
    for account, parents in placed.items():
        if account not in listed:
            yield f"the account {account} is under {min(parents)} but not in ListAccounts"
        if len(parents) > 1:
            yield f"the account {account} is listed under {' and '.join(sorted(parents))}"


def _unlisted(answers: Answers, own_account: str) -> Iterator[str]:
    """An answer without the very account that asked, or without the management account, is not all there is."""
    listed = {account.id for account in answers.accounts}
    for account in {own_account, answers.organization.management_account} - listed:
        yield f"the account {account} is of the organization but not in ListAccounts"


def _administrators(answers: Answers, own_account: str) -> Iterator[str]:
    if answers.services is None:
        return
    listed = {account.id for account in answers.accounts}
    for account, services in answers.services.items():
        if not services:
            yield f"the delegated administrator {account} administers nothing"
        if account not in listed:
            yield f"the delegated administrator {account} is not in ListAccounts"
    if own_account not in (answers.organization.management_account, *answers.services):
        yield f"the account {own_account} reads the organization but is no delegated administrator"


def parents_of(children: Mapping[str, Sequence[Any]]) -> dict[str, set[str]]:
    """The parents of each unit or account, by its id: one, where all is well."""
    found = defaultdict[str, set[str]](set)
    for parent, rows in children.items():
        for row in rows:
            found[row.id].add(parent)
    return dict(found)
