"""What one reading of an organization brought, before it becomes facts. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from grantwire.aws.organizations.shapes import Account, Organization, Unit


@dataclass(frozen=True, slots=True)
class Tree:
    """Units and accounts by the root or unit they are directly under. ``gone`` are those that were listed, and were no
    longer there when they were opened."""

    roots: Sequence[Unit]
    units: Mapping[str, Sequence[Unit]] = field(default_factory=dict)
    accounts: Mapping[str, Sequence[Account]] = field(default_factory=dict)
    gone: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Answers:
    """``accounts`` is the list of all. ``services`` are those that an account administers for the organization, by
    account; None where AWS denied it."""

    organization: Organization
    tree: Tree
    accounts: Sequence[Account]
    services: Mapping[str, Sequence[str]] | None
