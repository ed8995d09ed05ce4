"""What a sync brought, as the one JSON object of `up` and `demo`. Pure."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from grantwire.cli.exits import Exit
from grantwire.cli.following import Synced
from grantwire.cli.words import calls_of, reason_text

_GOOD = ("complete", "unchanged")


def summary(counts: Mapping[str, Any], status: Mapping[str, Any], synced: Synced) -> dict[str, Any]:
    """Counts of the whole graph as it is exported; scopes, calls and rows of the runs just made, and the changes that
    subscribers hear of them: a first load is one."""
    scopes = [scope for run in synced.runs.values() for scope in run["scopes"]]
    calls = _calls(scopes)
    return {
        "resources": counts["resources"],
        "relations": counts["relations"],
        "scopes": _by_outcome(scopes, {each["scope"]: each for each in status["scopes"]}),
        "calls": dict(sorted(calls.items())),
        "calls_total": sum(map(calls_of, scopes)),
        "throttled": _sum(scopes, "throttled"),
        "changes": _sum(scopes, "messages"),
        "rows": {name: _sum(scopes, name) for name in ("inserted", "changed", "removed")},
        "revision": status["revision"],
        "connectors": [_connector(each) for each in status["connectors"]],
        "refused": [{"connector": name, "reason": str(stop)} for name, stop in sorted(synced.refused.items())],
    }


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


def _by_outcome(scopes: Iterable[Mapping[str, Any]], views: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    found: dict[str, list[dict[str, Any]]] = {"complete": [], "stale": [], "unreachable": []}
    for scope in scopes:
        if scope["state"] in _GOOD:
            view = views.get(scope["scope"], {})
            unread = scope.get("unread") or view.get("unread") or []
            found["complete"].append({"scope": scope["scope"], "plan": view.get("plan"), "unread": unread})
        else:
            where = "unreachable" if scope["state"] == "unreachable" else "stale"
            found[where].append({"scope": scope["scope"], "reason": reason_text(scope.get("reason"))})
    return found


def _connector(view: Mapping[str, Any]) -> dict[str, Any]:
    return {name: view[name] for name in ("id", "account", "state", "reason", "not_yet_acting")}
