"""A page of users as typed values, and what the pages so far amount to. Pure.

Two answers are known. By cursor: ``nextCursor`` leads on until it is absent. The older one: one page of at most 50 (or
100), ``startIndex`` ignored, and a ``totalResults`` that has been seen to repeat the number on the page.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from grantwire.scim.flaws import Garbled
from grantwire.scim.shapes import Listing, ScimUser

T = TypeVar("T")
OLDER_PAGE: Final = 50  # a page with as many users may be all that the older answer shows of more
_CURSOR: Final = re.compile(r"[-a-zA-Z0-9+=/:_]{1,4096}")
_LONGEST: Final = 1_024  # characters of a field; AWS's own limits are far below
_FORMS: Final[Mapping[type, str]] = {int: "a number", str: "a text", bool: "true or false"}
_STALLED: Final = 100  # pages in a row without a new user


@dataclass(frozen=True, slots=True)
class Page:
    """``older`` is the form without cursors; ``total`` is what it claims."""

    users: tuple[ScimUser, ...]
    next: str | None
    older: bool
    total: int | None


def page_from(answer: Mapping[str, Any]) -> Page:
    """Raises ``Garbled`` for anything that is not a page of users. A row that lacks its id spoils the page."""
    total = _optional(answer, "totalResults", int)
    rows = answer.get("Resources", [] if total == 0 else None)
    if not isinstance(rows, list):
        raise Garbled("has no Resources")
    following = _optional(answer, "nextCursor", str) or None
    if following is not None and not _CURSOR.fullmatch(following):
        raise Garbled("has a nextCursor with characters that no cursor has")
    older = following is None and (total is not None or "startIndex" in answer)
    return Page(tuple(map(_user, rows)), following, older, total)


class Walk:
    """The pages read so far and where they lead. ``next`` is the cursor to ask with, None when there is none."""

    def __init__(self, most_users: int) -> None:
        self._most = most_users
        self._users: dict[str, ScimUser] = {}
        self._asked = {""}
        self._stalled = 0
        self._why: str | None = None
        self.next: str | None = ""

    @property
    def listing(self) -> Listing:
        return Listing(tuple(self._users.values()), whole=self._why is None, why=self._why)

    def stop(self, why: str) -> None:
        """Ask for no more. What was read stays."""
        self._why, self.next = why, None

    def take(self, page: Page) -> None:
        """Add a page: the latest of what is told twice holds."""
        before = len(self._users)
        self._users.update((user.id, user) for user in page.users)
        self._stalled = 0 if len(self._users) > before else self._stalled + 1
        first, self.next = len(self._asked) == 1, page.next
        if page.older:
            self._end_older(page, first)
        elif page.next is not None and (why := self._astray(page.next)):
            self.stop(why)
        elif page.next is not None:
            self._asked.add(page.next)

    def _end_older(self, page: Page, first: bool) -> None:
        count = len(page.users)
        if not first:
            self.stop("The SCIM endpoint stopped paging half-way; there may be more users.")
        elif page.total is not None and page.total > count:
            self.stop(f"The SCIM endpoint gave {count} of {page.total} users and has no way to the rest.")
        elif count >= OLDER_PAGE:
            self.stop(f"The SCIM endpoint gave {count} users on one page and does not page; there may be more.")

    def _astray(self, cursor: str) -> str | None:
        if cursor in self._asked:
            return "A page of the SCIM endpoint leads back to one that was read; there may be more users."
        if self._stalled >= _STALLED:
            return f"{self._stalled} pages of the SCIM endpoint in a row brought nothing new; there may be more users."
        if len(self._users) >= self._most:
            return f"Reading ended at {len(self._users):,} users, the most that are taken; there are more."
        return None


def _user(row: Any) -> ScimUser:
    if not isinstance(row, Mapping):
        raise Garbled("has a user that is not an object")
    return ScimUser(
        id=_needed(row, "id"),
        user_name=_needed(row, "userName"),
        active=_optional(row, "active", bool),
        external_id=_optional(row, "externalId", str) or None,
    )


def _needed(row: Mapping[str, Any], name: str) -> str:
    if found := _optional(row, name, str):
        return found
    raise Garbled(f"has a user without {name}")


def _optional(row: Mapping[str, Any], name: str, type_: type[T]) -> T | None:
    found = row.get(name)
    if found is None:
        return None
    if not isinstance(found, type_) or type(found) is not type_:  # a bool is an int too
        raise Garbled(f"has a {name} that is not {_FORMS[type_]}")
    if isinstance(found, str) and name != "nextCursor" and len(found) > _LONGEST:
        raise Garbled(f"has a {name} of more than {_LONGEST:,} characters")
    return found
