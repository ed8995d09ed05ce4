"""kill -9 of the provisioner at every state transition of every kind of command: whoever comes after it brings the same
end, by one write."""

import json
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import pytest
import pytest_asyncio

from grantwire.contracts.commands import AccessCommand
from grantwire.graph import Graph
from tests.support import everything, following, nursery
from tests.support.commanded import (
    SIZE,
    Case,
    Scene,
    assigned,
    attached,
    inline_policy,
    member_of_directory,
    member_of_iam,
)
from tests.support.commanding import FINAL, Desk, Heard, command
from tests.support.eventually import eventually
from tests.support.house import House
from tests.support.keys import KEYS
from tests.support.nursery import Forked
from tests.support.timing import ready
from tests.support.world import SERVICES, Sandbox, World, sandbox, world

pytestmark = pytest.mark.asyncio(loop_scope="module")
CLAIM: Final = 8
SOON: Final = {
    "GRANTWIRE_PROVISIONER_CLAIM": str(CLAIM),
    "GRANTWIRE_PROVISIONER_UNSURE": "1",
    "GRANTWIRE_RULES_FILE": str(Path(__file__).parents[1] / "support" / "rules.yaml"),
    "GRANTWIRE_IAM_RATE": "0",
    "GRANTWIRE_IDENTITY_CENTER_RATE": "0",
    "GRANTWIRE_ORGANIZATIONS_RATE": "0",
}
MOST: Final = 40  # moments of one command: more would be a loop


@dataclass(frozen=True)
class Kind:
    """A kind of command: its two ends, the write that carries it out, and how it ends."""

    name: str
    case: Callable[[Scene, str], Case]
    verb: str
    write: str
    outcome: str
    own: bool = False
    lanes: int = 8  # with one alone, a command is not its engine's as it comes in, but claimed


KINDS: Final = (
    Kind("iam_membership", member_of_iam, "grant", "AddUserToGroup", "granted"),
    Kind("policy_attachment", attached("iam_role"), "grant", "AttachRolePolicy", "granted"),
    Kind("assignment", assigned("identity_user"), "grant", "CreateAccountAssignment", "granted"),
    Kind("directory_membership", member_of_directory, "grant", "CreateGroupMembership", "granted", own=True),
    Kind("inline_policy", inline_policy, "revoke", "DeleteUserPolicy", "revoked"),
)
LONG: Final = (*KINDS, replace(KINDS[0], name="iam_membership, claimed", lanes=1))
SHORT: Final = ("before write", "after write")


@dataclass
class Stage:
    """Real processes, and a provisioner that dies when it is told to."""

    scene: Scene
    running: World
    log: Path

    async def carried_out(self, kind: Kind, die_at: int) -> tuple[Heard, list[str], bool]:
        """The outcome, the moments of the first provisioner, and whether it died."""
        account = self.scene.aws.account if kind.own else self.scene.account
        principal, target = kind.case(self.scene, account)
        self.scene.written()
        self.log.unlink(missing_ok=True)
        self.log.touch()
        asked = command(kind.verb, principal, target, account)
        dying = self._dying(kind, die_at, asked)
        try:
            await self.scene.desk.send(asked)
            died = await self._died_or_done(dying, asked, die_at)
        finally:
            if dying.poll() is None:
                dying.kill()
            dying.wait(60)
        self.running.start("provisioner")
        try:
            told = await self.scene.desk.outcome(asked, timeout=60)
            await self._verdict(kind, told)
            if kind.verb == "grant":
                await self.scene.desk.ask(command("revoke", principal, target, account))
        finally:
            self.running.stop("provisioner")
        return told, self.moments(), died

    def _dying(self, kind: Kind, die_at: int, asked: AccessCommand) -> Forked:
        environment = self.running.environment | self.running.login("provisioner")
        environment |= {"DIE_AT": str(die_at), "DIE_FOR": str(asked.id), "DIE_LOG": str(self.log)}
        environment |= {"GRANTWIRE_PROVISIONER_LANES": str(kind.lanes)}
        with (self.running.state / "dying.log").open("ab") as output:
            return nursery.start(["tests.support.dying"], env=environment, stdout=output, stderr=output)

    async def _died_or_done(self, dying: Forked, asked: AccessCommand, die_at: int) -> bool:
        """The last moment comes after the outcome may have been heard."""

        def over() -> bool:
            return dying.poll() is not None or self.moments()[-1:] == ["after finish"]

        await eventually(over, timeout=60, what="the end of the provisioner or of the command")
        if len(self.moments()) != die_at:
            return False
        dying.wait(60)
        return True

    def moments(self) -> list[str]:
        return self.log.read_text().splitlines()

    async def _verdict(self, kind: Kind, told: Heard) -> None:
        """The same end: the outcome, one write, one final message, and the graph as AWS is."""
        assert told.state == kind.outcome, told.body
        assert [name for name, _ in self.scene.written()] == [kind.write]
        finals = [each for each in await self.scene.desk.heard([told.command]) if each.state in FINAL]
        assert len(finals) == 1
        await self.scene.agrees(at_once=False)


@pytest.fixture(scope="module")
def aws() -> Iterator[Sandbox]:
    with sandbox(9, *SIZE) as running:
        yield running


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def stage(aws: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stage]:
    state = tmp_path_factory.mktemp("kills") / "state"
    with ExitStack() as stack:
        others = [name for name in SERVICES if name != "provisioner"]
        running = stack.enter_context(world(state, aws.environment() | SOON, *others))
        await ready(running)
        async with Graph.open(running.database_url, application_name="tests", keys=KEYS) as graph:
            settings = everything.settings(aws, sync_secrets=False, scim=False, provisioning=True)
            await following.add(graph, settings, aws.organization, identity_center=everything.instance(aws))
            await following.sync(graph, "prod")
            rows = [json.loads(line) for line in await following.export(graph)]
            home = House(graph, running.database_url, running.nats_url)
            yield Stage(Scene(aws, home, Desk(running.nats_url), rows), running, state / "moments")


@pytest.mark.timeout(1_200)
@pytest.mark.parametrize("kind", [pytest.param(each, marks=pytest.mark.slow, id=each.name) for each in LONG])
async def test_killed_at_every_transition(stage: Stage, kind: Kind) -> None:
    """One life for each moment there is, until a provisioner outlives the command."""
    died_at: list[str] = []
    for moment in range(1, MOST):
        _, moments, died = await stage.carried_out(kind, moment)
        if not died:
            break
        died_at.append(moments[-1])
    else:
        raise AssertionError(f"more moments than {MOST}: {died_at}")
    known = ["before acceptance", "before write", "after write", "before finish", "after finish"]
    known += ["before checkpoint", "after checkpoint", "before fence"]  # how a fence ends, is never the same
    if kind.lanes > 1:  # else another one may claim it before whoever accepted it knows
        known.append("after acceptance")
    assert set(known) <= set(died_at), died_at
    assert ("after claim" in died_at) == (kind.lanes == 1 or "after rest" in died_at), died_at
    print(f"{kind.name}: killed at {len(died_at)} moments: {', '.join(died_at)}")


@pytest.mark.timeout(200)
async def test_killed_around_its_write(stage: Stage) -> None:
    """The short form: the two moments that nobody else can tell apart."""
    kind = KINDS[0]
    _, moments, _ = await stage.carried_out(kind, 0)
    for name in SHORT:
        _, lived, died = await stage.carried_out(kind, moments.index(name) + 1)
        assert died and lived[-1] == name
