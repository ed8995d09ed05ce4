"""A SCIM token goes into the request and nowhere else: no log at DEBUG, no message, no row, no span, no line."""

import traceback
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
import pytest_asyncio
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from grantwire.contracts.streams import SNAPSHOTS
from grantwire.graph import apply_seal, connectors
from grantwire.sandbox.identity_center.facts import DirectorySizes
from grantwire.sandbox.server import Sandbox, start
from grantwire.telemetry import tracing
from tests.integration.collectors.stage import Stage, bodies
from tests.integration.collectors.test_scim_service import LIST, connector, job, running
from tests.integration.scim.answers import LIST as PAGE
from tests.integration.scim.answers import row, saying, whole
from tests.integration.scim.listening import Everything, said
from tests.integration.scim.reading import TENANT
from tests.integration.scim.server import serving
from tests.support.nats import NatsServer
from tests.support.postgres import database_url, postgres_server, template_url

__all__ = ["database_url", "postgres_server", "said", "template_url"]


@pytest.fixture(scope="module")
def scim() -> Iterator[Sandbox]:
    sizes = DirectorySizes(users=3, groups=1)
    with start(3, users=2, groups=1, roles=4, identity_center="account", directory=sizes, scim=True) as sandbox:
        yield sandbox


@pytest.fixture
def spans() -> Iterator[InMemorySpanExporter]:
    exporter, before = InMemorySpanExporter(), tracing._current
    tracing.use(tracing.Providers(SimpleSpanProcessor(exporter)))
    yield exporter
    tracing.use(before)


@pytest_asyncio.fixture
async def stage(scim: Sandbox, database_url: str, spans: InMemorySpanExporter) -> AsyncIterator[Stage]:
    with NatsServer() as nats:
        async with running(scim, connector(scim), nats, database_url) as found:
            yield found


async def messages(stage: Stage) -> str:
    """Every message on every stream, headers and bodies."""
    stream, found = stage.client.jetstream(), []
    for info in await stream.streams_info():
        state = info.state
        for sequence in range(max(state.first_seq, 1), state.last_seq + 1) if state.messages else ():
            message = await stream.get_msg(str(info.config.name), sequence)
            found.append(f"{message.subject} {message.headers} {message.data!r}")
    return "\n".join(found)


async def rows(stage: Stage) -> str:
    """Every row of every table, as text."""
    found = []
    async with stage.graph.connection() as connection:
        tables = await connection.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        for table in tables:
            found += await connection.fetch(f'SELECT t::text FROM "{table["tablename"]}" t')
    return "\n".join(str(each[0]) for each in found)


async def collect(stage: Stage, **but: Any) -> str:
    """One more job, its seal applied; the reason it gave."""
    seal, told = await stage.collect(job(connector(stage.sandbox)), **but)
    found = bodies(seal, told) if seal.chunks else None
    await apply_seal(stage.graph, seal, found, traceparent=None)
    return seal.reason.code if seal.reason else seal.outcome.value


async def everywhere(stage: Stage, said: Everything, spans: InMemorySpanExporter, printed: Any) -> dict[str, str]:
    return {
        "logs": "\n".join(said.lines),
        "messages": await messages(stage),
        "rows": await rows(stage),
        "spans": "".join(each.to_json() for each in spans.get_finished_spans()),
        "printed": printed.out + printed.err,
    }


async def test_the_token_is_found_nowhere(
    stage: Stage, said: Everything, spans: InMemorySpanExporter, capsys: pytest.CaptureFixture[str]
) -> None:
    ends = [await collect(stage)]
    for rule in ({"kind": "unauthorized"}, {"kind": "deny"}, {"kind": "redirect"}, {"kind": "garbage", "times": 1}):
        stage.sandbox.fault({**rule, **LIST})
        ends.append(await collect(stage))
        stage.sandbox.control("DELETE", "faults")
    assert ends == ["complete", "denied", "denied", "final", "complete"]
    found = await everywhere(stage, said, spans, capsys.readouterr())
    assert all(found[where] for where in ("logs", "messages", "rows", "spans"))
    assert "send_request_headers" in found["logs"], "the transport was not heard"
    token = stage.sandbox.facts["scim"]["token"]
    assert [where for where, text in found.items() if token in text or token[20:50] in text] == []


async def test_an_answer_that_repeats_the_token_is_found_nowhere_either(
    scim: Sandbox, database_url: str, said: Everything, spans: InMemorySpanExporter, capsys: pytest.CaptureFixture[str]
) -> None:
    token = scim.facts["scim"]["token"]
    echo = saying(whole(PAGE | {"Resources": [row(1) | {"userName": token}]}))
    async with serving(echo) as there:
        settings = connector(scim, scim_endpoint=f"{there.url}{TENANT}")
        with NatsServer() as nats:
            async with running(scim, settings, nats, database_url, scim_allowed_origins=there.url) as stage:
                seal, _ = await stage.collect(job(settings))
                await apply_seal(stage.graph, seal, None, traceparent=None)
                found = await everywhere(stage, said, spans, capsys.readouterr())
    assert seal.reason
    assert "repeats the SCIM access token in its answer" in seal.reason.text
    assert [where for where, text in found.items() if token in text or token[20:50] in text] == []


async def test_what_is_said_would_be_found(stage: Stage) -> None:
    """The control: the same looking finds what was planted."""
    planted = "planted-canary-0123456789"
    await connectors.add_log(stage.graph, "prod", "info", planted)
    await stage.client.jetstream().publish("gw.snapshot.x.scim.y", planted.encode(), stream=SNAPSHOTS.name)
    assert planted in await rows(stage)
    assert planted in await messages(stage)


def test_settings_and_sources_do_not_show_it(scim: Sandbox) -> None:
    settings, token = connector(scim), scim.facts["scim"]["token"]
    assert token not in repr(settings)
    with pytest.raises(ValueError, match="scim") as caught:
        connector(scim, scim_token=token, scim="perhaps")
    assert token not in "".join(traceback.format_exception(caught.value))
