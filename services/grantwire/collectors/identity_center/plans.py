"""How Identity Center is read with the fewest calls, by what is known of the directory's size. Pure."""

from dataclasses import dataclass
from typing import Final, Literal

MembershipPlan = Literal["by_group", "by_member"]
PAGE: Final = 100  # rows that a call lists


@dataclass(frozen=True, slots=True)
class Sizes:
    """How many users and groups a directory had when it was last listed; None while nobody knows."""

    users: int | None = None
    groups: int | None = None


def membership_plan(sizes: Sizes) -> MembershipPlan:
    """By group, or by member where a directory has fewer users than groups. By group where either is not known: it
    needs no further permission."""
    if sizes.users is None or sizes.groups is None:
        return "by_group"
    return "by_member" if _one_each(sizes.users) < _one_each(sizes.groups) else "by_group"


def by_listing(unknown: int, listed: int | None) -> bool:
    """Whether to list the whole directory anew, rather than ask for each of so many principals. ``listed``: how many
    it had when it was last listed."""
    return unknown >= pages(listed or 0)


def pages(rows: int) -> int:
    """The calls that list so many rows: one where there are none."""
    return max(1, -(-rows // PAGE))


def _one_each(rows: int) -> int:
    """The calls that list them, and one call for each."""
    return pages(rows) + rows
