"""The bus loses what it carried: a command that was accepted is carried out all the same, and told."""

import json
from typing import Any

import nats
import pytest

from grantwire import bus
from grantwire.graph import Graph
from tests.support import everything, following
from tests.support.commanded import SIZE, Scene, assigned
from tests.support.commanding import Desk, command
from tests.support.eventually import eventually
from tests.support.house import House, house, use
from tests.support.keys import KEYS
from tests.support.nats import NatsServer
from tests.support.postgres import database_url, postgres_server, template_url
from tests.support.world import sandbox

__all__ = ["database_url", "postgres_server", "template_url"]


@pytest.mark.parametrize("streams", [("COMMANDS",), ("COMMANDS", "OUTCOMES", "SNAPSHOTS")], ids="+".join)
async def test_streams_that_are_lost_after_the_command_was_accepted_lose_nothing(
    database_url: str, monkeypatch: pytest.MonkeyPatch, streams: tuple[str, ...]
) -> None:
    """The services end when their consumers are gone, the streams are made again, and others take over."""
    soon: Any = {"provisioner_claim": 8.0, "provisioner_unsure": 1.0}
    with sandbox(4, *SIZE) as aws, NatsServer() as server:
        use(aws, monkeypatch)
        async with Graph.open(database_url, application_name="tests", keys=KEYS) as graph:
            async with house(database_url, server.url, **soon):
                settings = everything.settings(aws, sync_secrets=False, scim=False, provisioning=True)
                await following.add(graph, settings, aws.organization, identity_center=everything.instance(aws))
                await following.sync(graph, "prod")
                rows = [json.loads(line) for line in await following.export(graph)]
                scene = Scene(aws, House(graph, database_url, server.url), Desk(server.url), rows)
                aws.text("identity-center", "POST", {"delay": 300})
                asked = command("grant", *assigned("identity_user")(scene, scene.account), scene.account)
                await scene.desk.send(asked)
                await eventually(lambda: _state(graph, asked.id, "waiting"), what="AWS to work on it")
            await _lose(server.url, streams)
            await bus.apply(server.url)
            async with house(database_url, server.url, **soon):
                aws.text("clock", "POST", {"advance": 301})
                told = await scene.desk.outcome(asked, timeout=60)
        assert told.state == "granted", told.body
        assert [name for name, _ in scene.written()].count("CreateAccountAssignment") == 1


async def _state(graph: Graph, id: Any, step: str) -> bool:
    async with graph.connection() as connection:
        return bool(await connection.fetchval("SELECT step FROM operation WHERE id = $1", id) == step)


async def _lose(url: str, streams: tuple[str, ...]) -> None:
    client = await nats.connect(url)
    try:
        for each in streams:
            await client.jetstream().delete_stream(each)
    finally:
        await client.close()
