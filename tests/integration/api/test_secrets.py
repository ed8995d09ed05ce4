"""The key of connectors' secrets: `grantwire secrets`, the api without the right key, and the api when it starts."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from structlog.testing import capture_logs

from grantwire import bus
from grantwire.api.service import Settings, assemble, build
from grantwire.client import FakeGrantwire
from grantwire.contracts.connectors import Connector
from grantwire.graph import Graph, connectors, resealing
from grantwire.graph.keys import Keys
from tests.integration.api.conftest import ROLE, Door, Stage
from tests.support.commands import Done, grantwire
from tests.support.keys import OTHER, OTHER_KEY, SECRET_KEY

SECRETS = {"external_id": "canary-1", "scim_token": "canary-2"}


def command(urls: dict[str, str], *arguments: str, **given: str) -> Done:
    return grantwire("secrets", *arguments, env={"GRANTWIRE_DATABASE_URL": urls["database_url"], **given})


@asynccontextmanager
async def api_with(urls: dict[str, str], keys: Keys) -> AsyncIterator[httpx.AsyncClient]:
    """The application on the same database, with other keys."""
    async with Graph.open(urls["database_url"], application_name="test", keys=keys) as graph:
        broker = bus.broker(urls["nats_url"], service="api")
        transport = httpx.ASGITransport(assemble(graph, broker, Door(), FakeGrantwire()), raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as http:
            yield http


async def save(http: httpx.AsyncClient, **fields: Any) -> httpx.Response:
    return await http.post("/v1/connectors", json={"id": "prod", "role_arn": ROLE, **fields})


async def in_clear(graph: Graph) -> None:
    """As an earlier version stored it."""
    clear = Connector.model_validate({"id": "prod", "role_arn": ROLE, **SECRETS}).model_dump(mode="json")
    async with graph.connection() as connection:
        for table in ("connector", "connector_version"):
            await connection.execute(f"UPDATE {table} SET settings = $1", clear)


async def test_without_a_key_the_api_says_so_and_keeps_nothing(stage: Stage, urls: dict[str, str]) -> None:
    async with api_with(urls, Keys()) as http:
        refused = await save(http, **SECRETS)
        assert refused.status_code == 500 and refused.json()["type"] == "urn:grantwire:problem:secret-key"
        assert "external_id of connector 'prod' cannot be kept" in refused.json()["detail"]
        assert "GRANTWIRE_SECRET_KEY_FILE" in refused.json()["detail"] and "canary" not in refused.text
        assert (await http.get("/v1/connectors")).json() == {"connectors": []}
        assert (await save(http)).status_code == 201, "one without secrets needs no key"


async def test_another_key_shows_and_replaces_but_does_not_read(stage: Stage, urls: dict[str, str]) -> None:
    assert (await stage.add(**SECRETS)).status_code == 201
    async with api_with(urls, OTHER) as http:
        shown = (await http.get("/v1/connectors/prod")).json()["settings"]
        assert (shown["external_id"], shown["scim_token"], shown["child_external_id"]) == ("set", "set", None)
        again = (await save(http, **SECRETS)).json()
        assert again["run"] and again["connector"]["settings_version"] == 2, "that it is the same nobody can say"
        assert (await save(http, **SECRETS)).json()["run"] is None, "now it is"


async def test_secrets_are_counted_and_renewed(stage: Stage, urls: dict[str, str]) -> None:
    await stage.add(**SECRETS)
    check = command(urls, "check", GRANTWIRE_SECRET_KEY=SECRET_KEY)
    assert (check.code, check.out) == (0, "in clear\t0\nkey 9684eeaf\t4\n"), check.err
    both = f"{OTHER_KEY},{SECRET_KEY}"
    rotated = command(urls, "rotate", "--json", GRANTWIRE_SECRET_KEY=both)
    assert (rotated.code, rotated.json["renewed"]) == (0, 4), rotated.err
    assert command(urls, "rotate", "--json", GRANTWIRE_SECRET_KEY=both).json["renewed"] == 0
    alone = command(urls, "check", "--json", GRANTWIRE_SECRET_KEY=OTHER_KEY)
    assert (alone.code, alone.json["sealed"], alone.json["unreadable"]) == (0, {"f31762ba": 4}, [])


async def test_what_is_not_as_it_should_be_ends_with_1(stage: Stage, urls: dict[str, str]) -> None:
    await stage.add(**SECRETS)
    lost = command(urls, "check", GRANTWIRE_SECRET_KEY=OTHER_KEY)
    assert lost.code == 1 and "scim_token of connector 'prod' cannot be read" in lost.err
    assert command(urls, "rotate", GRANTWIRE_SECRET_KEY=OTHER_KEY).code == 1
    keyless = command(urls, "rotate", GRANTWIRE_SECRET_KEY="")
    assert keyless.code == 1 and "grantwire secrets new-key" in keyless.err
    await in_clear(stage.graph)
    clear = command(urls, "check", GRANTWIRE_SECRET_KEY=SECRET_KEY)
    assert clear.code == 1 and "in clear\t4" in clear.out and "secrets rotate" in clear.err
    assert command(urls, "rotate", GRANTWIRE_SECRET_KEY=SECRET_KEY).code == 0
    assert command(urls, "check", GRANTWIRE_SECRET_KEY=SECRET_KEY).code == 0


def test_a_new_key_fills_a_file(tmp_path: Any, urls: dict[str, str]) -> None:
    file = tmp_path / "secret-key"
    file.write_text(grantwire("secrets", "new-key").out + SECRET_KEY + "\n")
    assert len(Keys.parse(file.read_text(), "x").ids) == 2
    assert command(urls, "check", GRANTWIRE_SECRET_KEY_FILE=str(file)).code == 0
    file.write_text("")
    empty = command(urls, "check", GRANTWIRE_SECRET_KEY_FILE=str(file))
    assert empty.code == 1 and f"The secret key file {file} is empty" in empty.err
    gone = command(urls, "check", GRANTWIRE_SECRET_KEY_FILE=str(tmp_path / "none"))
    assert gone.code == 1 and "cannot be read: No such file or directory." in gone.err


async def test_the_api_seals_what_was_in_clear_when_it_starts(stage: Stage, urls: dict[str, str]) -> None:
    await stage.add(**SECRETS)
    await in_clear(stage.graph)
    said = await started(urls)
    assert ("secrets are stored in clear, for no key was given", 4) in said
    said = await started(urls, secret_key=SECRET_KEY)
    assert ("secrets encrypted", 4) in said
    assert (await resealing.check(stage.graph)).sealed == {"9684eeaf": 4}
    assert (await connectors.settings(stage.graph, "prod", 1)).scim_token == "canary-2"
    said = await started(urls, secret_key=OTHER_KEY)
    assert [event for event, _ in said].count("a secret cannot be read") == 2, "each once, not by version"


async def started(urls: dict[str, str], **given: str) -> list[tuple[str, Any]]:
    """What the service says while it starts."""
    told = {"database_url": urls["database_url"], "nats_url": urls["nats_url"], "admin_token": "t", "api_port": 0}
    with capture_logs() as lines:
        async with asyncio.timeout(120), build(Settings.model_validate(told | given)):
            pass
    return [(line["event"], line.get("count")) for line in lines]


@pytest.mark.parametrize("wrong", ["hunter2", f"{SECRET_KEY} hunter2"])
def test_a_service_does_not_start_with_a_malformed_key(urls: dict[str, str], wrong: str) -> None:
    told = {"GRANTWIRE_DATABASE_URL": urls["database_url"], "GRANTWIRE_NATS_URL": urls["nats_url"]}
    done = grantwire("run", "collector-iam", env=told | {"GRANTWIRE_SECRET_KEY": wrong})
    assert done.code == 1
    assert "in GRANTWIRE_SECRET_KEY is not a key" in done.err and "hunter2" not in done.err
    assert "Traceback" not in done.err
