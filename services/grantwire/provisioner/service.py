"""The provisioner's wiring: commands into the inbox, lanes that carry them out, answers to those who ask."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

from faststream.nats import NatsBroker

from grantwire import bus, telemetry
from grantwire.aws import Calls
from grantwire.aws.provisioning import ProvisioningSessions
from grantwire.bus.answers import answering
from grantwire.contracts.commands import GrantAccess, RevokeAccess
from grantwire.contracts.streams import GRANT_ACCESS, REVOKE_ACCESS
from grantwire.graph import Graph
from grantwire.graph.share import CommandBudgets
from grantwire.graph.waking import listening
from grantwire.provisioner.answering import Answering
from grantwire.provisioner.engine import Engine
from grantwire.provisioner.fences import BusFences
from grantwire.provisioner.handlers import Inbox
from grantwire.provisioner.rules import Rules
from grantwire.provisioner.settings import ProvisionerSettings
from grantwire.provisioner.targets.finding import StoredTargets
from grantwire.telemetry import Recorder, detached

NAME: Final = "provisioner"
INBOX_LANES: Final = 2  # of each verb


class Settings(ProvisionerSettings):
    """Everything this process is told from outside."""


def assemble(broker: NatsBroker, graph: Graph, rules: Rules) -> None:
    """Say which function receives a command."""
    inbox = Inbox(graph, rules, Recorder(NAME))
    given: Any = {"service": NAME, "retry": 1.0, "dead": inbox.unreadable}
    grants = bus.route(GRANT_ACCESS, GrantAccess, inbox.grant_access, **given)
    revokes = bus.route(REVOKE_ACCESS, RevokeAccess, inbox.revoke_access, **given)
    bus.include(broker, grants, revokes, lanes=INBOX_LANES)


@asynccontextmanager
async def build(settings: Settings) -> AsyncIterator[None]:
    """Running while entered."""
    telemetry.instrument(botocore=True)
    aws, recorder, rules = settings.aws(), Recorder(NAME), settings.rules()
    calls, size = Calls(aws.concurrency), settings.provisioner_lanes + 2 * INBOX_LANES + 4
    try:
        async with Graph.open(
            settings.database_url, application_name=NAME, max_size=size, keys=settings.keys()
        ) as graph:
            broker = bus.broker(settings.nats_url, service=NAME, seed=settings.seed())
            async with CommandBudgets.open(graph, settings.paces(), recorder) as budgets:
                sessions = ProvisioningSessions(aws, calls, budgets)
                await asyncio.to_thread(sessions.warm)
                assemble(broker, graph, rules)
                engine = Engine(
                    graph,
                    BusFences(bus.Publisher(broker, NAME)),
                    StoredTargets(graph, sessions),
                    settings.patience(),
                    settings.provisioner_claim,
                    recorder,
                )
                async with (
                    bus.running(broker, GRANT_ACCESS, REVOKE_ACCESS),
                    answering(broker, "gw.ask.*.*", NAME, Answering(graph).ask),
                    _carrying(engine, graph, settings.provisioner_lanes),
                ):
                    yield
    finally:
        calls.close()


@asynccontextmanager
async def _carrying(engine: Engine, graph: Graph, lanes: int) -> AsyncIterator[None]:
    """The engine's lanes while entered. What they hold when they are cancelled is taken up when its claim ends."""
    async with listening(graph, "grantwire_operation") as waker, asyncio.TaskGroup() as tasks:
        with detached():
            door = asyncio.Lock()
            running = [tasks.create_task(engine.serve(waker, door)) for _ in range(lanes)]
        yield
        for task in running:
            task.cancel()


def main() -> None:
    sys.exit(bus.serve(build(Settings())))
