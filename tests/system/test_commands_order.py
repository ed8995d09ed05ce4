"""Many commands, sent again and delivered out of order, two provisioners, one of them stopped before its write: in the
end AWS is what the intents come to by their place in the stream, and each command has one outcome."""

import asyncio
import random
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import pairwise
from typing import Any, Final
from uuid import UUID

import nats
import pytest
import pytest_asyncio

from grantwire import bus
from grantwire.aws import AwsSettings, Calls
from grantwire.aws.last_look import leaving
from grantwire.aws.provisioning import ProvisioningSessions
from grantwire.contracts.commands import AccessCommand
from grantwire.graph import Graph
from grantwire.graph.known import Around
from grantwire.graph.operation import Operation
from grantwire.graph.waking import listening
from grantwire.provisioner.decisions import Patience
from grantwire.provisioner.engine import Engine
from grantwire.provisioner.fences import BusFences
from grantwire.provisioner.lanes import Lanes
from grantwire.provisioner.ports import Look, Sent, Target
from grantwire.provisioner.targets.finding import StoredTargets
from grantwire.telemetry import Recorder, utc_now
from tests.support.commanded import SIZE, Scene, commanded, member_of_iam
from tests.support.commanding import FINAL, command, ref
from tests.support.eventually import eventually
from tests.support.keys import KEYS
from tests.support.postgres import Server, postgres_server, template_url
from tests.support.world import Sandbox, sandbox

__all__ = ["postgres_server", "template_url"]

pytestmark = pytest.mark.asyncio(loop_scope="module")
CLAIM: Final = 8.0  # seconds; in life 30
LATE: Final = 1.0


@pytest.fixture(scope="module")
def aws() -> Iterator[Sandbox]:
    with sandbox(8, *SIZE) as running:
        yield running


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def scene(aws: Sandbox, postgres_server: Server, template_url: str) -> AsyncIterator[Scene]:
    # So few lanes that the other provisioner has something to do.
    lanes = {"provisioner_lanes": 2}
    settings = {"provisioner_claim": CLAIM, "provisioner_unsure": 1.0, "provisioner_late": LATE, **lanes}
    async with commanded(aws, postgres_server, template_url, **settings) as found:
        yield found


@dataclass
class StoppingTargets:
    """Targets as in life, but that the first grant's write is held up after the engine looked at its claim, as that of
    a stopped process is."""

    targets: StoredTargets
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    waiting: asyncio.Event = field(default_factory=asyncio.Event)

    async def target(self, operation: Operation, around: Around) -> Target:
        found: Any = await self.targets.target(operation, around)
        write = found.send

        async def send(wants: bool, look: Look) -> Sent:
            if wants and not self.waiting.is_set():
                self.waiting.set()
                await self.gate.wait()
                with leaving(_looked):
                    return await _sent_by(write, wants, look)
            return await _sent_by(write, wants, look)

        found.send = send
        target: Target = found
        return target


def _looked() -> None:
    """The look at the claim was before it was stopped."""


async def _sent_by(write: Any, wants: bool, look: Look) -> Sent:
    sent: Sent = await write(wants, look)
    return sent


@asynccontextmanager
async def second(scene: Scene) -> AsyncIterator[StoppingTargets]:
    """One more provisioner's engine, which is stopped before its first write."""
    calls, broker = Calls(4), bus.broker(scene.home.nats_url, service="tests")
    settings = AwsSettings(connect_timeout=2.0, read_timeout=20.0, attempts=1)
    async with Graph.open(scene.home.database_url, application_name="second", keys=KEYS, max_size=8) as graph:
        targets = StoppingTargets(StoredTargets(graph, ProvisioningSessions(settings, calls)))
        await broker.start()
        fences = BusFences(bus.Publisher(broker, "tests"))
        engine = Engine(graph, fences, targets, Patience(unsure=1.0, late=LATE), CLAIM, Recorder("tests"))
        async with listening(graph, "grantwire_operation") as waker:
            shared = Lanes(waker)
            lanes = [asyncio.create_task(engine.serve(shared)) for _ in range(4)]
            yield targets
            targets.gate.set()
            for lane in lanes:
                lane.cancel()
            await asyncio.gather(*lanes, return_exceptions=True)
        await broker.stop()
    calls.close()


@pytest.mark.timeout(900)
@pytest.mark.parametrize("size", [80, pytest.param(1_000, marks=pytest.mark.slow)])
async def test_aws_is_what_the_intents_come_to(scene: Scene, size: int) -> None:
    rng = random.Random(size)
    commands = [_any(scene, rng) for _ in range(size)]
    async with second(scene) as other:
        places = await _sent(scene, commands, rng)
        async with asyncio.timeout(120):
            await other.waiting.wait()
        await _ended(scene, size)
        other.gate.set()  # the stopped one writes now, long after another took its command over
        wanted = _fold(commands, places)
        await eventually(lambda: _holds(scene, wanted), timeout=60, what="AWS as the intents come to")
    outcomes = Counter(each.command for each in await scene.desk.heard() if each.state in FINAL)
    assert outcomes == Counter(each.id for each in commands)
    _no_write_astray(scene, commands)
    async with scene.home.graph.connection() as connection:
        assert await connection.fetchval("SELECT count(*) FROM audit WHERE what = 'watched'") > 0


