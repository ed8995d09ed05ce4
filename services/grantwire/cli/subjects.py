"""The parts of a run by what they are about: several scopes of one account are one account to a person. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from grantwire.cli.words import reason_text

Part = Mapping[str, Any]

ACCOUNT: Final = "account/"
CENTER: Final = "identity_center/"
_OF_ACCOUNTS: Final = ("iam", "credentials", "assignments")
_OF_CENTER: Final = ("permission_sets", "directory_users", "directory_groups", "directory_memberships")
_WORST_FIRST: Final = ("failed", "stale", "unreachable", "complete", "unchanged")


def by_subject(parts: Iterable[Part]) -> list[dict[str, Any]]:
    """One part for each account, for the organization, for Identity Center as a whole and for SCIM, in the order in
    which they first come. Its calls are those of all, its state that of the least advanced or else of the worst."""
    groups: dict[str, list[Part]] = {}
    for part in parts:
        groups.setdefault(subject_of(str(part["scope"])), []).append(part)
    return [_merged(subject, group) for subject, group in groups.items()]


def subject_of(scope: str) -> str:
    """``account/123456789012``, ``identity_center/``, or the scope itself."""
    source, _, about = scope.partition("/")
    if source in _OF_ACCOUNTS:
        return f"{ACCOUNT}{about}"
    return CENTER if source in _OF_CENTER else scope


def _merged(subject: str, group: Sequence[Part]) -> dict[str, Any]:
    state = _state([str(part["state"]) for part in group])
    return {
        **group[0],
        "scope": subject,
        "state": state,
        "reason": _reason(group, state),
        "calls": _calls(group),
        "throttled": sum(int(part.get("throttled") or 0) for part in group),
    }


def _state(states: Sequence[str]) -> str:
    if set(states) == {"requested"}:
        return "requested"
    if {"requested", "published"} & set(states):
        return "published"
    return min(states, key=lambda state: _WORST_FIRST.index(state) if state in _WORST_FIRST else 0)


def _reason(group: Sequence[Part], state: str) -> Any:
    """That of the first part in this state; which part it is of, where it is not the one that people think of."""
    part = next((part for part in group if part["state"] == state and part.get("reason")), None)
    if part is None or part["scope"].startswith(("iam/", "organization/", "scim/")):
        return part["reason"] if part else None
    what = str(part["scope"]).partition("/")[0].replace("_", " ")
    return f"{what}: {reason_text(part['reason'])}"


def _calls(group: Sequence[Part]) -> dict[str, int]:
    found: dict[str, int] = {}
    for part in group:
        for name, count in (part.get("calls") or {}).items():
            found[name] = found.get(name, 0) + count
    return found
