"""One identity store as it is now."""

from __future__ import annotations

from collections import defaultdict

from grantwire.sandbox.identity_center.facts import Instance, Person, Placement, Team
from grantwire.sandbox.paging import Sorted


class Directory:
    """Users, groups and memberships of one instance."""

    def __init__(self, instance: Instance) -> None:
        self.instance = instance
        self.people: Sorted[Person] = Sorted()
        self.teams: Sorted[Team] = Sorted()
        self.placements: dict[str, Placement] = {}
        self.in_team: dict[str, dict[str, Placement]] = defaultdict(dict)  # by group, by user
        self.of_person: dict[str, dict[str, Placement]] = defaultdict(dict)  # by user, by group

    def take(self, row: Person | Team | Placement, there: bool) -> None:
        """The row is there now and is this; or it is gone."""
        match row:
            case Person():
                self.people.put(row.id, row.id, row) if there else self.people.drop(row.id)
            case Team():
                self.teams.put(row.id, row.id, row) if there else self.teams.drop(row.id)
            case Placement():
                self._place(row, there)

    def _place(self, row: Placement, there: bool) -> None:
        if there:
            self.placements[row.id] = self.in_team[row.team][row.person] = self.of_person[row.person][row.team] = row
            return
        self.placements.pop(row.id, None)
        self.in_team[row.team].pop(row.person, None)
        self.of_person[row.person].pop(row.team, None)

    def placement(self, team: str, person: str) -> Placement | None:
        """The membership of a user in a group."""
        return self.in_team.get(team, {}).get(person)

    def person_called(self, user_name: str) -> Person | None:
        """The user of that user name, in any letter case."""
        wanted = user_name.casefold()
        return next((row for row in self.people.rows() if row.user_name.casefold() == wanted), None)

    def team_called(self, display_name: str) -> Team | None:
        """The group of that display name, in any letter case."""
        wanted = display_name.casefold()
        return next((row for row in self.teams.rows() if row.display_name.casefold() == wanted), None)
