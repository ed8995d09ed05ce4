"""Who may speak to the api: the rules as a table, and the middleware in front of a small application."""

from collections.abc import AsyncIterator

import httpx
import pytest
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from grantwire.api.guards import BODY_LIMIT, Guard, Rules, is_bearer, is_loopback

TOKEN = "correct-horse"
GOOD = {"host": "127.0.0.1:8470", "authorization": f"Bearer {TOKEN}"}
RULES = Rules(TOKEN, 8470, "grants.example.com")


async def echo(scope: Scope, receive: Receive, send: Send) -> None:
    body = await Request(scope, receive).body()
    await PlainTextResponse(f"{len(body)} bytes")(scope, receive, send)


def client(rules: Rules = RULES) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(Guard(echo, rules)), base_url="http://127.0.0.1:8470")


@pytest.mark.parametrize(
    ("host", "known"),
    [
        ("127.0.0.1:8470", True),
        ("localhost:8470", True),
        ("LocalHost:8470", True),
        ("127.1.2.3:8470", True),  # all of 127/8 is this machine
        ("[::1]:8470", True),
        ("grants.example.com", True),  # the configured public host
        ("grants.example.com:8470", False),  # and only as it is configured
        ("127.0.0.1", False),  # another port
        ("127.0.0.1:8471", False),
        ("localhost.evil.example:8470", False),
        ("evil.example:8470", False),
        ("127.0.0.1:8470@evil.example", False),
        ("user@127.0.0.1:8470", False),
        ("127.0.0.1:port", False),
        ("10.0.0.1:8470", False),
        ("", False),
    ],
)
async def test_only_our_own_host_is_answered(host: str, known: bool) -> None:
    async with client() as http:
        answer = await http.get("/v1/status", headers={**GOOD, "host": host})
    assert answer.status_code == (200 if known else 403)


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        ("http://127.0.0.1:8470", 200),
        ("https://grants.example.com", 200),
        ("http://localhost:3000", 403),
        ("https://evil.example", 403),
        ("file://127.0.0.1:8470", 403),
        ("null", 403),
    ],
)
async def test_only_our_own_pages_may_ask(origin: str, status: int) -> None:
    async with client() as http:
        answer = await http.post("/v1/connectors", headers={**GOOD, "origin": origin})
    assert answer.status_code == status


@pytest.mark.parametrize(
    "authorization",
    ["", "Bearer", "Bearer ", "Bearer wrong", f"Basic {TOKEN}", TOKEN, f"Bearer {TOKEN} x", "Bearer correct-horsé"],
)
async def test_without_the_token_nothing_is_answered(authorization: str) -> None:
    headers = [(b"host", b"127.0.0.1:8470"), (b"authorization", authorization.encode())]
    async with client() as http:
        answer = await http.get("/v1/status", headers=headers)
    assert answer.status_code == 401
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["www-authenticate"].startswith("Bearer")
    assert "admin-token" in answer.json()["next_step"]


async def test_a_token_elsewhere_than_in_the_header_does_not_count() -> None:
    async with client() as http:
        answer = await http.get(f"/v1/status?token={TOKEN}", headers={"host": GOOD["host"], "cookie": f"token={TOKEN}"})
    assert answer.status_code == 401


async def test_health_needs_no_token_but_our_own_host() -> None:
    async with client() as http:
        assert (await http.get("/healthz", headers={"host": GOOD["host"]})).status_code == 200
        assert (await http.get("/healthz", headers={"host": "evil.example"})).status_code == 403
        assert (await http.get("/healthz/x", headers={"host": GOOD["host"]})).status_code == 401


async def test_a_foreign_page_is_refused_before_its_token_is_looked_at() -> None:
    async with client() as http:
        answer = await http.get("/v1/status", headers={"host": "evil.example:8470"})
    assert answer.status_code == 403
    assert answer.json()["type"] == "urn:grantwire:problem:foreign-host"


def test_two_hosts_or_tokens_are_none() -> None:
    assert RULES.refuse("/healthz", {"host": ["127.0.0.1:8470", "127.0.0.1:8470"]}) is not None
    assert not is_bearer([f"Bearer {TOKEN}"] * 2, TOKEN)
    assert not is_bearer(["Bearer "], "")


def test_the_plain_port_of_http_is_80() -> None:
    assert is_loopback("localhost", 80)
    assert not is_loopback("localhost", 8470)


@pytest.mark.parametrize(("size", "status"), [(0, 200), (BODY_LIMIT, 200), (BODY_LIMIT + 1, 413)])
async def test_a_body_has_a_limit(size: int, status: int) -> None:
    async with client() as http:
        answer = await http.post("/v1/connectors", headers=GOOD, content=b"x" * size)
    assert answer.status_code == status
    if status == 200:
        assert answer.text == f"{size} bytes"


async def test_a_body_that_does_not_say_its_length_has_the_same_limit() -> None:
    async def endless() -> AsyncIterator[bytes]:
        while True:
            yield b"x" * 65_536

    async with client() as http:
        answer = await http.post("/v1/connectors", headers=GOOD, content=endless())
    assert answer.status_code == 413
    assert answer.json()["next_step"]


async def test_a_length_that_is_no_number_is_refused() -> None:
    assert (problem := RULES.refuse("/v1/status", {**{k: [v] for k, v in GOOD.items()}, "content-length": ["-1"]}))
    assert problem.status == 413
