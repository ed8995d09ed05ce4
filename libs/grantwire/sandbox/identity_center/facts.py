"""The rows Identity Center is made of, and the change of one. Times as in `facts`. Standard library only.

A directory user is a `Person` and a directory group a `Team`, so that they are never taken for IAM's.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeAlias

from grantwire.sandbox.facts import Tags

ORGANIZATION, ACCOUNT, SEVERAL, NONE = "organization", "account", "several", "none"
KINDS = (ORGANIZATION, ACCOUNT, SEVERAL, NONE)
USER, GROUP = "USER", "GROUP"
ENABLED, DISABLED = "ENABLED", "DISABLED"


@dataclass(frozen=True, slots=True)
class Instance:
    """An instance and its identity store. `organized`: it has permission sets; an account's own instance has none."""

    arn: str
    store: str
    region: str
    owner: str
    created_at: int
    name: str | None = None
    organized: bool = True

    @property
    def key(self) -> str:
        return self.arn


@dataclass(frozen=True, slots=True)
class Email:
    """An address of a directory user; None is what the directory does not say."""

    value: str
    type: str | None = None
    primary: bool | None = None


@dataclass(frozen=True, slots=True)
class Person:
    """A user of a directory. `external_ids` are (issuer, id)."""

    store: str
    id: str
    user_name: str
    created_at: int | None = None
    updated_at: int | None = None
    display_name: str | None = None
    given_name: str | None = None
    family_name: str | None = None
    emails: tuple[Email, ...] = ()
    user_type: str | None = None
    title: str | None = None
    external_ids: tuple[tuple[str, str], ...] = ()
    status: str = ENABLED
    revision: int = 1

    @property
    def key(self) -> str:
        return self.id


@dataclass(frozen=True, slots=True)
class Team:
    """A group of a directory."""

    store: str
    id: str
    display_name: str
    description: str | None = None
    external_ids: tuple[tuple[str, str], ...] = ()
    created_at: int | None = None
    revision: int = 1

    @property
    def key(self) -> str:
        return self.id


@dataclass(frozen=True, slots=True)
class Placement:
    """A directory user's place in a directory group, which has an id of its own."""

    store: str
    id: str
    person: str
    team: str
    created_at: int | None = None

    @property
    def key(self) -> str:
        return self.id


@dataclass(frozen=True, slots=True)
class Reference:
    """A customer managed policy by name and path: in each account the one that is called so there."""

    name: str
    path: str = "/"


@dataclass(frozen=True, slots=True)
class PermissionSet:
    """A permission set. `managed` are ARNs of AWS's policies; `inline` is JSON text."""

    arn: str
    name: str
    created_at: int
    description: str | None = None
    session: str = "PT1H"
    relay_state: str | None = None
    tags: Tags = ()
    managed: tuple[str, ...] = ()
    customer: tuple[Reference, ...] = ()
    inline: str | None = None
    boundary: str | Reference | None = None

    @property
    def key(self) -> str:
        return self.arn


@dataclass(frozen=True, slots=True)
class Provisioned:
    """A permission set in one account, as a role there. `latest`: the role has what the set holds now."""

    account: str
    permission_set: str
    role_id: str
    latest: bool = True

    @property
    def key(self) -> tuple[str, str]:
        return self.account, self.permission_set


@dataclass(frozen=True, slots=True)
class Assignment:
    """A directory user or group that may use a permission set in one account. It outlives its principal."""

    account: str
    permission_set: str
    principal_type: str
    principal: str

    @property
    def key(self) -> tuple[str, str, str, str]:
        return self.account, self.permission_set, self.principal_type, self.principal


CenterRow: TypeAlias = Instance | Person | Team | Placement | PermissionSet | Provisioned | Assignment


@dataclass(frozen=True, slots=True)
class CenterChange:
    """The row is there now and is this; or it is gone."""

    row: CenterRow
    there: bool = True


@dataclass(frozen=True)
class DirectorySizes:
    """How many there are in all. `provisioned`: pairs of an account and a permission set. `largest`: the most members
    of a group, and users assigned in one pair; None for some that take several pages."""

    users: int = 40
    groups: int = 10
    permission_sets: int = 12
    provisioned: int = 30
    largest: int | None = None


@dataclass(frozen=True)
class CenterPlan:
    """Identity Center as it is at the start, and what names the providers of its roles."""

    kind: str
    region: str
    rows: tuple[CenterRow, ...]

    @property
    def instances(self) -> tuple[Instance, ...]:
        """Every instance, the organization's first."""
        return tuple(row for row in self.rows if isinstance(row, Instance))


def after(start: Iterable[CenterRow], journal: Iterable[CenterChange]) -> list[CenterRow]:
    """The rows that are there after the journal."""
    rows = {(type(row), row.key): row for row in start}
    for change in journal:
        place = type(change.row), change.row.key
        if change.there:
            rows[place] = change.row
        else:
            rows.pop(place, None)
    return list(rows.values())
