"""A team in an account of its own: what it sends carries its name, what it hears is its own."""

import asyncio
import json
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import Error as NatsError

from grantwire import bus
from grantwire.bus.readback import stored
from grantwire.contracts.failures import GrantwireError
from grantwire.contracts.streams import COMMANDS, GRANT_ACCESS
from grantwire.contracts.subjects import CHANGES_INFO
from grantwire.identity import accounts, new_seed, public_key, text
from grantwire.identity.accounts import Block
from grantwire.local.nats import find_nats_server
from grantwire.telemetry import monotonic
from tests.integration.bus.keyed import TEAMS, Keyed, keyed
from tests.support.eventually import eventually

GRANT = "gw.cmd.prod.123456789012.grant"


@pytest_asyncio.fixture
async def house() -> AsyncIterator[Keyed]:
    """The streams, made by the admin."""
    with keyed() as running:
        await bus.apply(running.server.url, seed=running.seeds["admin"])
        yield running


async def commands(house: Keyed) -> list[str]:
    """The subjects that COMMANDS holds, as the admin reads them."""
    async with house.connected("admin") as (admin, _):
        found = [each async for each in stored(admin, "COMMANDS", "gw.cmd.>", 1, deadline=monotonic() + 60)]
    return [each.subject for each in found]


async def send(team: Client, subject: str, id: str) -> dict[str, object]:
    answer = await team.request(subject, b"{}", timeout=30, headers={"Nats-Msg-Id": id})
    told: dict[str, object] = json.loads(answer.data)
    return told


async def test_a_command_is_acknowledged_and_stored_under_the_name_of_the_team_that_sent_it(house: Keyed) -> None:
    async with house.connected("payments") as (payments, _), house.connected("billing") as (billing, _):
        first = await send(payments, GRANT, "1")
        again = await send(payments, GRANT, "1")
        other = await send(billing, GRANT, "2")
    assert first["stream"] == "COMMANDS" and again["seq"] == first["seq"] and again["duplicate"] is True
    assert other["seq"] != first["seq"]
    assert await commands(house) == [
        "gw.cmd.payments.prod.123456789012.grant",
        "gw.cmd.billing.prod.123456789012.grant",
    ]


@pytest.mark.parametrize("name", ["payments", "operators", "billing"])
async def test_a_team_cannot_speak_as_another_nor_twice_with_its_own_name(house: Keyed, name: str) -> None:
    subject = f"gw.cmd.{name}.prod.123456789012.grant"
    assert await house.denied("billing", [subject], []) == {("publish", subject)}
    assert await commands(house) == []


async def test_a_team_can_publish_nothing_but_commands_into_the_house(house: Keyed) -> None:
    wanted = [
        "gw.outcome.prod.1.grant",
        "gw.change.a.b.c",
        "gw.snapshot.a.iam.c",
        "gw.resources.a.iam.c",
        "gw.fence.a.iam.c",
        "gw.job.iam.a.b",
    ]
    assert await house.denied("billing", wanted, []) == {("publish", each) for each in wanted}


async def test_an_outcome_is_heard_by_its_team_alone_and_by_people_as_operators(house: Keyed) -> None:
    async with (
        house.connected("payments") as (payments, _),
        house.connected("billing") as (billing, _),
        house.connected("api") as (api, _),
        house.connected("relay") as (relay, _),
    ):
        heard = [await each.subscribe("gw.outcome.>") for each in (payments, billing)]
        people = await api.subscribe("gw.outcome.operators.>")
        await settled(payments, billing, api)
        for team in ("payments", "operators", "billing"):
            await relay.request(f"gw.outcome.{team}.prod.123456789012.grant", team.encode(), timeout=30)
        assert [(await each.next_msg(30)).data for each in (*heard, people)] == [b"payments", b"billing", b"operators"]
        await settled(payments, billing, api)
        assert [each.pending_msgs for each in (*heard, people)] == [0, 0, 0]


async def test_a_question_reaches_the_provisioner_with_the_name_of_the_team_that_asks(house: Keyed) -> None:
    async def answer(message: Msg) -> None:
        await message.respond(message.subject.encode())

    async with (
        house.connected("provisioner") as (provisioner, denials),
        house.connected("payments") as (payments, _),
        house.connected("api") as (api, _),
    ):
        await provisioner.subscribe("gw.ask.*.*", queue="provisioner", cb=answer)
        await settled(provisioner)
        assert (await payments.request("gw.ask.7", timeout=30)).data == b"gw.ask.payments.7"
        assert (await api.request("gw.ask.operators.7", timeout=30)).data == b"gw.ask.operators.7"
        assert denials == []


async def test_changes_are_heard_and_read_from_a_cursor(house: Keyed) -> None:
    async with house.connected("relay") as (relay, _), house.connected("billing") as (billing, denials):
        live = await billing.subscribe("gw.change.>")
        await settled(billing)
        for number in range(150):  # more than two pages
            await relay.publish("gw.change.prod.123456789012.iam_user", str(number).encode())
        await relay.request("gw.change.prod.123456789012.iam_role", b"150", timeout=30)
        bounds = json.loads((await billing.request(CHANGES_INFO, timeout=30)).data)["state"]
        first = int(bounds["first_seq"])
        read = [each async for each in stored(billing, "CHANGES", "gw.change.>", first + 3, deadline=monotonic() + 60)]
        assert [int(each.body) for each in read] == list(range(3, 151))
        assert [int((await live.next_msg(30)).data) for _ in range(151)] == list(range(151))
        assert denials == []


