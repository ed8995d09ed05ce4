"""The Identity Center collector's wiring: settings from the graph, scopes from AWS, snapshots onto the bus."""

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from pydantic import Field

from grantwire import bus
from grantwire.aws import IDENTITY_CENTER
from grantwire.collectors.identity_center.source import AwsIdentityCenter
from grantwire.collectors.identity_center.stored import StoredScopes
from grantwire.collectors.kit.service import Desk, at_desk, collect
from grantwire.collectors.kit.settings import CollectorSettings
from grantwire.contracts.streams import COLLECT_IDENTITY_CENTER

NAME: Final = "collector-identity-center"


class Settings(CollectorSettings):
    """Everything this process is told from outside."""

    # Scopes read at the same time.
    identity_center_lanes: int = Field(default=12, ge=1, le=COLLECT_IDENTITY_CENTER.max_ack_pending)


def assemble(desk: Desk, *, lanes: int) -> None:
    """Say what reads the scope that a job names."""
    source = AwsIdentityCenter(desk.sessions, StoredScopes(desk.graph))
    collect(desk.broker, desk.graph, source, COLLECT_IDENTITY_CENTER, name=NAME, lanes=lanes)


@asynccontextmanager
async def build(settings: Settings) -> AsyncIterator[None]:
    """Running while entered."""
    async with at_desk(settings, NAME, IDENTITY_CENTER) as desk:
        assemble(desk, lanes=settings.identity_center_lanes)
        async with bus.running(desk.broker, COLLECT_IDENTITY_CENTER):
            yield


def main() -> None:
    sys.exit(bus.serve(build(Settings())))
