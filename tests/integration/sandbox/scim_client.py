"""Requests to the sandbox's SCIM endpoint, as any HTTP client makes them."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

import httpx

from grantwire.sandbox.server import Sandbox

Rows = list[dict[str, Any]]


@cache
def client() -> httpx.Client:
    return httpx.Client(verify=False, trust_env=False, timeout=60)


def ask(sandbox: Sandbox, path: str = "Users", *, token: str | None = None, **query: str) -> httpx.Response:
    """One GET. ``token`` is the one of the facts unless given."""
    given = sandbox.facts["scim"]
    headers = {"Authorization": f"Bearer {token or given['token']}"}
    return client().get(f"{given['endpoint']}{path}", params=query, headers=headers)


def pages(sandbox: Sandbox, path: str = "Users", **query: str) -> Iterator[dict[str, Any]]:
    """Every page by cursor. A cursor that comes again fails the test."""
    cursor, seen = "", set[str]()
    while True:
        answer = ask(sandbox, path, cursor=cursor, **query)
        assert answer.status_code == 200, answer.text
        yield answer.json()
        cursor = answer.json().get("nextCursor", "")
        if not cursor:
            return
        assert cursor not in seen
        seen.add(cursor)


def rows(sandbox: Sandbox, path: str = "Users", **query: str) -> Rows:
    """Every row of a list by cursor."""
    return [row for page in pages(sandbox, path, **query) for row in page["Resources"]]
