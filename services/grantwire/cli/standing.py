"""What is read beside the accounts' IAM: a line each for directory, permission sets, SCIM and the like. Pure."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, TypeAlias

from grantwire.cli.resting import ages
from grantwire.cli.words import parts, reason_text

Scope: TypeAlias = Mapping[str, Any]
HEADINGS: Final = ("connector", "read", "state", "of what, and when")
_DIRECTORY: Final = {"directory_users": "users", "directory_groups": "groups", "directory_memberships": "memberships"}
_NAMES: Final = {"permission_sets": "permission sets", "scim": "SCIM users"}
_PER_ACCOUNT: Final = ("assignments", "credentials")
_ORDER: Final = ("directory", "permission sets", "SCIM users", *_PER_ACCOUNT)
_WORST: Final = ("stale", "held", "new", "overdue", "unreachable")  # that nobody can enter is known


def overview(scopes: Iterable[Scope], now: datetime) -> list[tuple[str, str, str, str]]:
    """Connector, what, its worst state, and how many or which parts; nothing for what nobody reads."""
    groups: dict[tuple[str, str, str], list[Scope]] = {}
    for scope in scopes:
        if (what := _what(scope)) is not None:
            groups.setdefault((scope["connector"], *what), []).append(scope)
    ordered = sorted(groups.items(), key=lambda item: (item[0][0], _ORDER.index(item[0][1]), item[0][2]))
    return [_row(connector, what, id, found, now) for (connector, what, id), found in ordered]


def _what(scope: Scope) -> tuple[str, str] | None:
    """The line that a scope belongs to, and the id of the directory, instance or tenant."""
    kind, _, id = str(scope["scope"]).partition("/")
    if kind in _DIRECTORY:
        return "directory", id
    if kind in _PER_ACCOUNT:
        return kind, ""
    return (_NAMES[kind], id) if kind in _NAMES else None


def _row(connector: str, what: str, id: str, scopes: Sequence[Scope], now: datetime) -> tuple[str, str, str, str]:
    states = Counter(state_of(scope) for scope in scopes)
    worst = next((state for state in _WORST if states[state]), "complete")
    if what in _PER_ACCOUNT:
        said = f"accounts: {parts(states)}"
    else:
        said = ", ".join(_part(scope) for scope in scopes) if what == "directory" else ""
    when = ages(scopes, now)
    return connector, f"{what} {id}".rstrip(), worst, " · ".join(filter(None, (said, when)))


def _part(scope: Scope) -> str:
    """`users`, and how they are where that is not well."""
    name, state = _DIRECTORY[str(scope["scope"]).partition("/")[0]], state_of(scope)
    return name if state == "complete" else f"{name} {state}"


def state_of(scope: Scope) -> str:
    """Overdue counts as a state of what is complete otherwise."""
    return "overdue" if scope["state"] == "complete" and scope["overdue"] else str(scope["state"])


def joined(scopes: Iterable[Scope]) -> list[dict[str, Any]]:
    """Scopes of one account that are as they are for one and the same reason, as one: nobody reads a sentence twice."""
    groups: dict[tuple[Any, ...], dict[str, Any]] = {}
    for scope in scopes:
        why = reason_text(scope.get("reason"))
        key = (scope["account"], scope["state"], why) if scope.get("account") and why else (scope["scope"],)
        known = groups.get(key)
        groups[key] = {**known, "scope": f"{known['scope']}, {scope['scope']}"} if known else dict(scope)
    return list(groups.values())
