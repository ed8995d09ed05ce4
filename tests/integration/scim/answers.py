"""Answers of a SCIM endpoint: AWS's two forms of paging, and every way an answer can go wrong."""

import asyncio
import json
from collections.abc import Sequence
from typing import Any

from tests.integration.scim.server import Answer, Asked, Close, Write

JSON = "application/json"


def head(status: int = 200, **headers: object) -> bytes:
    lines = [f"HTTP/1.1 {status} Status", *(f"{name.replace('_', '-')}: {value}" for name, value in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


def whole(body: bytes | str | Any, status: int = 200, content_type: str = JSON, **headers: object) -> bytes:
    """A complete answer. What is neither bytes nor text becomes JSON."""
    text = body if isinstance(body, bytes | str) else json.dumps(body)
    data = text.encode() if isinstance(text, str) else text
    return head(status, Content_Type=content_type, Content_Length=len(data), **headers) + data


def saying(data: bytes, *, close: bool = False) -> Answer:
    """These bytes, whatever is asked. ``close`` ends the connection after them."""

    async def answer(_asked: Asked, write: Write) -> None:
        await write(data)
        if close:
            raise Close

    return answer


def in_turn(*answers: Answer) -> Answer:
    """One answer after the other; the last one from then on."""
    left = list(answers)

    async def answer(asked: Asked, write: Write) -> None:
        await (left.pop(0) if len(left) > 1 else left[0])(asked, write)

    return answer


def dripping(start: bytes, drop: bytes, every: float) -> Answer:
    """Never ends, and is never silent for long."""

    async def answer(_asked: Asked, write: Write) -> None:
        await write(start)
        while True:
            await write(drop)
            await asyncio.sleep(every)

    return answer


async def silent(_asked: Asked, _write: Write) -> None:
    await asyncio.Event().wait()


def row(number: int) -> dict[str, Any]:
    return {
        "id": f"90671234ab-{number:08d}",
        "externalId": f"00u{number}",
        "userName": f"user{number}@example.com",
        "name": {"familyName": "Doe", "givenName": f"Jane{number}"},
        "displayName": f"Jane{number} Doe",
        "active": number % 3 != 0,
        "emails": [{"value": f"user{number}@example.com", "type": "work", "primary": True}],
        "meta": {"resourceType": "User", "created": "2020-03-31T02:36:15Z", "lastModified": "2020-03-31T02:36:15Z"},
    }


LIST = {"schemas": ["urn:ietf:params:scim:api:messages:2.0:ListResponse"]}


def by_cursor(count: int, *, lose: Sequence[int] = ()) -> Answer:
    """AWS's answer of today. Without the word cursor: the other form, and no way beyond its page."""
    rows = [row(number) for number in range(count) if number not in lose]

    async def answer(asked: Asked, write: Write) -> None:
        size = min(int(asked.query.get("count", 100)), 100)
        cursor = asked.query.get("cursor")
        if cursor is None:
            await write(whole(LIST | {"totalResults": len(rows[:size]), "startIndex": 1, "Resources": rows[:size]}))
            return
        start = int(cursor.rpartition(":")[2].rstrip("=") or 0)
        page: dict[str, Any] = LIST | {"itemsPerPage": size, "Resources": rows[start : start + size]}
        if start + size < len(rows):
            page["nextCursor"] = f"a+/_-b:{start + size}=="
        await write(whole(page, content_type="application/scim+json;charset=UTF-8"))

    return answer


def older(count: int, total: int | None = None) -> Answer:
    """50 users at most; no parameter is heeded, and the total repeats the page unless it is given."""
    rows = [row(number) for number in range(count)][:50]
    told = {"totalResults": len(rows) if total is None else total, "itemsPerPage": 50, "startIndex": 1}

    async def answer(_asked: Asked, write: Write) -> None:
        await write(whole(LIST | told | {"Resources": rows}))

    return answer
