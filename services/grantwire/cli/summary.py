"""What a sync brought, as the one JSON object of `up` and `demo`. Pure."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from grantwire.cli.exits import Exit
from grantwire.cli.following import Synced
from grantwire.cli.words import account_name, calls_of, reason_text

_GOOD = ("complete", "unchanged")


def summary(counts: Mapping[str, Any], status: Mapping[str, Any], synced: Synced) -> dict[str, Any]:
    """Counts of the whole graph as it is exported; scopes, calls and rows of the runs just made, and the changes that
    subscribers hear of them: a first load is one."""
    scopes = [scope for run in synced.runs.values() for scope in run["scopes"]]
    calls = _calls(scopes)
    return {
        "resources": counts["resources"],
        "relations": counts["relations"],
        "scopes": by_outcome(scopes, {each["scope"]: each for each in status["scopes"]}),
        "calls": dict(sorted(calls.items())),
        "calls_total": sum(map(calls_of, scopes)),
        "throttled": _sum(scopes, "throttled"),
        "changes": _sum(scopes, "messages"),
        "rows": {name: _sum(scopes, name) for name in ("inserted", "changed", "removed")},
        "revision": status["revision"],
        "connectors": [_connector(each) for each in status["connectors"]],
        "refused": [{"connector": name, "reason": str(stop)} for name, stop in sorted(synced.refused.items())],
    }


def as_planted(synced: Synced, differences: Sequence[str]) -> Exit:
    """The same for a simulation: trouble that was planted is no failure, any other is."""
    if synced.refused:
        return exit_of(synced)
    return Exit.PARTIAL if differences else Exit.OK


def exit_of(synced: Synced) -> Exit:
    """A refused connector decides; else a run that nobody could finish; else whether every scope is complete."""
    if synced.refused:
        return next(iter(synced.refused.values())).code
    if any(run["state"] == "failed" for run in synced.runs.values()):
        return Exit.FAILED
    scopes = [scope for run in synced.runs.values() for scope in run["scopes"]]
    return Exit.OK if all(scope["state"] in _GOOD for scope in scopes) else Exit.PARTIAL


def _calls(scopes: Iterable[Mapping[str, Any]]) -> Counter[str]:
    calls: Counter[str] = Counter()
    for scope in scopes:
        if isinstance(scope.get("calls"), Mapping):
            calls.update(scope["calls"])
    return calls


def _sum(scopes: Iterable[Mapping[str, Any]], name: str) -> int:
    return sum(int(scope.get(name) or 0) for scope in scopes)


def by_outcome(scopes: Iterable[Mapping[str, Any]], views: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """The parts of runs as `complete`, `stale` and `unreachable`. ``views`` are the scopes' own, by key."""
    found: dict[str, list[dict[str, Any]]] = {"complete": [], "stale": [], "unreachable": []}
    for scope in scopes:
        where = "complete" if scope["state"] in _GOOD else "stale"
        where = "unreachable" if scope["state"] == "unreachable" else where
        found[where].append(_outcome(scope, views.get(scope["scope"], {})))
    return found


def _outcome(scope: Mapping[str, Any], view: Mapping[str, Any]) -> dict[str, Any]:
    told = {"scope": scope["scope"], "account": scope.get("account"), "name": account_name(scope) or None}
    if scope["state"] in _GOOD:
        return told | {"plan": view.get("plan"), "unread": scope.get("unread") or view.get("unread") or []}
    return told | {"reason": reason_text(scope.get("reason"))}


def _connector(view: Mapping[str, Any]) -> dict[str, Any]:
    return {name: view.get(name) for name in ("id", "account", "organization", "state", "reason", "not_yet_acting")}
