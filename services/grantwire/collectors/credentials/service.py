"""The credentials collector's wiring: settings from the graph, accounts from AWS, snapshots onto the bus."""

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from pydantic import Field

from grantwire import bus
from grantwire.aws import CREDENTIALS
from grantwire.collectors.credentials.source import AwsCredentials
from grantwire.collectors.kit.service import Desk, at_desk, collect
from grantwire.collectors.kit.settings import CollectorSettings
from grantwire.collectors.kit.stored import StoredKeys
from grantwire.contracts.streams import COLLECT_CREDENTIALS

NAME: Final = "collector-credentials"


class Settings(CollectorSettings):
    """Everything this process is told from outside."""

    credentials_lanes: int = Field(default=8, ge=1, le=COLLECT_CREDENTIALS.max_ack_pending)  # accounts at once


def assemble(desk: Desk, *, lanes: int) -> None:
    """Say what reads the account that a job names."""
    source = AwsCredentials(desk.sessions, StoredKeys(desk.graph))
    collect(desk.broker, desk.graph, source, COLLECT_CREDENTIALS, name=NAME, lanes=lanes)


@asynccontextmanager
async def build(settings: Settings) -> AsyncIterator[None]:
    """Running while entered."""
    async with at_desk(settings, NAME, CREDENTIALS) as desk:
        assemble(desk, lanes=settings.credentials_lanes)
        async with bus.running(desk.broker, COLLECT_CREDENTIALS):
            yield


def main() -> None:
    sys.exit(bus.serve(build(Settings())))
