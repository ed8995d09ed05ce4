"""The embedded NATS knows everybody by a key of their own."""

import shutil
from pathlib import Path

import nats
import pytest
from nats.errors import Error as NatsError

from grantwire import bus
from grantwire.bus.connection import ask, connected
from grantwire.bus.login import read_seed
from grantwire.cli.servers import login_of, servers
from grantwire.cli.settings import Settings
from grantwire.contracts.streams import CHANGES
from grantwire.identity import IDENTITIES, SERVICES, accounts, text
from grantwire.local import LocalStack, Nats, StateDir
from tests.support.nats import NatsServer


async def test_every_identity_is_let_in_by_its_own_key_which_nobody_else_can_read(state: StateDir) -> None:
    async with LocalStack(state, postgres=False):
        local = Nats(state)
        for each in IDENTITIES:
            file = local.keyring.seed_file(each.name)
            assert file.stat().st_mode & 0o777 == 0o600
            async with connected(
                local.address, name="tests", patience=60, seed=read_seed(file), identity=each.name
            ) as client:
                assert client.is_connected
        seeds = {read_seed(local.keyring.seed_file(each.name)) for each in IDENTITIES}
        assert len(seeds) == len(IDENTITIES)
        assert not [seed for seed in seeds if seed in (state.path / "nats" / "nats.conf").read_text()]


async def test_without_a_key_nobody_is_let_in(state: StateDir) -> None:
    async with LocalStack(state, postgres=False):
        with pytest.raises(NatsError, match=r"(?i)authorization"):
            await nats.connect(Nats(state).address, allow_reconnect=False)


async def test_streams_of_a_version_without_identities_are_kept(state: StateDir, tmp_path: Path) -> None:
    with NatsServer() as before:
        await bus.apply(before.url)
        client = await nats.connect(before.url)
        kept = (await client.jetstream().publish("gw.change.prod.-.iam_user", b"kept")).seq
        await client.close()
        before.stop()
        with state:
            state.folder("nats")
            shutil.copytree(before.store, state.path / "nats" / "store")
    async with LocalStack(state, postgres=False):
        local = Nats(state)
        seed = read_seed(local.keyring.seed_file("admin"))
        assert await bus.apply(local.address, seed=seed) == []
        async with connected(local.address, name="tests", patience=60, seed=seed) as client:
            assert (await ask(client, f"STREAM.INFO.{CHANGES.name}"))["state"]["last_seq"] == kept


@pytest.mark.parametrize("config", ["accounts", "open"])
async def test_everything_runs_on_a_server_of_one_s_own_with_the_printed_accounts_or_none(
    state: StateDir, config: str
) -> None:
    """The streams are made by the admin, and every service gets in as itself."""
    with state:
        printed = text(accounts(Nats(state).keyring.public_keys(), {})) if config == "accounts" else ""
    with NatsServer(printed) as elsewhere, state:
        settings = Settings(nats_url=elsewhere.url)
        async with servers(state, settings, traces=False, verbose=True, apart=True) as ready:
            for each in SERVICES:
                login = ready.bus(each.name)
                broker = bus.broker(login.nats_url, service=each.name, seed=login.seed())
                async with bus.running(broker):
                    assert await broker.ping(60)
        async with connected(elsewhere.url, name="tests", patience=60, seed=ready.bus("admin").seed()) as client:
            assert (await ask(client, "STREAM.INFO.JOBS"))["config"]["name"] == "JOBS"


def test_a_login_that_was_given_is_kept(state: StateDir, monkeypatch: pytest.MonkeyPatch) -> None:
    with state:
        for url in ("nats://u:p@nats.example.org", "nats://token@nats.example.org"):
            assert login_of(state, url, "relay").given() == {"nats_url": url}
        monkeypatch.setenv("GRANTWIRE_NATS_NKEY", "SU…")
        assert login_of(state, "nats://nats.example.org", "relay").given()["nats_nkey"] == "SU…"
        assert "nats_nkey" not in login_of(state, None, "relay").given()
