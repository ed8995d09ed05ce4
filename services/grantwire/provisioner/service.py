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
from grantwire.provisioner.lanes import Lanes
from grantwire.provisioner.settings import ProvisionerSettings
from grantwire.provisioner.targets.finding import StoredTargets
from grantwire.telemetry import Recorder, detached

NAME: Final = "provisioner"
INBOX_LANES: Final = 2  # of each verb
MAY_BE_FREE: Final = 0.2  # seconds after an end that nothing seemed to wait for: a command may have come in that moment


class Settings(ProvisionerSettings):
    """Everything this process is told from outside."""


def assemble(broker: NatsBroker, inbox: Inbox) -> None:
    """Say which function receives a command."""
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
            settings.database_url, application_name=NAME, max_size=size, keys=settings.keys(), statements="brief"
        ) as graph:
            broker = bus.broker(settings.nats_url, service=NAME, seed=settings.seed())
            async with CommandBudgets.open(graph, settings.paces(), recorder) as budgets:
                sessions = ProvisioningSessions(aws, calls, budgets)
                await asyncio.to_thread(sessions.warm)
                engine = Engine(
                    graph,
                    BusFences(bus.Publisher(broker, NAME)),
                    StoredTargets(graph, sessions),
                    settings.patience(),
                    settings.provisioner_claim,
                    recorder,
                )
                async with _carrying(engine, graph, settings.provisioner_lanes) as lanes:
                    assemble(broker, Inbox(graph, rules, recorder, lanes, settings.provisioner_claim))
                    async with (
                        bus.running(broker, GRANT_ACCESS, REVOKE_ACCESS),
                        answering(broker, "gw.ask.*.*", NAME, Answering(graph).ask),
                    ):
                        yield
    finally:
        calls.close()


@asynccontextmanager
async def _carrying(engine: Engine, graph: Graph, many: int) -> AsyncIterator[Lanes]:
    """The engine's lanes while entered. What they hold when they are cancelled is taken up when its claim ends."""
    async with listening(graph, "grantwire_operation", later=MAY_BE_FREE) as waker, asyncio.TaskGroup() as tasks:
        with detached():
            lanes = Lanes(waker)
            running = [tasks.create_task(engine.serve(lanes)) for _ in range(many)]
        yield lanes
        for task in running:
            task.cancel()


def main() -> None:
    sys.exit(bus.serve(build(Settings())))
