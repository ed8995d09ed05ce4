"""Answers that are refusals, cut, slow, huge or not SCIM: bounded, retried where that helps, and each a sentence."""

import gzip
import json
import time
from typing import Any

import pytest

from grantwire.aws import current_tally, tallying
from grantwire.contracts.failures import AwsCause, ScimError
from tests.integration.scim.answers import JSON, by_cursor, dripping, head, in_turn, row, saying, silent, whole
from tests.integration.scim.reading import read, reader
from tests.integration.scim.server import Answer, serving


async def failing(answer: Answer, **settings: Any) -> tuple[ScimError, int]:
    """The error, and how often was asked."""
    async with serving(answer) as server:
        with pytest.raises(ScimError) as caught:
            await read(server, **settings)
        return caught.value, len(server.asked)


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
async def test_what_may_pass_is_asked_again(status: int) -> None:
    refusal = saying(whole({"detail": "later"}, status=status))
    async with serving(in_turn(refusal, refusal, by_cursor(3))) as server, reader(server) as made:
        assert len((await made.users()).users) == 3
        assert made.calls == {"scim:ListUsers": 3}
        assert made.throttled == (2 if status == 429 else 0)


async def test_what_does_not_pass_is_given_up() -> None:
    error, asked = await failing(saying(whole("", status=429)))
    assert (error.cause, error.code, error.delay, asked) == (AwsCause.TRANSIENT, "ThrottlingException", None, 3)


async def test_a_wait_that_is_asked_for_is_kept() -> None:
    async with serving(in_turn(saying(whole("", status=429, Retry_After=1)), by_cursor(3))) as server:
        began = time.monotonic()
        assert len((await read(server, wait_max=5.0)).users) == 3
    assert time.monotonic() - began >= 1.0


async def test_a_wait_that_is_too_long_is_left_to_the_caller() -> None:
    error, asked = await failing(saying(whole("", status=503, Retry_After=3_600)))
    assert (error.cause, error.delay, asked) == (AwsCause.TRANSIENT, 3_600.0, 1)
    assert "asks to wait 3600 s" in str(error)


@pytest.mark.parametrize(
    ("status", "cause", "words"),
    [
        (401, AwsCause.DENIED, "rotate the token"),
        (403, AwsCause.DENIED, "automatic provisioning is still enabled"),
        (404, AwsCause.FINAL, "copy the endpoint once more"),
        (409, AwsCause.FINAL, "HTTP 409: what AWS says"),
        (204, AwsCause.FINAL, "HTTP 204"),
    ],
)
async def test_what_does_not_pass_is_asked_once(status: int, cause: AwsCause, words: str) -> None:
    error, asked = await failing(saying(whole({"detail": "what AWS says"}, status=status), close=True))
    assert (error.cause, asked) == (cause, 1)
    assert words in str(error)


async def test_a_refusal_is_told_without_waiting_for_its_body() -> None:
    endless = dripping(head(401, Content_Type=JSON, Transfer_Encoding="chunked"), b"1\r\nx\r\n", 0.01)
    error, asked = await failing(endless)
    assert (error.cause, asked) == (AwsCause.DENIED, 1)


@pytest.mark.parametrize("said", [b"x" * 20_000, b"<html>", json.dumps({"detail": ["a"]}).encode()])
async def test_a_refusal_without_words_is_a_refusal(said: bytes) -> None:
    error, _ = await failing(saying(whole(said, status=409), close=True))
    assert "(HTTP 409)" in str(error)


