"""The IAM collector's wiring: settings from the graph, accounts from AWS, snapshots onto the bus."""

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from faststream.nats import NatsBroker
from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from grantwire import bus, telemetry
from grantwire.aws import AwsSettings, Calls
from grantwire.collectors.iam.account import AwsAccounts
from grantwire.collectors.iam.handlers import Collector
from grantwire.collectors.iam.sessions import Sessions
from grantwire.contracts.connectors import Connector
from grantwire.contracts.jobs import CollectScope
from grantwire.contracts.streams import COLLECT_IAM
from grantwire.graph import Graph, connectors

NAME: Final = "collector-iam"


class Settings(BaseSettings):
    """Everything this process is told from outside. Timeouts in seconds; AWS's own variables say the rest."""

    model_config = SettingsConfigDict(env_prefix="GRANTWIRE_", frozen=True, populate_by_name=True)
    database_url: str
    nats_url: str
    collect_lanes: int = Field(default=4, ge=1, le=COLLECT_IAM.max_ack_pending)  # accounts read at the same time
    aws_connect_timeout: float = Field(default=5.0, gt=0)
    aws_read_timeout: float = Field(default=20.0, gt=0)
    aws_attempts: int = Field(default=3, ge=1)
    aws_concurrency: int = Field(default=8, ge=1)  # AWS calls at the same time
    aws_region: str | None = Field(default=None, validation_alias="AWS_REGION")

    def aws(self) -> AwsSettings:
        return AwsSettings(
            self.aws_connect_timeout, self.aws_read_timeout, self.aws_attempts, self.aws_concurrency, self.aws_region
        )


class StoredConnectors:
    """Connector settings as the graph keeps them."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph

    async def settings(self, connector: str, version: int) -> Connector:
        """Raises ``NotFound`` if the connector is gone."""
        return await connectors.settings(self._graph, connector, version)


def assemble(broker: NatsBroker, graph: Graph, sessions: Sessions, *, lanes: int) -> None:
    """Say which function receives a job."""
    collector = Collector(
        StoredConnectors(graph), AwsAccounts(sessions), bus.Publisher(broker, NAME), telemetry.Recorder(NAME)
    )
    jobs = bus.route(COLLECT_IAM, CollectScope, collector.collect_scope, service=NAME, retry=1.0)
    bus.include(broker, jobs, lanes=lanes)


@asynccontextmanager
async def build(settings: Settings) -> AsyncIterator[None]:
    """Running while entered."""
    telemetry.instrument(botocore=True)
    aws = settings.aws()
    calls = Calls(aws.concurrency)
    try:
        async with Graph.open(settings.database_url, application_name=NAME) as graph:
            broker = bus.broker(settings.nats_url, service=NAME)
            assemble(broker, graph, Sessions(aws, calls), lanes=settings.collect_lanes)
            async with bus.running(broker, COLLECT_IAM):
                yield
    finally:
        calls.close()


def main() -> None:
    sys.exit(bus.serve(build(Settings())))
