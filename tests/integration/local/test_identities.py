"""The embedded NATS knows everybody by a key of their own."""

import shutil
from pathlib import Path

import nats
import pytest
from nats.errors import Error as NatsError

from grantwire import bus
from grantwire.bus.connection import ask, connected
from grantwire.bus.login import read_seed
from grantwire.contracts.streams import CHANGES
from grantwire.identity import IDENTITIES
from grantwire.local import LocalStack, Nats, StateDir
from tests.support.nats import NatsServer


async def test_every_identity_is_let_in_by_its_own_key_which_nobody_else_can_read(state: StateDir) -> None:
    async with LocalStack(state, postgres=False):
        local = Nats(state)
        for each in IDENTITIES:
            file = local.keyring.seed_file(each.name)
            assert file.stat().st_mode & 0o777 == 0o600
            async with connected(
                local.address, name="tests", patience=5, seed=read_seed(file), identity=each.name
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
        async with connected(local.address, name="tests", patience=5, seed=seed) as client:
            assert (await ask(client, f"STREAM.INFO.{CHANGES.name}"))["state"]["last_seq"] == kept
