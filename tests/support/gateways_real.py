"""The real thing for the client's contract: NATS with a key for everybody, Postgres, every service, one account
of the sandbox."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final

import nats
import pytest

from grantwire.cli.catalog import load
from grantwire.client import Client, Grantwire, Pace, Ref
from grantwire.contracts.resources import Kind
from grantwire.identity import IDENTITIES, accounts, new_seed, public_key, text
from tests.support import following
from tests.support.gateways import Stage, Stages, iam
from tests.support.house import House, house, settings, use
from tests.support.nats import NatsServer
from tests.support.postgres import Server, cloned
from tests.support.world import Sandbox, sandbox

TEAMS: Final = ("payments", "billing")
_OWNER: Final[dict[str, Any]] = {"user": "house", "password": "house"}


@dataclass
class Provisioner:
    """One that is stopped and started, in a task of its own."""

    told: dict[str, Any]
    _stop: asyncio.Event = field(default_factory=asyncio.Event)
    _task: "asyncio.Task[None] | None" = None

    async def start(self) -> None:
        self._stop, ready = asyncio.Event(), asyncio.Event()
        self._task = asyncio.create_task(self._run(ready))
        await asyncio.wait({self._task, asyncio.create_task(ready.wait())}, return_when=asyncio.FIRST_COMPLETED)
        assert ready.is_set(), "the provisioner did not start"

    async def stop(self) -> None:
        self._stop.set()
        if self._task is not None:
            await self._task
        self._task = None

    async def _run(self, ready: asyncio.Event) -> None:
        service = load("provisioner")
        async with service.build(settings(service, self.told)):
            ready.set()
            await self._stop.wait()


@dataclass
class Real:
    """A user and a group of the sandbox's account that nobody else uses."""

    aws: Sandbox
    home: House
    provisioner: Provisioner
    url: str
    seeds: dict[str, str]
    user: Ref
    group: Ref
    nobody: Ref
    connector: str = "prod"

    def gateway(self, team: str) -> Client:
        return Grantwire(self.url, nkey_seed=self.seeds[team], pace=Pace(ask=30.0, idle=2.0))

    async def held(self) -> bool:
        members = [json.loads(line) for line in await asyncio.to_thread(self.aws.truth)]
        pair = (self.user.native_id, self.group.native_id)
        return any(row.get("kind") == "member_of" and (row["source"], row["target"]) == pair for row in members)

    async def writes(self) -> int:
        return len(await asyncio.to_thread(self.aws.get, "writes"))

    async def rest(self) -> None:
        await self.provisioner.stop()

    async def wake(self) -> None:
        await self.provisioner.start()

    async def forget_changes(self) -> None:
        owner = await nats.connect(self.home.nats_url, **_OWNER)
        await owner.jetstream().purge_stream("CHANGES")
        await owner.close()


@asynccontextmanager
async def real(postgres: Server, template_url: str) -> AsyncIterator[Stages]:
    """Everything runs while entered; each stage has a user and a group of its own."""
    seeds = {name: new_seed() for name in (*TEAMS, *(each.name for each in IDENTITIES))}
    keys = {name: public_key(seed) for name, seed in seeds.items()}
    teams = {team: keys[team] for team in TEAMS}
    with (
        sandbox(7, "--users", "24", "--groups", "3", "--roles", "3", "--provisioning") as aws,
        pytest.MonkeyPatch.context() as patch,
        NatsServer(text(accounts(keys, teams, owners=[_OWNER]))) as server,
    ):
        use(aws, patch)
        async with (
            cloned(postgres, template_url) as url,
            house(url, server.url, seeds=seeds, without=("provisioner",)) as home,
        ):
            await following.add(home.graph, {**aws.connector(), "provisioning": True}, account=aws.account)
            await following.sync(home.graph, "prod")
            provisioner = Provisioner(home.told | {"nats_nkey": seeds["provisioner"]})
            await provisioner.start()
            free = _free([json.loads(line) for line in await following.export(home.graph)])

            async def stage() -> Stage:
                await asyncio.to_thread(aws.text, "writes", "DELETE")
                user, group = next(free)
                nobody = iam(Kind.IAM_USER, "nobody", aws.account)
                return Real(aws, home, provisioner, server.url, seeds, user, group, nobody)

            yield stage
            await provisioner.stop()


def _free(rows: list[dict[str, Any]]) -> Iterator[tuple[Ref, Ref]]:
    """Users, each with a group that it is not in; each user once."""
    known = {kind: [row["native_id"] for row in rows if row.get("kind") == kind] for kind in ("iam_user", "iam_group")}
    members = {(row["source"], row["target"]) for row in rows if row.get("kind") == "member_of"}
    for user in known["iam_user"]:
        for group in known["iam_group"]:
            if (user, group) not in members and not user.endswith(":root"):
                yield Ref(kind=Kind.IAM_USER, native_id=user), Ref(kind=Kind.IAM_GROUP, native_id=group)
                break
