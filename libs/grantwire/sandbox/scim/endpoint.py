"""How the SCIM endpoint answers one request, step by step."""

from __future__ import annotations

import itertools
import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from grantwire.sandbox.faults import Seen
from grantwire.sandbox.identity_center.directory import Directory
from grantwire.sandbox.ids import digest
from grantwire.sandbox.replies import Reply
from grantwire.sandbox.scim import resources
from grantwire.sandbox.scim.plan import ScimPlan
from grantwire.sandbox.scim.queries import Query, Unfit, place, selected, written
from grantwire.sandbox.trouble import Fired

if TYPE_CHECKING:
    from grantwire.sandbox.state import State

PATH = re.compile(r"/([A-Za-z0-9-]+)/scim/v2(?:/([^/]*)(?:/([^/]+))?)?/?")
SERVICE = "scim"
_ELSEWHERE = "http://169.254.169.254/latest/meta-data/"
_OPERATIONS = {
    ("Users", False): "ListUsers",
    ("Users", True): "GetUser",
    ("Groups", False): "ListGroups",
    ("Groups", True): "GetGroup",
    ("ServiceProviderConfig", False): "ServiceProviderConfig",
}


@dataclass
class Scim:
    """The endpoint as it is now. `older`: 50 results and no paging. `retry_after`: what a 429 asks to wait, seconds."""

    planned: ScimPlan
    token: str
    older: bool = False
    retry_after: int | None = None
    rotated: int = 0


@dataclass(frozen=True)
class Asked:
    """One request."""

    method: str
    path: str
    query: str
    headers: dict[str, str]


class Endpoint:
    """read, count, faults, rate, authenticate, answer: in this order."""

    def __init__(self, state: State) -> None:
        self.state = state

    def answer(self, asked: Asked) -> Reply:
        """The reply to one request of the endpoint's path."""
        self.state.requests += 1
        tenant, kind, wanted = _parts(asked.path)
        operation = _OPERATIONS.get((kind, bool(wanted)))
        if operation is None or asked.method != "GET":
            return self._violation(f"scim has no {asked.method} {asked.path}")
        known = self._known(tenant, asked.headers)
        caller = tenant if known else "unknown"
        self.state.count(f"{SERVICE}.{operation}", caller)
        fired = self._faults(operation, caller, asked.query)
        prevented = self._early(fired)
        reply = prevented if prevented is not None else self._perform(known, kind, wanted, asked.query, fired)
        reply.delay = float(fired.get("latency", {}).get("seconds", 0.0)) + self.state.options.latency_ms / 1000
        reply.cut = "cut" in fired
        return reply

    def _known(self, tenant: str, headers: dict[str, str]) -> bool:
        there = self.state.scim
        authorization = headers.get("authorization", "")
        return there is not None and tenant == there.planned.tenant and authorization == f"Bearer {there.token}"

    def _faults(self, operation: str, caller: str, query: str) -> Fired:
        more = bool(re.search(r"(?:^|&)cursor=[^&]", query))
        fired = self.state.faults.firing(Seen(SERVICE, operation, caller, more, reads=True))
        if not self.state.rates.take(SERVICE, caller, self.state.now()):
            fired = {"throttle": {}} | fired
        return fired

    def _early(self, fired: Fired) -> Reply | None:
        """The reply of the faults that stand in the way of the request itself."""
        if "timeout" in fired or "drop" in fired:
            return Reply(500, b"", hang="timeout" in fired, drop="drop" in fired)
        if "garbage" in fired:
            body = fired["garbage"].get("body", "<html><body><h1>Sign in</h1></body></html>")
            return Reply(200, str(body).encode(), "text/html")
        if "redirect" in fired:
            return Reply(302, b"", headers={"location": str(fired["redirect"].get("to", _ELSEWHERE))})
        for kind, status in (("throttle", 429), ("unauthorized", 401), ("deny", 403), ("error", 500)):
            if kind in fired:
                return self._problem(int(fired[kind].get("status", status)), fired[kind])
        return None

    def _perform(self, known: bool, kind: str, wanted: str, query: str, fired: Fired) -> Reply:
        if not known:
            return self._problem(401)
        if kind == "ServiceProviderConfig":
            return self._json(resources.provider())
        directory = self._directory(fired)
        if wanted:
            table: Any = directory.people if kind == "Users" else directory.teams
            row = table.get(wanted)
            return self._problem(404) if row is None else self._json(_shown(kind, row))
        try:
            return self._json(self._list(directory, kind, query, fired))
        except Unfit:
            return self._problem(400)

    def _directory(self, fired: Fired) -> Directory:
        center = self.state.seen_center(fired.get("stale"))
        assert center is not None
        instance = center.organized or next(iter(center.instances.values()))
        return center.directories[instance.store]

    def _list(self, directory: Directory, kind: str, text: str, fired: Fired) -> dict[str, Any]:
        """One page. Without the word cursor there is no way to a second, and the total is that of the page: so it was
        seen, though the documentation does not say it."""
        assert self.state.scim is not None
        query = Query.read(kind, text, self.state.scim.older)
        rows = selected(directory, kind, query)
        size = query.count if query.cursor is None else self.state.mess.limit(query.count)
        page = list(itertools.islice(rows, size))
        more, last = next(rows, None) is not None, page[-1][0] if page else place(kind, query)
        found = [] if "empty" in fired else [_shown(kind, row) for _, row in page[:: 2 if "half" in fired else 1]]
        answer: dict[str, Any] = {"schemas": [resources.LIST], "itemsPerPage": len(found), "Resources": found}
        if query.cursor is None:
            return answer | {"totalResults": len(found), "startIndex": 1}
        if "repeat_token" in fired:
            return answer | {"nextCursor": query.cursor}
        if not more or "empty" in fired:
            return answer
        return answer | {"nextCursor": written(kind, query, last, self.state.mess.nonce())}

    def _json(self, body: dict[str, Any], status: int = 200) -> Reply:
        headers = {"x-amzn-requestid": self._request_id()}
        return Reply(status, json.dumps(body).encode(), "application/json", headers)

    def _problem(self, status: int, options: dict[str, Any] | None = None) -> Reply:
        reply = self._json(resources.problem(status, self._request_id(), int(self.state.now())), status)
        wait = (options or {}).get("retry_after", self.state.scim.retry_after if self.state.scim else None)
        if status == 429 and wait is not None:
            reply.headers["retry-after"] = str(wait)
        return reply

    def _request_id(self) -> str:
        number = digest(self.state.plan.seed, SERVICE, self.state.requests).hex()
        return f"{number[:8]}-{number[8:12]}-4{number[12:15]}-a{number[15:18]}-{number[18:30]}"

    def _violation(self, text: str) -> Reply:
        self.state.violations.append(text)
        return self._json(resources.problem(501, self._request_id(), int(self.state.now())), 501)


def _parts(path: str) -> tuple[str, str, str]:
    """Tenant, kind and id."""
    found = PATH.fullmatch(path)
    return (found[1], found[2] or "", found[3] or "") if found else ("", "", "")


def _shown(kind: str, row: Any) -> dict[str, Any]:
    return resources.user(row) if kind == "Users" else resources.group(row)
