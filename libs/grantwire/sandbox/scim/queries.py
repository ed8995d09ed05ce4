"""What a list of the SCIM endpoint is asked for, and the limits it is held to."""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs

from grantwire.sandbox.identity_center.directory import Directory
from grantwire.sandbox.identity_center.facts import Person, Team
from grantwire.sandbox.scim.resources import external_id

MOST, OLDER = 100, 50
_CURSOR = re.compile(r"[-a-zA-Z0-9+=/:_]*")
_MADE = "aws:_-+/"  # begins every cursor, so that a client meets all of AWS's alphabet
_TERM = re.compile(r'\s*([A-Za-z.]+)\s+eq\s+("(?:[^"\\]|\\.)*")\s*(and\s|$)', re.IGNORECASE)
_MEMBER = {"member": "members.value", "members": "members.value"}
COMBINATIONS = {
    "Users": ({"username"}, {"externalid"}, {"groups.value"}, {"id", "manager"}, {"id"}),
    "Groups": ({"displayname"}, {"externalid"}, {"members.value"}, {"id", "members.value"}, {"id"}),
}


class Unfit(Exception):
    """ValidationException: the request cannot be parsed, or asks for what is not supported."""


@dataclass(frozen=True)
class Query:
    """A list as it is asked for. `cursor` is None without the word, and empty for the first page."""

    count: int
    cursor: str | None
    terms: tuple[tuple[str, str], ...]

    @classmethod
    def read(cls, kind: str, text: str, older: bool) -> Query:
        """`older` endpoints do not know `cursor`, and heed no `count`. Raises `Unfit`."""
        given = {name: values[0] for name, values in parse_qs(text, keep_blank_values=True).items()}
        known = {"count", "filter"} if older else {"count", "filter", "cursor"}
        if unknown := given.keys() - known:
            raise Unfit(f"{min(unknown)} is not supported")
        cursor = given.get("cursor")
        if cursor is not None and not _CURSOR.fullmatch(cursor):
            raise Unfit("cursor has characters that no cursor has")
        return cls(OLDER if older else _count(given.get("count", str(MOST))), cursor, _terms(kind, given.get("filter")))


def _count(text: str) -> int:
    if not text.isascii() or not text.isdecimal() or not 1 <= int(text) <= MOST:
        raise Unfit(f"count must be from 1 to {MOST}")
    return int(text)


def _terms(kind: str, text: str | None) -> tuple[tuple[str, str], ...]:
    if text is None:
        return ()
    found, place = [], 0
    while place < len(text):
        term = _TERM.match(text, place)
        if term is None:
            raise Unfit('a filter is <attribute> eq "<value>", or two of them with and')
        name = term[1].lower()
        found.append((_MEMBER.get(name, name), json.loads(term[2])))
        place = term.end()
    if {name for name, _ in found} not in COMBINATIONS[kind] or len(found) > 2:
        raise Unfit("that combination of filters is not supported")
    return tuple(found)


# Who passes ----------------------------------------------------------------------------------------------------------


def passes(directory: Directory, row: Person | Team, terms: Iterable[tuple[str, str]]) -> bool:
    """Whether a user or group is what every term asks for."""
    tests = _OF_PERSON if isinstance(row, Person) else _OF_TEAM
    return all(tests[name](directory, row, value) for name, value in terms)


def _same(name: str) -> Callable[[Directory, Any, str], bool]:
    return lambda _directory, row, value: bool(getattr(row, name).casefold() == value.casefold())


_EITHER: dict[str, Callable[[Directory, Any, str], bool]] = {
    "id": lambda _directory, row, value: bool(row.id == value),
    "externalid": lambda _directory, row, value: external_id(row) == value,
}
_OF_PERSON = _EITHER | {
    "username": _same("user_name"),
    "groups.value": lambda directory, row, value: directory.placement(value, row.id) is not None,
    "manager": lambda _directory, _row, _value: False,  # nobody here has one
}
_OF_TEAM = _EITHER | {
    "displayname": _same("display_name"),
    "members.value": lambda directory, row, value: directory.placement(row.id, value) is not None,
}


# Pages ---------------------------------------------------------------------------------------------------------------


def written(kind: str, query: Query, last: str | None, nonce: int) -> str:
    """The cursor that leads on from `last`, or from the start, for this list with these filters alone. Never the same
    twice."""
    text = json.dumps([kind, query.terms, nonce, last], separators=(",", ":"))
    return _MADE + base64.b64encode(text.encode()).decode()


def place(kind: str, query: Query) -> str | None:
    """Where the page begins: after this id, or at the start. Raises `Unfit`."""
    if not query.cursor:
        return None
    try:
        of, terms, _, last = json.loads(base64.b64decode(query.cursor.removeprefix(_MADE), validate=True))
    except (binascii.Error, ValueError, TypeError) as error:
        raise Unfit("cursor was not made here") from error
    if of != kind or terms != [list(each) for each in query.terms]:
        raise Unfit("cursor belongs to another list")
    return None if last is None else str(last)


def selected(directory: Directory, kind: str, query: Query) -> Iterator[tuple[Any, Person | Team]]:
    """(key, row) of the list from where the page begins. Raises `Unfit`."""
    table: Any = directory.people if kind == "Users" else directory.teams
    for key, row in table.after(place(kind, query)):
        if passes(directory, row, query.terms):
            yield key, row
