"""`grantwire team`: a team is let in and shut out while everything runs, and nobody else notices."""

import asyncio
import json
import os
import signal
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import nats
import pytest
import pytest_asyncio
from nats.aio.client import Client
from nats.errors import Error as NatsError

from grantwire import bus
from grantwire.bus.login import client, read_seed
from grantwire.bus.readback import stored
from grantwire.local import LocalStack, Nats, StateDir
from grantwire.local.nats import find_nats_server
from grantwire.telemetry import monotonic
from tests.support.commands import Done, within
from tests.support.eventually import eventually

GRANT = "gw.cmd.prod.123456789012.grant"


@pytest_asyncio.fixture
async def stack(state: StateDir) -> AsyncIterator[LocalStack]:
    """NATS alone, with its streams."""
    async with LocalStack(state, postgres=False) as running:
        await bus.apply(running.nats_url)
        yield running


async def team(stack: LocalStack, *arguments: str) -> Done:
    """The command, which finds the state directory held by a stack that runs."""
    return await asyncio.to_thread(within, "team", *arguments, "--json", "--state-dir", stack.state.path)


@asynccontextmanager
async def speaking(told: dict[str, str]) -> AsyncIterator[Client]:
    """As the team, with nothing but what `add` printed."""
    connection = client(read_seed(Path(told["seed_file"])))
    await connection.connect(told["url"], allow_reconnect=False, connect_timeout=30, error_cb=_quiet)
    try:
        yield connection
    finally:
        await connection.close()


async def _quiet(_error: Exception) -> None:
    """What a test is about it sees by itself."""


async def commands(stack: LocalStack) -> list[str]:
    owner = await nats.connect(stack.nats_url)
    found = [each.subject async for each in stored(owner, "COMMANDS", "gw.cmd.>", 1, deadline=monotonic() + 60)]
    await owner.close()
    return found


async def test_a_team_is_let_in_at_once_and_shut_out_at_once(stack: LocalStack) -> None:
    added = await team(stack, "add", "payments")
    assert added.code == 0, added.err
    assert added.json["connected"] is True
    assert Path(added.json["seed_file"]).stat().st_mode & 0o777 == 0o600
    async with speaking(added.json) as payments:
        assert json.loads((await payments.request(GRANT, b"{}", timeout=30)).data)["stream"] == "COMMANDS"
        assert await commands(stack) == ["gw.cmd.payments.prod.123456789012.grant"]
        assert [each["name"] for each in (await team(stack, "list")).json["teams"]] == ["payments"]
        assert (await team(stack, "remove", "payments")).code == 0
        await eventually(lambda: payments.is_closed, what="the end of the team's connection")
    assert not Path(added.json["seed_file"]).exists()
    again = await team(stack, "add", "payments")
    assert again.json["key"] != added.json["key"]


async def test_the_printed_lines_let_a_service_of_the_team_in(stack: LocalStack) -> None:
    names: dict[str, Any] = {}
    exec((await team(stack, "add", "payments")).json["snippet"], names)
    async with names["gw"] as gw:
        assert await gw.cursor()


async def test_a_removed_team_s_key_opens_nothing(stack: LocalStack) -> None:
    told = (await team(stack, "add", "payments")).json
    seed = read_seed(Path(told["seed_file"]))
    assert (await team(stack, "remove", "payments")).code == 0
    with pytest.raises(NatsError, match=r"(?i)authorization"):
        await client(seed).connect(told["url"], allow_reconnect=False, error_cb=_quiet)


async def test_nobody_else_notices_that_a_team_comes_and_goes(stack: LocalStack) -> None:
    """The relay publishes one change after the other meanwhile: each is acknowledged, once, on one connection."""
    local, acks, ended = Nats(stack.state), list[int](), asyncio.Event()
    relay = client(read_seed(local.keyring.seed_file("relay")))
    await relay.connect(local.address, inbox_prefix="_INBOX.relay", allow_reconnect=False, connect_timeout=30)

    async def publish() -> None:
        while not ended.is_set():
            answer = await relay.request("gw.change.prod.123456789012.iam_user", b"", timeout=30)
            acks.append(json.loads(answer.data)["seq"])

    publishing = asyncio.create_task(publish())
    try:
        for act in ("add", "remove"):
            before = len(acks)
            assert (await team(stack, act, "payments")).code == 0
            await eventually(lambda: len(acks) > before + 10, what="changes that go on")  # noqa: B023
    finally:
        ended.set()
        await publishing
        await relay.close()
    assert acks == list(range(acks[0], acks[0] + len(acks)))


async def test_a_team_is_still_there_after_the_server_was_killed(stack: LocalStack) -> None:
    told = (await team(stack, "add", "payments")).json
    old = stack.pids()["nats"]
    os.kill(old, signal.SIGKILL)
    await asyncio.wait_for(stack.serving("nats", other_than=old), 60)
    async with speaking(told) as payments:
        assert json.loads((await payments.request(GRANT, b"{}", timeout=30)).data)["stream"] == "COMMANDS"


async def test_a_team_can_be_added_before_anything_runs(state: StateDir) -> None:
    added = await asyncio.to_thread(within, "team", "add", "payments", "--json", "--state-dir", state.path)
    assert added.code == 0, added.err
    assert added.json["connected"] is False
    async with LocalStack(state, postgres=False), speaking(added.json) as payments:
        assert payments.is_connected


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("add", "operators"), 2, "is the name of the people who use Grantwire"),
        (("add", "grantwire"), 2, "is the name of Grantwire itself"),
        (("add", "Pay.ments"), 2, "cannot be the name of a team"),
        (("add", "payments"), 6, "There is a team payments already"),
        (("remove", "research"), 4, "There is no team research"),
    ],
)
def test_what_cannot_be_is_said(state: StateDir, arguments: tuple[str, ...], code: int, said: str) -> None:
    assert within("team", "add", "payments", "--state-dir", state.path).code == 0
    done = within("team", *arguments, "--state-dir", state.path)
    assert (done.code, said in done.err) == (code, True), done.err


def test_to_look_makes_nothing(tmp_path: Path) -> None:
    nowhere = tmp_path / "nowhere"
    done = within("team", "list", "--json", "--state-dir", nowhere)
    assert (done.code, done.json, nowhere.exists()) == (0, {"teams": []}, False)


def test_what_a_team_needs_is_printed_and_its_key_is_not(path: Path) -> None:
    done = within("team", "add", "payments", "--state-dir", path)
    assert "nkey-team-payments" in done.out and "gw.cmd.CONNECTOR.ACCOUNT.grant" in done.out
    seed = (path / "secrets" / "nkey-team-payments").read_text().strip()
    assert seed not in done.out + done.err + (path / "nats" / "teams.json").read_text()


def test_for_a_server_that_is_not_ours_its_accounts_are_printed(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GRANTWIRE_NATS_URL", "nats://somebody:secret@nats.example.org:4222")
    told = within("team", "add", "payments", "--json", "--state-dir", path).json
    assert (told["url"], told["connected"]) == ("nats://nats.example.org:4222", False)
    assert told["configuration"] == within("bus", "accounts", "--json", "--state-dir", path).json["configuration"]
    assert told["key"] in told["configuration"]
    config = tmp_path / "nats.conf"
    config.write_text(told["configuration"])
    subprocess.run([find_nats_server(), "-t", "-c", config], check=True, capture_output=True, timeout=30)
