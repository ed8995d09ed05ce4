"""What one reading of a scope of Identity Center brought, before it becomes facts. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from grantwire.aws.identity_center.shapes import (
    Assignment,
    Boundary,
    InlineDocument,
    Membership,
    PermissionSet,
    PolicyReference,
    PrincipalType,
)


class Principal(NamedTuple):
    """A user or group that somebody is assigned as."""

    type: PrincipalType
    id: str


@dataclass(frozen=True, slots=True)
class Memberships:
    """Who is in which group. ``gone`` are groups or users that were listed, and were no longer there when their
    memberships were asked for."""

    rows: tuple[Membership, ...]
    gone: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Details:
    """A permission set and what it holds. What AWS denied is missing from ``held``; see the names in ``coverage``."""

    set: PermissionSet
    managed: tuple[str, ...] = ()
    customer: tuple[PolicyReference, ...] = ()
    inline: InlineDocument | None = None
    boundary: Boundary | None = None
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Sets:
    """All permission sets. ``gone`` were listed, and were no longer there when they were opened."""

    details: tuple[Details, ...]
    gone: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Provisioned:
    """What is provisioned to an account: every set, those that are not at their latest, and who is assigned to each.
    ``gone`` are sets that were provisioned, and were no longer there when their assignments were asked for."""

    sets: tuple[str, ...]
    behind: frozenset[str]
    assigned: Mapping[str, tuple[Assignment, ...]]
    gone: tuple[str, ...] = ()

    @property
    def principals(self) -> frozenset[Principal]:
        return frozenset(
            Principal(row.principal_type, row.principal) for rows in self.assigned.values() for row in rows
        )
