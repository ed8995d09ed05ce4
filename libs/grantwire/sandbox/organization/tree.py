"""The organization as it is now: rows changed by `apply` and by nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from grantwire.sandbox.history import History
from grantwire.sandbox.organization.facts import (
    ACTIVE,
    CLOSING,
    Account,
    Change,
    Delegation,
    Fact,
    Organization,
    Unit,
    after,
)


class Tree:
    """Organization, units, accounts and delegations. `journal` holds every change since the start."""

    def __init__(self, partition: str, start: Iterable[Fact], history: History | None = None) -> None:
        self.partition, self.start = partition, tuple(start)
        self.journal: list[Change] = []
        self.history = history or History()  # of each change
        self._take(self.start)

    def _take(self, rows: Iterable[Fact]) -> None:
        held = list(rows)
        self.organization = next(row for row in held if isinstance(row, Organization))
        self.units = {row.id: row for row in held if isinstance(row, Unit)}
        self.accounts = {row.id: row for row in held if isinstance(row, Account)}
        self.delegations = [row for row in held if isinstance(row, Delegation)]

    def facts(self) -> list[Fact]:
        """Every row there is now."""
        return [self.organization, *self.units.values(), *self.accounts.values(), *self.delegations]

    def apply(self, *changes: Change) -> None:
        """Carry out one write, recorded in the journal."""
        for _ in changes:
            self.history.mark()
        self.journal += changes
        self._take(after(self.facts(), changes))

    def as_of(self, changes_back: int) -> Tree:
        """The organization before the last changes, replayed from its start."""
        until = max(0, len(self.journal) - changes_back)
        return Tree(self.partition, after(self.start, self.journal[:until]))

    # Who is who ------------------------------------------------------------------------------------------------------

    @property
    def root(self) -> Unit:
        """The root."""
        return next(unit for unit in self.units.values() if unit.parent is None)

    @property
    def management(self) -> str:
        """The number of the management account."""
        return self.organization.management

    def may_administer(self, account: str) -> bool:
        """Whether an account may read the organization: the management account or a delegated administrator."""
        return account == self.management or any(each.account == account for each in self.delegations)

    def is_closed(self, account: str) -> bool:
        """Whether nobody can enter an account: it belongs here and is not active."""
        found = self.accounts.get(account)
        return found is not None and found.state != ACTIVE

    def units_under(self, parent: str) -> list[Unit]:
        """The units directly under a root or unit."""
        return [unit for unit in self.units.values() if unit.parent == parent]

    def accounts_under(self, parent: str) -> list[Account]:
        """The accounts directly under a root or unit."""
        return [account for account in self.accounts.values() if account.parent == parent]

    def parent_of(self, child: str) -> Unit | None:
        """What an account or unit is under."""
        found = self.accounts.get(child) or self.units.get(child)
        return self.units.get(found.parent) if found is not None and found.parent is not None else None

    def arn(self, native_id: str) -> str | None:
        """The ARN of an account, unit or root."""
        unit = self.units.get(native_id)
        if unit is None and native_id not in self.accounts:
            return None
        word = "account" if unit is None else "root" if unit.parent is None else "ou"
        return self.spelled(f"{word}/{self.organization.id}/{native_id}")

    def spelled(self, what: str) -> str:
        """An ARN of Organizations: all of them are the management account's."""
        return f"arn:{self.partition}:organizations::{self.management}:{what}"

    # Changes ---------------------------------------------------------------------------------------------------------

    def move(self, account: str, parent: str) -> None:
        """Another parent for an account. Raises `KeyError`."""
        self.apply(Change(replace(self.accounts[account], parent=self.units[parent].id)))

    def set_state(self, account: str, state: str) -> None:
        """Another state for an account. Raises `KeyError`."""
        self.apply(Change(replace(self.accounts[account], state=state)))

    def close(self, account: str) -> None:
        """What CloseAccount begins."""
        self.set_state(account, CLOSING)

    def leave(self, account: str) -> None:
        """The account is no longer here, and administers nothing. Raises `KeyError`."""
        self.apply(*self._going(account))

    def _going(self, account: str) -> Iterator[Change]:
        yield from (Change(each, there=False) for each in self.delegations if each.account == account)
        yield Change(self.accounts[account], there=False)

    def join(self, account: Account) -> None:
        """The account is here."""
        self.apply(Change(account))
