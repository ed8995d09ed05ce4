"""The SCIM collector's wiring: settings from the graph, users from the endpoint, snapshots onto the bus."""

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from faststream.nats import NatsBroker
from pydantic import Field, field_validator
from pydantic_settings import SettingsConfigDict

from grantwire import bus
from grantwire.collectors.kit.service import collect
from grantwire.collectors.scim.source import ScimUsers
from grantwire.contracts.failures import Invalid
from grantwire.contracts.streams import COLLECT_SCIM
from grantwire.graph import Graph
from grantwire.graph.settings import KeySettings
from grantwire.scim import ScimSettings, allowed_origins

NAME: Final = "collector-scim"


class Settings(KeySettings, bus.BusSettings):
    """Everything this process is told from outside. Timeouts in seconds."""

    model_config = SettingsConfigDict(env_prefix="GRANTWIRE_", frozen=True)
    database_url: str
    scim_lanes: int = Field(default=4, ge=1, le=COLLECT_SCIM.max_ack_pending)  # endpoints read at the same time
    scim_read_timeout: float = Field(default=15.0, gt=0)
    scim_attempts: int = Field(default=4, ge=1)
    scim_allowed_origins: str = ""  # as https://scim.example.internal:8443, parted by commas; besides AWS's own

    @field_validator("scim_allowed_origins")
    @classmethod
    def _origins(cls, value: str) -> str:
        try:
            allowed_origins(value)
        except Invalid as error:
            raise ValueError(str(error)) from error
        return value

    def scim(self) -> ScimSettings:
        return ScimSettings(read_timeout=self.scim_read_timeout, attempts=self.scim_attempts)


def assemble(broker: NatsBroker, graph: Graph, source: ScimUsers, *, lanes: int) -> None:
    """Say what reads the endpoint of a job's connector."""
    collect(broker, graph, source, COLLECT_SCIM, name=NAME, lanes=lanes)


@asynccontextmanager
async def build(settings: Settings) -> AsyncIterator[None]:
    """Running while entered."""
    async with Graph.open(settings.database_url, application_name=NAME, keys=settings.keys()) as graph:
        broker = bus.broker(settings.nats_url, service=NAME, seed=settings.seed())
        source = ScimUsers(allowed_origins(settings.scim_allowed_origins), settings.scim())
        assemble(broker, graph, source, lanes=settings.scim_lanes)
        async with bus.running(broker, COLLECT_SCIM):
            yield


def main() -> None:
    sys.exit(bus.serve(build(Settings())))