PAGE = json.dumps({"itemsPerPage": 1, "Resources": [row(1)]}).encode()
CUT = "cut or is not HTTP"
GARBAGE = [
    ("HTML", whole("<html>Sign in</html>", content_type="text/html"), "'text/html' instead of JSON"),
    ("no type", head(Content_Length=len(PAGE)) + PAGE, "of no stated type"),
    ("JSON said to be text", whole(PAGE, content_type="text/plain"), "'text/plain' instead of JSON"),
    ("nothing", whole(""), "is empty"),
    ("half of it", whole(PAGE[:-20]), "not well-formed JSON"),
    ("a list", whole([row(1)]), "not an object"),
    ("another object", whole({"message": "hello"}), "has no Resources"),
    ("a user without a name", whole({"Resources": [{"id": "1"}]}), "a user without userName"),
    ("not UTF-8", whole(PAGE.replace(b"Jane", b"\xff\xfe\xfd\xfc")), "not well-formed JSON"),
    ("UTF-16", whole(PAGE.decode().encode("utf-16")), "not well-formed JSON"),
    ("no number", whole(b'{"totalResults": NaN, "Resources": []}'), "not well-formed JSON"),
    ("deep nesting", whole(b'{"a":' * 100_000 + b"1" + b"}" * 100_000), "nested too deeply"),
    ("an endless number", whole(b'{"totalResults":' + b"9" * 10_000 + b"}"), "not well-formed JSON"),
    ("a cut body", head(Content_Type=JSON, Content_Length=len(PAGE)) + PAGE[:-5], CUT),
    ("a cut chunk", head(Content_Type=JSON, Transfer_Encoding="chunked") + b"ff\r\n" + PAGE[:20], CUT),
    ("a cut head", b"HTTP/1.1 200 OK\r\nContent-Ty", CUT),
    ("no HTTP", b"SSH-2.0-OpenSSH_9.6\r\n", CUT),
    ("no answer", b"", CUT),
    ("an endless head", b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 200_000, CUT),
    ("a folded head", b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n{}", CUT),
]


@pytest.mark.parametrize(("data", "why"), [row_[1:] for row_ in GARBAGE], ids=[row_[0] for row_ in GARBAGE])
async def test_garbage_is_refused_whole_and_asked_for_again(data: bytes, why: str) -> None:
    error, asked = await failing(saying(data, close=True), attempts=2)
    assert (error.cause, error.code, asked) == (AwsCause.TRANSIENT, "GarbledReply", 2)
    assert why in str(error)


async def test_a_connection_that_breaks_is_made_anew() -> None:
    async with serving(in_turn(saying(b"", close=True), by_cursor(3))) as server:
        assert len((await read(server)).users) == 3
    assert server.connections == 2


async def test_a_body_that_says_it_is_huge_is_not_read() -> None:
    error, asked = await failing(saying(head(Content_Type=JSON, Content_Length=10**12)))
    assert (error.cause, error.code, asked) == (AwsCause.FINAL, "Oversized", 1)


async def test_a_body_that_grows_beyond_the_limit_is_left() -> None:
    chunk = b"10000\r\n" + b" " * 65_536 + b"\r\n"
    error, asked = await failing(
        dripping(head(Content_Type=JSON, Transfer_Encoding="chunked"), chunk, 0.0), page_bytes=1_000_000
    )
    assert (error.cause, error.code, asked) == (AwsCause.FINAL, "Oversized", 1)


BOMB = gzip.compress(b" " * 20_000_000, 1)


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "zstd", "gzip, gzip"])
async def test_a_compressed_body_is_not_unpacked(encoding: str) -> None:
    error, asked = await failing(saying(whole(BOMB, Content_Encoding=encoding)))
    assert (error.cause, error.code, asked) == (AwsCause.FINAL, "Compressed", 1)


SLOW = [
    ("silence", silent, {"read_timeout": 0.2}),
    ("a slow body", dripping(head(Content_Type=JSON, Content_Length=10_000), b" ", 0.02), {"request_seconds": 0.3}),
    ("a slow head", dripping(b"HTTP/1.1 200 OK\r\n", b"X: y\r\n", 0.02), {"request_seconds": 0.3}),
    ("preliminaries for ever", dripping(b"", b"HTTP/1.1 100 Continue\r\n\r\n", 0.02), {"request_seconds": 0.3}),
]


@pytest.mark.parametrize(("answer", "limit"), [row_[1:] for row_ in SLOW], ids=[row_[0] for row_ in SLOW])
async def test_a_slow_answer_ends_at_the_limit_and_is_asked_for_again(answer: Answer, limit: dict[str, float]) -> None:
    began = time.monotonic()
    error, asked = await failing(answer, attempts=2, **limit)
    assert (error.cause, error.code, asked) == (AwsCause.TRANSIENT, "Timeout", 2)
    assert time.monotonic() - began < 20.0, "it waited as long as for any other answer"


async def test_after_a_slow_answer_the_next_one_is_read() -> None:
    async with serving(in_turn(silent, by_cursor(3))) as server:
        assert len((await read(server, request_seconds=1.0)).users) == 3


async def test_nobody_listens() -> None:
    async with serving(silent) as server:
        pass
    with pytest.raises(ScimError, match="could not be reached") as caught:
        await read(server, attempts=1)
    assert (caught.value.cause, caught.value.code) == (AwsCause.TRANSIENT, "Unreachable")


async def test_every_request_and_how_it_ended_is_told() -> None:
    """To whoever counts AWS calls: the same numbers, by the same names."""
    answers = [
        saying(whole("", status=429)),
        saying(whole("", status=500)),
        saying(whole(PAGE[:-20])),
        saying(b"", close=True),
        by_cursor(3),
    ]
    with tallying() as tally:
        async with serving(in_turn(*answers)) as server, reader(server, attempts=5, counting=current_tally()) as made:
            await made.users()
    assert (tally.calls, tally.throttled) == ({"scim:ListUsers": 5}, 1)
    ended = {outcome: count for (_, outcome), count in tally.outcomes().items()}
    assert ended == {"throttled": 1, "refused": 1, "broken": 2, "ok": 1}
    assert len(tally.took()) == 3
