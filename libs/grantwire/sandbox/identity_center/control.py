"""What a test may do to Identity Center, and how it is shown: `/_sandbox/identity-center`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, replace
from typing import Any, TypeVar

from grantwire.sandbox.identity_center.center import Center
from grantwire.sandbox.identity_center.facts import DISABLED, ENABLED, Person, Team
from grantwire.sandbox.state import State

Found = TypeVar("Found", Person, Team)


def change(state: State, given: dict[str, Any]) -> None:
    """One of the changes that the page takes. Raises `ValueError`, `KeyError`.

    {"user", "status"}, {"delete_user"}, {"delete_group"}, {"rename_group": [id, name]}: behind the API's back.
    {"show_status": bool}: whether AWS says if users are enabled. {"delay": seconds}: how long requests take.
    {"fail": [reason, ...]}: the next requests end as FAILED. {"behind": [account, permission set]}: not the latest.
    """
    center, provisioning = _center(state), state.provisioning
    assert provisioning is not None
    match given:
        case {"show_status": bool(shown)}:
            center.shows_status = shown
        case {"delay": float() | int() as seconds}:
            provisioning.delay = float(seconds)
        case {"fail": [*reasons]}:
            provisioning.failing += [str(each) for each in reasons]
        case {"behind": [str(account), str(permission_set)]}:
            center.put(replace(center.provisioned[account][permission_set], latest=False))
        case _:
            _directory(center, given)


def _directory(center: Center, given: dict[str, Any]) -> None:
    match given:
        case {"user": str(user), "status": "ENABLED" | "DISABLED" as status}:
            center.put(replace(_person(center, user), status=status))
        case {"delete_user": str(user)}:
            row = _person(center, user)
            center.drop(*center.directories[row.store].of_person.get(row.id, {}).values(), row)
        case {"delete_group": str(group)}:
            team = _team(center, group)
            center.drop(*center.directories[team.store].in_team.get(team.id, {}).values(), team)
        case {"rename_group": [str(group), str(name)]}:
            center.put(replace(_team(center, group), display_name=name))
        case _:
            raise ValueError(f"no change of Identity Center: {given}; a status is {ENABLED} or {DISABLED}")


def _center(state: State) -> Center:
    if state.center is None:
        raise ValueError("there is no Identity Center")
    return state.center


def _person(center: Center, user: str) -> Person:
    return _first(each.people.get(user) for each in center.directories.values())


def _team(center: Center, group: str) -> Team:
    return _first(each.teams.get(group) for each in center.directories.values())


def _first(found: Iterable[Found | None]) -> Found:
    for each in found:
        if each is not None:
            return each
    raise KeyError("nobody of that id is in a directory")


def shown(state: State) -> dict[str, Any]:
    """Identity Center as it is now, and what was asked of it."""
    center = _center(state)
    state.settle()
    rows: dict[str, list[Any]] = {}
    for row in center.facts():
        rows.setdefault(type(row).__name__, []).append(asdict(row))
    assert state.provisioning is not None
    return rows | {
        "requests": [asdict(each) for each in state.provisioning.orders.values()],
        "delay": state.provisioning.delay,
        "show_status": center.shows_status,
        "changes": len(center.journal),
    }
