"""The rows an organization is made of, and the change of one. Times as in `facts`. Standard library only."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeAlias

from grantwire.sandbox.facts import Tags

ACTIVE, SUSPENDED, CLOSING = "ACTIVE", "SUSPENDED", "PENDING_CLOSURE"
STATES = ("PENDING_ACTIVATION", ACTIVE, SUSPENDED, CLOSING, "CLOSED")
# `Status` never had the two states that came with `State`: a closed account was called suspended, and of one that is
# not activated yet it says nothing.
STATUS_OF = {ACTIVE: ACTIVE, SUSPENDED: SUSPENDED, CLOSING: CLOSING, "CLOSED": SUSPENDED}
SHOWN = ("both", "state", "status", "none")  # which of `State` and `Status` AWS sends


@dataclass(frozen=True, slots=True)
class Organization:
    """The organization itself."""

    id: str
    management: str
    feature_set: str = "ALL"


@dataclass(frozen=True, slots=True)
class Unit:
    """The root (its parent is None) or an organizational unit."""

    id: str
    name: str
    parent: str | None
    tags: Tags = ()


@dataclass(frozen=True, slots=True)
class Account:
    """An account of the organization, under a root or unit."""

    id: str
    name: str
    email: str
    parent: str
    joined_method: str
    joined_at: int
    state: str = ACTIVE
    aliases: tuple[str, ...] = ()
    tags: Tags = ()


@dataclass(frozen=True, slots=True)
class Delegation:
    """A member account that may administer one service for the organization."""

    account: str
    service: str
    enabled_at: int

    @property
    def id(self) -> str:
        return f"{self.account} {self.service}"


Fact: TypeAlias = Organization | Unit | Account | Delegation


@dataclass(frozen=True, slots=True)
class Change:
    """The row is there now and is this; or it is gone."""

    row: Fact
    there: bool = True


def after(start: Iterable[Fact], journal: Iterable[Change]) -> list[Fact]:
    """The rows that are there after the journal."""
    rows = {(type(row), row.id): row for row in start}
    for change in journal:
        place = type(change.row), change.row.id
        if change.there:
            rows[place] = change.row
        else:
            rows.pop(place, None)
    return list(rows.values())


def status_shown(state: str, shown: str) -> dict[str, str]:
    """The members `State` and `Status` of an account, as far as AWS sends them."""
    state_part = {"State": state} if shown in ("both", "state") else {}
    return state_part | ({"Status": STATUS_OF[state]} if shown in ("both", "status") and state in STATUS_OF else {})
