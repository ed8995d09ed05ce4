"""The api's wiring: one graph, one broker, one HTTP server on the loopback interface."""

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import structlog
from fastapi import FastAPI
from faststream.nats import NatsBroker
from opentelemetry.instrumentation.fastapi import FastAPIInstrumentor
from pydantic import SecretStr, field_validator
from pydantic_settings import SettingsConfigDict
from starlette.types import ASGIApp

from grantwire import bus, telemetry
from grantwire.api import problems
from grantwire.api.guards import Guard, Rules
from grantwire.api.keeping import Keeper
from grantwire.api.routes.answers import AnswerRoutes
from grantwire.api.routes.connectors import ConnectorRoutes
from grantwire.api.routes.dead_letters import DeadLetterRoutes
from grantwire.api.routes.export import ExportRoutes
from grantwire.api.routes.gaps import GapRoutes
from grantwire.api.routes.health import HealthRoutes
from grantwire.api.routes.inventory import InventoryRoutes
from grantwire.api.routes.life import LifeRoutes
from grantwire.api.routes.news import NewsRoutes
from grantwire.api.routes.operations import OperationRoutes
from grantwire.api.routes.removals import RemovalRoutes
from grantwire.api.routes.retired import RetiredRoutes
from grantwire.api.routes.runs import RunRoutes
from grantwire.api.routes.status import StatusRoutes
from grantwire.api.server import Address, serving
from grantwire.api.validation import AwsDoor, Door
from grantwire.aws import AwsSettings
from grantwire.client import Client, Grantwire
from grantwire.contracts import subjects
from grantwire.contracts.failures import GrantwireError, Invalid
from grantwire.contracts.ids import OPERATORS
from grantwire.graph import Graph, migrate, resealing
from grantwire.graph.keys import NEXT_STEP
from grantwire.graph.settings import KeySettings
from grantwire.local import StateDir
from grantwire.scim import allowed_origins

NAME = "api"
log = structlog.get_logger(__name__)


class Settings(KeySettings, bus.BusSettings):
    """Everything this process is told from outside. ``public_host`` is the Host under which a proxy publishes it."""

    model_config = SettingsConfigDict(env_prefix="GRANTWIRE_", frozen=True)
    database_url: str
    api_host: str = "127.0.0.1"
    api_port: int = 8470
    public_host: str | None = None
    admin_token: SecretStr | None = None
    admin_token_file: Path | None = None
    state_dir: Path | None = None
    scim_allowed_origins: str = ""  # as https://scim.example.internal:8443, parted by commas; besides AWS's own

    @field_validator("scim_allowed_origins")
    @classmethod
    def _origins(cls, value: str) -> str:
        try:
            allowed_origins(value)
        except Invalid as error:
            raise ValueError(str(error)) from error
        return value

    def door(self) -> Door:
        """How connectors are checked against AWS."""
        return AwsDoor(AwsSettings(), allowed_origins(self.scim_allowed_origins))

    def token(self) -> str:
        """The admin token. Raises when there is none: an api that anybody may use is never started."""
        if self.admin_token is not None and self.admin_token.get_secret_value():
            return self.admin_token.get_secret_value()
        if self.admin_token_file is not None and (text := _read(self.admin_token_file)):
            return text
        if self.state_dir is not None:
            return StateDir(self.state_dir).read_or_create_secret("admin-token")
        raise GrantwireError(
            "The api needs an admin token. Set GRANTWIRE_ADMIN_TOKEN_FILE to a file that only this account can read, "
            "or GRANTWIRE_STATE_DIR to a state directory, where one is made; `grantwire up` does so by itself."
        )


@dataclass(frozen=True)
class Running:
    """A started api."""

    url: str


def assemble(graph: Graph, broker: NatsBroker, door: Door, commands: Client) -> FastAPI:
    """The application: every route, every error as problem+json."""
    app = FastAPI(title="Grantwire", version=version("grantwire"), docs_url=None, redoc_url=None)
    app.include_router(HealthRoutes(graph, broker).router())
    app.include_router(StatusRoutes(graph).router())
    keeper = Keeper(graph, door)
    app.include_router(ConnectorRoutes(graph, keeper).router())
    app.include_router(LifeRoutes(graph, keeper).router())
    app.include_router(NewsRoutes(graph).router())
    app.include_router(GapRoutes(graph).router())
    app.include_router(RunRoutes(graph).router())
    app.include_router(OperationRoutes(graph, commands).router())
    app.include_router(RetiredRoutes(graph).router())
    app.include_router(RemovalRoutes(graph).router())
    app.include_router(AnswerRoutes(graph).router())
    app.include_router(InventoryRoutes(graph).router())
    app.include_router(ExportRoutes(graph).router())
    app.include_router(DeadLetterRoutes(bus.DeadLetters(broker, service=NAME)).router())
    problems.register(app)
    return app


@asynccontextmanager
async def build(settings: Settings) -> AsyncIterator[Running]:
    """Running while entered; says at which URL."""
    token = settings.token()
    async with Graph.open(settings.database_url, application_name=NAME, keys=settings.keys()) as graph:
        await _mind_secrets(graph)
        broker = bus.broker(settings.nats_url, service=NAME, seed=settings.seed())
        commands = _commands(settings)
        app = _traced(assemble(graph, broker, settings.door(), commands))
        async with (
            bus.running(broker),
            commands,
            serving(_guarding(app, token, settings.public_host), Address(settings.api_host, settings.api_port)) as at,
        ):
            log.info("the api listens", url=at.url)
            yield Running(at.url)


def main() -> None:
    sys.exit(bus.serve(build(Settings())))


def _commands(settings: Settings) -> Grantwire:
    """People's own commands: the api speaks for the team of operators, and waits for NATS as long as it takes."""
    return Grantwire(
        settings.nats_url,
        nkey_seed=settings.seed(),
        team=OPERATORS,
        name=f"grantwire-{NAME}",
        inbox=subjects.inbox(NAME),
        patience=None,
    )


async def _mind_secrets(graph: Graph) -> None:
    """Encrypt what an earlier version kept in clear; say what cannot be encrypted or read."""
    try:
        await migrate.check(graph)
    except GrantwireError as error:
        log.warning("the tables are not ready", reason=str(error))
        return
    found = await (resealing.rotate(graph, clear_alone=True) if graph.keys else resealing.check(graph))
    if found.renewed:
        log.info("secrets encrypted", count=found.renewed)
    if found.clear > found.renewed:
        log.warning("secrets are stored in clear, for no key was given", count=found.clear, next_step=NEXT_STEP)
    for reason in dict.fromkeys(found.unreadable):
        log.warning("a secret cannot be read", reason=reason)


def _guarding(app: ASGIApp, token: str, public_host: str | None) -> Any:
    return lambda port: Guard(app, Rules(token, port, public_host))


def _traced(app: FastAPI) -> FastAPI:
    """One span a request, continuing the caller's trace; none for probes and for waiting."""
    FastAPIInstrumentor.instrument_app(
        app,
        tracer_provider=telemetry.tracer_provider(NAME),
        exclude_spans=["send", "receive"],
        excluded_urls="/healthz,/v1/runs/[^/]+/events,/v1/connectors/[^/]+/events,/v1/connectors/[^/]+/log,"
        "/v1/operations/[^/]+/events",
    )
    return app


def _read(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError as error:
        raise GrantwireError(f"The admin token file {path} cannot be read: {error.strerror}.") from error
