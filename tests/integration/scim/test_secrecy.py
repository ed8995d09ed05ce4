"""A planted token is found in no log, error, repr, trace or printed line, at the level where every library talks."""

import asyncio
import json
import traceback

import httpx
import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from grantwire.contracts.failures import ScimError
from grantwire.telemetry import span
from tests.integration.scim.answers import LIST, by_cursor, row, saying, whole
from tests.integration.scim.listening import Everything, said
from tests.integration.scim.reading import TOKEN, read, reader
from tests.integration.scim.server import Answer, Asked, Write, serving

__all__ = ["said"]

ESCAPED = "".join(f"\\u{ord(letter):04x}" for letter in TOKEN)
NEXT = LIST | {"itemsPerPage": 1, "Resources": [row(1)]}


async def in_two_pieces(_asked: Asked, write: Write) -> None:
    data = whole(NEXT | {"nextCursor": TOKEN})
    await write(data[:-20])
    await asyncio.sleep(0.05)
    await write(data[-20:])


GOOD = [("by cursor", by_cursor(150)), ("a refusal", saying(whole({"detail": "no"}, status=401), close=True))]
REPEATED = [
    ("in a user", saying(whole({"Resources": [row(1) | {"userName": TOKEN}]}))),
    ("as the cursor", saying(whole(NEXT | {"nextCursor": TOKEN}))),
    ("escaped", saying(whole(json.dumps(NEXT)[:-1] + f', "nextCursor": "{ESCAPED}"}}'))),
    ("in a header", saying(whole(NEXT, X_Echo=f"Bearer {TOKEN}"))),
    ("in the reason", saying(f"HTTP/1.1 500 {TOKEN}\r\n\r\n".encode(), close=True)),
    ("instead of HTTP", saying(f"{TOKEN}\r\n\r\n".encode(), close=True)),
    ("in a refusal", saying(whole({"detail": f"{TOKEN} is not known"}, status=409), close=True)),
    ("escaped in a refusal", saying(whole(f'{{"detail": "{ESCAPED}"}}', status=409), close=True)),
    ("in a redirect", saying(whole("", status=302, Location=f"https://evil.example/?token={TOKEN}"))),
    ("as the type", saying(whole(NEXT, content_type=TOKEN))),
    ("in two pieces", in_two_pieces),
]


async def told(answer: Answer) -> tuple[str, str]:
    """The error as it may be printed, locals and all, and what a trace of it says."""
    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    shown = ""
    async with serving(answer) as server, reader(server, request_seconds=0.5, attempts=2) as opened:
        try:
            with span(provider.get_tracer("test"), "read"):
                shown = repr((await opened.users(), opened, opened.__dict__, opened._http.__dict__))
        except ScimError as error:
            whole_story = traceback.TracebackException.from_exception(error, capture_locals=True)
            shown = "".join(whole_story.format()) + repr(error) + repr(error.__dict__)
    return shown, "".join(each.to_json() for each in exporter.get_finished_spans())


@pytest.mark.parametrize("answer", [each[1] for each in GOOD + REPEATED], ids=[each[0] for each in GOOD + REPEATED])
async def test_the_token_is_found_nowhere(answer: Answer, said: Everything, capsys: pytest.CaptureFixture[str]) -> None:
    shown, traced = await told(answer)
    printed = capsys.readouterr()
    assert any("send_request_headers" in line for line in said.lines), "the transport was not heard"
    assert shown and traced
    assert TOKEN not in shown
    for where in ("\n".join(said.lines), traced, printed.out, printed.err):
        assert TOKEN[10:30] not in where


@pytest.mark.parametrize("answer", [each[1] for each in REPEATED], ids=[each[0] for each in REPEATED])
async def test_an_answer_that_repeats_the_token_is_thrown_away(answer: Answer) -> None:
    async with serving(answer) as server:
        with pytest.raises(ScimError) as caught:
            await read(server, attempts=1)
    assert caught.value.code in ("TokenRepeated", "UnknownStatus")


async def test_a_token_that_is_said_would_be_found(said: Everything) -> None:
    """The control: the same listening finds a request that is made in the usual way."""
    async with serving(by_cursor(3)) as server, httpx.AsyncClient() as usual:
        await usual.get(f"{server.url}/Users", params={"access_token": TOKEN[:20]})
    assert any(TOKEN[7:20] in line for line in said.lines)
