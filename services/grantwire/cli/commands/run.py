"""`run`: one service, or one of the helpers, alone in this process."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer

from grantwire.cli.catalog import HELPERS, SERVICES, load
from grantwire.cli.exits import Exit, Stop

Service = Annotated[str, typer.Argument(envvar="GRANTWIRE_SERVICE", help=", ".join([*SERVICES, *HELPERS]))]


def run(context: typer.Context, service: Service) -> None:
    """Run one service until Ctrl-C or SIGTERM. Services read GRANTWIRE_DATABASE_URL and GRANTWIRE_NATS_URL; sandbox,
    traces and local take options of their own (`grantwire run sandbox --help`)."""
    if service not in (*SERVICES, *HELPERS):
        step = f"The services are {', '.join(SERVICES)}; the helpers {', '.join(HELPERS)}."
        raise Stop(Exit.USAGE, f"There is no service {service!r}.", step)
    if service in SERVICES and context.args:
        raise Stop(Exit.USAGE, f"{service} takes no options: {' '.join(context.args)}.", "Services read GRANTWIRE_*.")
    sys.argv = [f"grantwire run {service}", *context.args]
    raise typer.Exit(_main(service) or 0)


@contextmanager
def _telling(service: str) -> Iterator[None]:
    """Logs on stderr, traces to the standard OTLP endpoint where there is one."""
    from grantwire import telemetry
    from grantwire.cli.settings import Settings

    settings = Settings()
    switched = telemetry.setup(
        service,
        endpoint=os.environ.get("OTEL_EXPORTER_OTLP_ENDPOINT"),
        log_format=settings.log_format,
        level=settings.log_level,
    )
    try:
        yield
    finally:
        switched.shutdown()


def _main(service: str) -> int | None:
    from pydantic import ValidationError

    try:
        with _telling(service):
            ended: int | None = load(service).main()
    except ValidationError as error:
        names = ", ".join(f"GRANTWIRE_{str(item['loc'][0]).upper()}" for item in error.errors() if item["loc"])
        raise Stop(
            Exit.USAGE,
            f"{service} cannot start: {names} missing or wrong.",
            "Set them in the environment; `grantwire run local` prints URLs of an embedded Postgres and NATS.",
        ) from error
    return ended