def _any(scene: Scene, rng: random.Random) -> AccessCommand:
    """A grant or a revoke of one of a few dozen memberships in two accounts: users and groups of one have namesakes in
    the other."""
    account = rng.choice(scene.aws.members[1:3])
    users = [each for each in scene.resources("iam_user", account) if ":root" not in each]
    user, group = rng.choice(users), rng.choice(scene.resources("iam_group", account))
    return command(rng.choice(["grant", "revoke"]), ref("iam_user", user), ref("iam_group", group), account)


async def _sent(scene: Scene, commands: list[AccessCommand], rng: random.Random) -> dict[UUID, int]:
    """Publish them all, some again under other message ids, while grants are held back for a while so that revokes
    overtake them. The first place of each in the stream."""
    client = await nats.connect(scene.desk.url)
    places: dict[UUID, int] = {}
    sent: list[AccessCommand] = []
    try:
        until = (utc_now() + timedelta(seconds=2)).isoformat()
        await client.jetstream().pause_consumer("COMMANDS", "provisioner-grant-access", pause_until=until)
        for each in commands:
            sent.append(each)
            again = [rng.choice(sent[-30:])] if rng.random() < 0.4 else []
            for copy in (each, *again):
                place = await scene.desk.publish(client, copy)
                places[copy.id] = min(place, places.get(copy.id, place))
    finally:
        await client.close()
    return places


async def _ended(scene: Scene, size: int) -> None:
    """Every command has ended, and all of it was told. Asked of Postgres: the stream is read once, when it is whole."""

    async def all_told() -> bool:
        async with scene.home.graph.connection() as connection:
            ended = await connection.fetchval(
                "SELECT count(*) FROM operation WHERE final_at IS NOT NULL AND NOT watch AND team = $1", scene.desk.team
            )
            return bool(ended == size and not await connection.fetchval("SELECT count(*) FROM told"))

    await eventually(all_told, timeout=60 + size, what="an outcome of every command")


def _fold(commands: list[AccessCommand], places: dict[UUID, int]) -> dict[tuple[str, str], bool]:
    """What each membership comes to: the command that stands last in the stream says it."""
    ordered = sorted(commands, key=lambda each: places[each.id])
    return {(each.principal.native_id, each.target.native_id): each.verb() == "grant" for each in ordered}


def _holds(scene: Scene, wanted: dict[tuple[str, str], bool]) -> bool:
    """AWS's own word, by another client."""
    groups: dict[str, set[str]] = {}
    for user in {user for user, _ in wanted}:
        iam = scene.aws.admin("iam", user.split(":")[4])
        listed = iam.list_groups_for_user(UserName=user.rpartition("/")[2])["Groups"]
        groups[user] = {each["Arn"] for each in listed}
    differ = [pair for pair, held in wanted.items() if (pair[1] in groups[pair[0]]) is not held]
    assert not differ, differ
    return True


def _no_write_astray(scene: Scene, commands: list[AccessCommand]) -> None:
    """Each membership is written to and fro, never twice the same way but for the one that came late, and only those
    that were named, in their account."""
    named = {(each.account, _name(each.principal.native_id), _name(each.target.native_id)) for each in commands}
    written: dict[tuple[str, str, str], list[str]] = defaultdict(list)
    for each in scene.aws.get("writes"):
        given = each["parameters"]
        written[each["account"], given["UserName"], given["GroupName"]].append(each["operation"])
    assert set(written) <= named
    repeated = [pair for pair, acts in written.items() for one, two in pairwise(acts) if one == two]
    assert len(repeated) <= 1, repeated


def _name(arn: str) -> str:
    return arn.rpartition("/")[2]


async def test_a_late_write_is_undone_and_noted(scene: Scene) -> None:
    """One provisioner stops before its write; another carries the command out, and then a revoke. The first one's
    write comes after all that."""
    account = scene.account
    user, group = member_of_iam(scene, account)
    grant, revoke = (command(verb, user, group, account) for verb in ("grant", "revoke"))
    scene.written()
    async with second(scene) as other:
        await scene.desk.ask(grant)
        while not other.waiting.is_set():  # the other provisioner was quicker: again
            grant, undo = (command(verb, user, group, account) for verb in ("grant", "revoke"))
            await scene.desk.send(undo)  # and while that holds the user, the grant is for whoever sees it end
            await scene.desk.ask(grant)
        await scene.desk.ask(revoke)
        scene.written()
        other.gate.set()
        await eventually(lambda: _undone(scene), timeout=90, what="the late write undone")
    assert _holds(scene, {(user.native_id, group.native_id): False})

    async def noted() -> bool:
        async with scene.home.graph.connection() as connection:
            found = await connection.fetchval(
                "SELECT count(*) FROM audit WHERE team = 'grantwire' AND what = 'revoked'"
            )
            return bool(found == 1)

    await eventually(noted, what="a note of it")


def _undone(scene: Scene) -> bool:
    return [each["operation"] for each in scene.aws.get("writes")] == ["AddUserToGroup", "RemoveUserFromGroup"]


async def test_the_same_id_with_another_body_is_refused(scene: Scene) -> None:
    account = scene.account
    user, group = member_of_iam(scene, account)
    first = command("grant", user, group, account, dry_run=True)
    other = first.model_copy(update={"reason": "another"})
    await scene.desk.ask(first)
    await scene.desk.send(other)

    async def refused() -> bool:
        told = [each for each in await scene.desk.heard([first.id]) if each.state == "refused"]
        return [each.body["reason"]["code"] for each in told] == ["id_reused"]

    await eventually(refused)
