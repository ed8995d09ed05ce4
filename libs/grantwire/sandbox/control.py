"""The sandbox's own pages under /_sandbox/: truth, counts, faults, clock. For tests, never for the product."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs

from grantwire.sandbox.identity_center import control as identity_center
from grantwire.sandbox.organization.control import change, shown
from grantwire.sandbox.organization.facts import SHOWN
from grantwire.sandbox.replies import Reply
from grantwire.sandbox.scim import control as scim
from grantwire.sandbox.state import State
from grantwire.sandbox.telling import DEFAULT, SOURCES, without
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

    def given(self, name: str) -> str | None:
        """A parameter of the query."""
        return parse_qs(self.query, keep_blank_values=True).get(name, [None])[0]

    @property
    def reader(self) -> str:
        """Who reads the organization: the management account's connector or the delegated administrator's."""
        wanted = self.given("reader") or "organization"
        if wanted not in ("organization", "delegated"):
            raise ValueError("reader must be organization or delegated")
        return wanted

    @property
    def sources(self) -> frozenset[str]:
        """The sources that the truth is asked of; organization and IAM when none are named."""
        named = self.given("sources")
        wanted = frozenset(named.split(",")) if named is not None else DEFAULT
        if not wanted <= set(SOURCES):
            raise ValueError(f"sources are {SOURCES}")
        return wanted

    @property
    def plan(self) -> PlanName:
        """The read plan that is asked about."""
        wanted = self.given("plan") or "bulk"
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
        only = asked.given("accounts")
        readable = state.reachable(asked.reader) if only is None else set(only.split(","))
        lines = state.truth_lines(asked.plan, readable, asked.sources)
        text = jsonl(without(lines, (asked.given("without") or "").split(",")))
    except Unexpected as error:
        return _json({"error": str(error), "role_arn": error.role_arn}, 409)
    return Reply(200, text.encode(), "application/x-ndjson")


def _unread(state: State, asked: Asked) -> Reply:
    return _json(state.unread(asked.plan, asked.sources))


def _unreachable(state: State, asked: Asked) -> Reply:
    return _json(state.unreachable(asked.reader))


def _organization(state: State, asked: Asked) -> Reply:
    if asked.method == "POST":
        given = asked.json()
        for each in given if isinstance(given, list) else [given]:
            change(state, each)
    return _json(shown(state))


def _identity_center(state: State, asked: Asked) -> Reply:
    if asked.method == "POST":
        given = asked.json()
        for each in given if isinstance(given, list) else [given]:
            identity_center.change(state, each)
    return _json(identity_center.shown(state))


def _scim(state: State, asked: Asked) -> Reply:
    if asked.method == "POST":
        given = asked.json()
        for each in given if isinstance(given, list) else [given]:
            scim.change(state, each)
    return _json(scim.shown(state))


def _credentials(state: State, asked: Asked) -> Reply:
    if asked.method == "POST":
        state.reports.delay = float(asked.json()["delay"])
    generated = {account: state.reports.generated_at(account) for account in state.reports.of}
    return _json({"delay": state.reports.delay, "reports": generated})


def _account_state(state: State, asked: Asked) -> Reply:
    if asked.method == "POST":
        wanted = asked.json()["show"]
        if wanted not in SHOWN:
            raise ValueError(f"show must be one of {SHOWN}")
        state.account_state = wanted
    return _json({"show": state.account_state})


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


def _writes(state: State, asked: Asked) -> Reply:
    if asked.method == "DELETE":
        state.writes.clear()
    return _json(state.writes)


def _violations(state: State, asked: Asked) -> Reply:
    return _json(state.violations)


def _faults(state: State, asked: Asked) -> Reply:
    if asked.method == "POST":
        given = asked.json()
        state.faults.add(given if isinstance(given, list) else [given])
    if asked.method == "DELETE":
        state.faults.rules.clear()
    return _json([rule.shown() for rule in state.faults.rules])


def _rates(state: State, asked: Asked) -> Reply:
    if asked.method == "POST":
        given = asked.json()
        for each in given if isinstance(given, list) else [given]:
            state.rates.put(each)
    if asked.method == "DELETE":
        state.rates.clear()
    return _json(state.rates.shown())


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
    "/_sandbox/truth/unreachable": _unreachable,
    "/_sandbox/organization": _organization,
    "/_sandbox/identity-center": _identity_center,
    "/_sandbox/credentials": _credentials,
    "/_sandbox/scim": _scim,
    "/_sandbox/account-state": _account_state,
    "/_sandbox/expect": _expect,
    "/_sandbox/calls": _calls,
    "/_sandbox/denied": _denied,
    "/_sandbox/used": _used,
    "/_sandbox/violations": _violations,
    "/_sandbox/writes": _writes,
    "/_sandbox/faults": _faults,
    "/_sandbox/rates": _rates,
    "/_sandbox/mess": _mess,
    "/_sandbox/clock": _clock,
    "/_sandbox/reset": _reset,
}
