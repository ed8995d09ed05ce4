"""The IAM collector's wiring: settings from the graph, accounts from AWS, snapshots onto the bus."""

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from pydantic import Field

from grantwire import bus
from grantwire.aws import IAM_ALL
from grantwire.collectors.iam.source import AwsIam
from grantwire.collectors.kit.service import Desk, at_desk, collect
from grantwire.collectors.kit.settings import CollectorSettings
from grantwire.collectors.kit.stored import StoredFleet
from grantwire.contracts.streams import COLLECT_IAM

NAME: Final = "collector-iam"


class Settings(CollectorSettings):
    """Everything this process is told from outside."""

    collect_lanes: int = Field(default=8, ge=1, le=COLLECT_IAM.max_ack_pending)  # accounts read at the same time


def assemble(desk: Desk, *, lanes: int) -> None:
    """Say what reads the account that a job names."""
    source = AwsIam(desk.sessions, StoredFleet(desk.graph))
    collect(desk.broker, desk.graph, source, COLLECT_IAM, name=NAME, lanes=lanes)


@asynccontextmanager
async def build(settings: Settings) -> AsyncIterator[None]:
    """Running while entered."""
    async with at_desk(settings, NAME, IAM_ALL) as desk:
        assemble(desk, lanes=settings.collect_lanes)
        async with bus.running(desk.broker, COLLECT_IAM):
            yield


def main() -> None:
    sys.exit(bus.serve(build(Settings())))
