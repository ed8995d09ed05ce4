"""The planner of a directory: users, groups and who is in them, untidy as real ones. Standard library only.

Names hold what a directory accepts: letters, marks, symbols, digits, punctuation and blanks of any script.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator

from grantwire.sandbox import ids
from grantwire.sandbox.identity_center.facts import DISABLED, ENABLED, Email, Person, Placement, Team

USER_NAMES = (
    "ada.lovelace@example.com",
    "=cmd|'/c'!A0",
    "мария@пример.example",
    "@SUM(1+1)",
    "u" * 128,
    "O'Brien;--",
    "<b>bold</b>",
    "null",
    "+1-555-0100",
    "部署-🚀",
)
DISPLAY_NAMES = (
    "Ada Lovelace",
    '=HYPERLINK("http://evil.example","click")',
    "Мария Ångström",
    "مرحبا بالعالم",
    "D" * 1000,
    "O'Brien'); DROP TABLE users;--",
    "<script>alert(1)</script>",
    "null",
    " leading and trailing ",
    "tab\there\nand line",
    "e\u0301 combining",
    "Ａ\u3000wide",
)
TEAM_NAMES = (
    "Admins",
    "admins-eu",
    "=EMPTY()",
    "Zahlungen & <b>Bücher</b>",
    "部署 🚀",
    "g" * 1000,
    "aws-sso/engineering",
    "null",
)
_ISSUERS = ("https://scim.aws.com/11111111111-aaaa", "https://idp.example/=issuer")
_TITLES = ("", "Engineer", "=1+1", "Head of “Things”")


class People:
    """Fills one identity store. `largest`: the most members of a group."""

    def __init__(self, seed: int, store: str, users: int, groups: int, largest: int | None = None) -> None:
        self.seed, self.store, self.largest = seed, store, largest
        self.users = [self._person(index) for index in range(users)]
        self.groups = [self._team(index) for index in range(groups)]
        self.members = list(self._members())

    def rows(self) -> list[Person | Team | Placement]:
        """Users, groups, memberships."""
        return [*self.users, *self.groups, *self.members]

    def gone(self, concern: str, index: int = 0) -> str:
        """The id of a principal that nobody is any more."""
        return self._id(f"gone {concern}", index)

    def _rng(self, concern: str, index: int = 0) -> random.Random:
        return random.Random(f"{self.seed}:directory {self.store} {concern}:{index}")  # noqa: S311  repeatable on purpose

    def _id(self, concern: str, index: int) -> str:
        """Ids of older directories begin with ten digits of the store; both forms are in use."""
        number = ids.digest(self.seed, self.store, concern, index).hex()
        plain = f"{number[:8]}-{number[8:12]}-{number[12:16]}-{number[16:20]}-{number[20:32]}"
        return f"{self.store.removeprefix('d-')}-{plain}" if index % 4 == 3 else plain

    def _time(self, concern: str, index: int) -> int:
        return self._rng(f"time {concern}", index).randint(1_577_836_800, 1_735_689_600)

    def _person(self, index: int) -> Person:
        rng, made = self._rng("user", index), self._time("user", index)
        special = index < len(USER_NAMES)
        name = USER_NAMES[index] if special else f"person.{index:05}@example.com"
        # Directories that were synchronized long ago say neither when, nor by whom.
        dated = index % 7 != 5
        return Person(
            self.store,
            self._id("user", index),
            name,
            made if dated else None,
            made + rng.randint(0, 10_000_000) if dated else None,
            DISPLAY_NAMES[index] if index < len(DISPLAY_NAMES) else f"Person {index:05}",
            rng.choice(("Ada", "José", "=A1", None)),
            rng.choice(("Lovelace", "Ångström", "Doe-Smith", None)),
            self._emails(rng, name, index),
            rng.choice((None, "Employee", "=Contractor")),
            rng.choice(_TITLES) or None,
            self._external("user", index, rng),
            DISABLED if index % 6 == 4 else ENABLED,
            rng.randint(1, 40),
        )

    def _emails(self, rng: random.Random, name: str, index: int) -> tuple[Email, ...]:
        """None, one, or several with one of them primary; type and primary may be unsaid."""
        if index % 9 == 8:
            return ()
        address = name if "@" in name.strip("@") and len(name) < 60 else f"person{index}@example.org"
        first = Email(address, rng.choice(("work", "Work", None)), True)
        if rng.random() < 0.2:
            return Email(f"old.{index}@example.net", "home", rng.choice((False, None))), first
        return (first,) if rng.random() < 0.9 else (Email(address),)

    def _external(self, concern: str, index: int, rng: random.Random) -> tuple[tuple[str, str], ...]:
        if rng.random() < 0.4:
            return ()
        return tuple(
            (issuer, ids.digest(self.seed, concern, index, issuer).hex()[:20])
            for issuer in _ISSUERS[: rng.choice((1, 1, 2))]
        )

    def _team(self, index: int) -> Team:
        rng = self._rng("group", index)
        name = TEAM_NAMES[index] if index < len(TEAM_NAMES) else f"team-{index:04}"
        described = rng.choice((None, "Everybody who deploys", '=HYPERLINK("http://evil.example")'))
        external = self._external("group", index, rng)
        made = None if index % 5 == 4 else self._time("group", index)
        return Team(self.store, self._id("group", index), name, described, external, made, rng.randint(1, 9))

    def _members(self) -> Iterator[Placement]:
        """The third group is empty and the first holds nearly everybody; a tenth of the users are in no group."""
        sizes: Counter[str] = Counter()
        for index, person in enumerate(self.users):
            rng = self._rng("membership", index)
            others = [team for team in self.groups[1:] if team is not self.groups[min(2, len(self.groups) - 1)]]
            wanted = self.groups[:1] if index % 10 else []
            wanted = wanted + rng.sample(others, min(len(others), rng.choice((0, 1, 1, 2)))) if wanted else []
            for team in wanted:
                sizes[team.id] += 1
                if self.largest is not None and sizes[team.id] > self.largest:
                    continue
                number = self._id(f"membership {person.id}", self.groups.index(team))
                yield Placement(self.store, number, person.id, team.id, person.created_at)