async def test_a_team_reads_no_stream_but_changes(house: Keyed) -> None:
    asked = [f"$JS.API.DIRECT.GET.{stream}" for stream in ("COMMANDS", "OUTCOMES", "SNAPSHOTS", "JOBS", "DEAD")]
    assert await house.denied("billing", asked, []) == {("publish", each) for each in asked}


async def test_a_team_added_by_a_reload_is_let_in_and_one_taken_out_is_shut_out(house: Keyed) -> None:
    async with house.connected("payments") as (payments, _), house.connected("relay") as (relay, _):
        await house.reload("payments", "research")
        async with house.connected("research") as (research, _):
            assert (await send(research, GRANT, "1"))["stream"] == "COMMANDS"
            assert (await send(payments, GRANT, "2"))["stream"] == "COMMANDS"
        await house.reload("research")
        await eventually(lambda: payments.is_closed, what="the end of the connection")
        with pytest.raises(NatsError, match=r"(?i)authorization"):
            async with house.connected("payments"):
                pass
        assert relay.is_connected
    assert await commands(house) == [f"gw.cmd.{team}.prod.123456789012.grant" for team in ("research", "payments")]


def test_the_server_refuses_an_import_of_what_is_another_team_s(tmp_path: Path) -> None:
    """The exports name who may import them, so a mistake in a team's own part opens nothing."""
    keys = {team: public_key(new_seed()) for team in TEAMS}
    block = accounts({}, keys)
    assert checked(tmp_path, block) == ""
    for each in block["team-billing"]["imports"][:3]:
        kind = "service" if "service" in each else "stream"
        stolen = {kind: {**each[kind], "subject": each[kind]["subject"].replace("billing", "payments")}}
        said = checked(tmp_path, block | {"team-billing": {"imports": [stolen]}})
        assert "import not authorized" in said, each


def test_without_a_team_nothing_is_exported() -> None:
    assert accounts({}, {})["GRANTWIRE"] == {"jetstream": "enabled", "users": [], "exports": []}


async def test_who_was_there_before_a_reload_hears_sends_and_asks_as_before(house: Keyed) -> None:
    """Subscriptions, a waiting fetch and an answering service outlive two reloads, and the new team has all of it."""

    async def answer(message: Msg) -> None:
        await message.respond(message.subject.encode())

    async with (
        house.connected("payments") as (payments, _),
        house.connected("relay") as (relay, _),
        house.connected("provisioner") as (provisioner, _),
    ):
        await provisioner.subscribe("gw.ask.*.*", cb=answer)
        heard = {"payments": [await payments.subscribe(each) for each in ("gw.change.>", "gw.outcome.>")]}
        grants = await provisioner.jetstream().pull_subscribe_bind(GRANT_ACCESS.name, stream=COMMANDS.name)
        waiting = asyncio.create_task(grants.fetch(1, timeout=60))
        await settled(payments, provisioner)
        await house.reload("payments", "research")
        async with house.connected("research") as (research, _):
            heard["research"] = [await research.subscribe(each) for each in ("gw.change.>", "gw.outcome.>")]
            await settled(research)
            await send(payments, GRANT, "1")
            [command] = await waiting
            assert command.subject == "gw.cmd.payments.prod.123456789012.grant"
            await relay.request("gw.change.prod.-.iam_user", b"change", timeout=30)
            for team, client in (("payments", payments), ("research", research)):
                await relay.request(f"gw.outcome.{team}.prod.1.grant", team.encode(), timeout=30)
                assert [(await each.next_msg(30)).data for each in heard[team]] == [b"change", team.encode()]
                assert (await client.request("gw.ask.7", timeout=30)).data == f"gw.ask.{team}.7".encode()


async def test_a_configuration_that_the_server_refuses_is_said_and_changes_nothing(house: Keyed) -> None:
    house.server.rewrite("accounts: {")
    with pytest.raises(GrantwireError, match="refuses its configuration"):
        await bus.reload(house.server.url, seed=house.seeds["reloader"])
    async with house.connected("payments") as (payments, _):
        assert (await send(payments, GRANT, "1"))["stream"] == "COMMANDS"


def checked(folder: Path, block: Block) -> str:
    """What the server says against a configuration."""
    config = folder / "nats.conf"
    config.write_text(text(block))
    done = subprocess.run([find_nats_server(), "-t", "-c", config], capture_output=True, text=True, timeout=30)
    return done.stderr + done.stdout if done.returncode else ""


async def settled(*clients: Client) -> None:
    """The server has taken in what each of them asked; the first ping overtakes what is still to be written."""
    for each in clients:
        await each.flush()
        await each.flush()
