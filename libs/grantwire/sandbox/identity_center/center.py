"""Identity Center as it is now: rows changed by `apply` and by nothing else."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import TypeVar

from grantwire.sandbox.history import History
from grantwire.sandbox.identity_center.directory import Directory
from grantwire.sandbox.identity_center.facts import (
    Assignment,
    CenterChange,
    CenterRow,
    Instance,
    PermissionSet,
    Person,
    Placement,
    Provisioned,
    Team,
    after,
)
from grantwire.sandbox.paging import Sorted

Pair = tuple[str, str]  # account, permission set
Key = TypeVar("Key")
Value = TypeVar("Value")


class Center:
    """Instances, directories, permission sets, and what is provisioned and assigned where.

    `journal` holds every change since the start, `marks` its length before each write. `shows_status`: whether AWS
    says if a directory user is enabled.
    """

    def __init__(self, partition: str, start: Iterable[CenterRow], history: History | None = None) -> None:
        self.partition, self.start = partition, tuple(start)
        self.journal: list[CenterChange] = []
        self.marks: list[int] = []
        self.history = history or History()
        self.shows_status = True
        self._past: tuple[tuple[int, int], Center] | None = None
        self.instances: dict[str, Instance] = {}
        self.directories: dict[str, Directory] = {}
        self.sets: Sorted[PermissionSet] = Sorted()
        self.provisioned: dict[str, dict[str, Provisioned]] = defaultdict(dict)  # by account, by set
        self.accounts_of: dict[str, dict[str, Provisioned]] = defaultdict(dict)  # by set, by account
        self.assigned: dict[Pair, dict[tuple[str, str], Assignment]] = defaultdict(dict)
        self.assigned_to: dict[tuple[str, str], dict[Pair, Assignment]] = defaultdict(dict)
        for row in self.start:
            self._take(row, True)

    def facts(self) -> list[CenterRow]:
        """Every row there is now."""
        return after(self.start, self.journal)

    def apply(self, *changes: CenterChange) -> None:
        """Carry out one write, recorded in the journal."""
        self.marks.append(len(self.journal))
        self.history.mark()
        for change in changes:
            self.journal.append(change)
            self._take(change.row, change.there)

    def put(self, *rows: CenterRow) -> None:
        """These rows are there now."""
        self.apply(*(CenterChange(row) for row in rows))

    def drop(self, *rows: CenterRow) -> None:
        """These rows are gone."""
        self.apply(*(CenterChange(row, there=False) for row in rows))

    def _take(self, row: CenterRow, there: bool) -> None:
        match row:
            case Instance():
                self.instances[row.arn] = row
                self.directories.setdefault(row.store, Directory(row))
            case Person() | Team() | Placement():
                self.directories[row.store].take(row, there)
            case PermissionSet():
                self.sets.put(row.arn, row.arn, row) if there else self.sets.drop(row.arn)
            case Provisioned():
                _set(self.provisioned[row.account], row.permission_set, row, there)
                _set(self.accounts_of[row.permission_set], row.account, row, there)
            case Assignment():
                pair, principal = (row.account, row.permission_set), (row.principal_type, row.principal)
                _set(self.assigned[pair], principal, row, there)
                _set(self.assigned_to[principal], pair, row, there)

    def as_of(self, writes_back: int) -> Center:
        """Identity Center before the last writes, replayed from its start."""
        marks = self.marks[-writes_back:] if writes_back else [len(self.journal)]
        until = marks[0] if marks else 0
        key = writes_back, len(self.journal)
        if self._past is None or self._past[0] != key:
            past = Center(self.partition, after(self.start, self.journal[:until]))
            past.shows_status = self.shows_status
            self._past = key, past
        return self._past[1]

    # Who is who ------------------------------------------------------------------------------------------------------

    @property
    def organized(self) -> Instance | None:
        """The organization's instance."""
        return next((each for each in self.instances.values() if each.organized), None)

    def instance_of(self, permission_set: str) -> Instance | None:
        """The instance that a permission set belongs to, by its ARN."""
        number = permission_set.split("/")[1] if permission_set.count("/") > 1 else ""
        return next((each for each in self.instances.values() if each.arn.endswith(f"/{number}")), None)

    def named(self, name: str) -> PermissionSet | None:
        """The permission set of that name."""
        return next((row for row in self.sets.rows() if row.name == name), None)

    def has_principal(self, store: str, principal_type: str, principal: str) -> bool:
        """Whether a directory has that user or group."""
        directory = self.directories[store]
        table: Sorted[Person] | Sorted[Team] = directory.people if principal_type == "USER" else directory.teams
        return table.get(principal) is not None


def _set(table: dict[Key, Value], key: Key, value: Value, there: bool) -> None:
    if there:
        table[key] = value
    else:
        table.pop(key, None)
