"""The sandbox's own pages under /_sandbox/: truth, counts, faults, clock. For tests, never for the product."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs

from grantwire.sandbox.gateway import Reply
from grantwire.sandbox.state import State
from grantwire.sandbox.truth import UNREAD, PlanName, Unexpected, jsonl

Page = Callable[[State, "Asked"], Reply]


@dataclass(frozen=True)
class Asked:
    """One request to a control page."""

    method: str
    query: str
    body: bytes

    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body or b"null")

    @property
    def plan(self) -> PlanName:
        """The read plan that is asked about."""
        wanted = parse_qs(self.query).get("plan", ["bulk"])[0]
        if wanted not in UNREAD:
            raise ValueError(f"plan must be one of {sorted(UNREAD)}")
        return "bulk" if wanted == "bulk" else "minimum"


def _json(value: Any, status: int = 200) -> Reply:
    return Reply(status, json.dumps(value).encode(), "application/json")


def answer(state: State, path: str, asked: Asked) -> Reply:
    """The reply of a control page; 404 for none, 400 for a body that does not fit."""
    page = PAGES.get(path)
    if page is None:
        return _json({"error": f"no page {path}", "pages": sorted(PAGES)}, 404)
    try:
        return page(state, asked)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        return _json({"error": f"{type(error).__name__}: {error}"}, 400)


def _truth(state: State, asked: Asked) -> Reply:
    try:
        text = jsonl(state.truth_lines(asked.plan))
    except Unexpected as error:
        return _json({"error": str(error), "role_arn": error.role_arn}, 409)
    return Reply(200, text.encode(), "application/x-ndjson")


def _unread(state: State, asked: Asked) -> Reply:
    return _json(UNREAD[asked.plan])


def _expect(state: State, asked: Asked) -> Reply:
    state.expect(asked.json())
    return _json({})


def _calls(state: State, asked: Asked) -> Reply:
    if asked.method == "DELETE":
        state.forget()
    accounts = {account: dict(counts) for account, counts in state.calls_of.items()}
    return _json({"operations": dict(state.calls), "accounts": accounts})


def _denied(state: State, asked: Asked) -> Reply:
    return _json(state.denied)


def _used(state: State, asked: Asked) -> Reply:
    return _json(dict(state.used))


def _violations(state: State, asked: Asked) -> Reply:
    return _json(state.violations)


def _faults(state: State, asked: Asked) -> Reply:
    if asked.method == "POST":
        given = asked.json()
        state.faults.add(given if isinstance(given, list) else [given])
    if asked.method == "DELETE":
        state.faults.rules.clear()
    return _json([rule.shown() for rule in state.faults.rules])


def _mess(state: State, asked: Asked) -> Reply:
    if asked.method == "POST":
        given = asked.json()
        state.mess.short, state.mess.empty = float(given.get("short", 0)), float(given.get("empty", 0))
    return _json({"short": state.mess.short, "empty": state.mess.empty})


def _clock(state: State, asked: Asked) -> Reply:
    if asked.method == "POST":
        state.skipped += float(asked.json()["advance"])
    return _json({"now": state.now(), "skipped": state.skipped})


def _reset(state: State, asked: Asked) -> Reply:
    if asked.method != "POST":
        return _json({"error": "POST resets"}, 405)
    state.reset()
    return _json({})


PAGES: dict[str, Page] = {
    "/_sandbox/truth": _truth,
    "/_sandbox/truth/unread": _unread,
    "/_sandbox/expect": _expect,
    "/_sandbox/calls": _calls,
    "/_sandbox/denied": _denied,
    "/_sandbox/used": _used,
    "/_sandbox/violations": _violations,
    "/_sandbox/faults": _faults,
    "/_sandbox/mess": _mess,
    "/_sandbox/clock": _clock,
    "/_sandbox/reset": _reset,
}
