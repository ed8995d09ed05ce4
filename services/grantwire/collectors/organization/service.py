"""The organization collector's wiring: settings from the graph, the tree from AWS, snapshots onto the bus."""

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from pydantic import Field

from grantwire import bus
from grantwire.aws import ORGANIZATION
from grantwire.collectors.kit.service import Desk, at_desk, collect
from grantwire.collectors.kit.settings import CollectorSettings
from grantwire.collectors.organization.source import AwsOrganization
from grantwire.contracts.streams import COLLECT_ORGANIZATION

NAME: Final = "collector-organization"


class Settings(CollectorSettings):
    """Everything this process is told from outside."""

    organization_lanes: int = Field(default=4, ge=1, le=COLLECT_ORGANIZATION.max_ack_pending)  # read at the same time


def assemble(desk: Desk, *, lanes: int) -> None:
    """Say what reads the organization that a job names."""
    collect(desk.broker, desk.graph, AwsOrganization(desk.sessions), COLLECT_ORGANIZATION, name=NAME, lanes=lanes)


@asynccontextmanager
async def build(settings: Settings) -> AsyncIterator[None]:
    """Running while entered."""
    async with at_desk(settings, NAME, ORGANIZATION) as desk:
        assemble(desk, lanes=settings.organization_lanes)
        async with bus.running(desk.broker, COLLECT_ORGANIZATION):
            yield


def main() -> None:
    sys.exit(bus.serve(build(Settings())))
