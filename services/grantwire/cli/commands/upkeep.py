"""`bus apply` and `db upgrade`: the two steps that bring servers into the shape this version needs."""

from typing import Annotated

import typer

from grantwire.cli import options as opt
from grantwire.cli.exits import Exit, Stop
from grantwire.cli.output import print_json, say

bus = typer.Typer(help="The message bus.", no_args_is_help=True)
db = typer.Typer(help="The database.", no_args_is_help=True)

NatsUrl = Annotated[str | None, typer.Option("--nats-url", envvar="GRANTWIRE_NATS_URL", help="The NATS server.")]
DatabaseUrl = Annotated[str | None, typer.Option("--database-url", envvar="GRANTWIRE_DATABASE_URL", help="Postgres.")]


@bus.callback()
def _bus() -> None:
    """The message bus."""


@db.callback()
def _db() -> None:
    """The database."""


@bus.command()
def apply(nats_url: NatsUrl = None, json: opt.JsonOption = False) -> None:
    """Create or change the streams and consumers; safe to repeat."""
    import asyncio

    from grantwire import bus as streams

    changes = asyncio.run(streams.apply(_given(nats_url, "GRANTWIRE_NATS_URL")))
    if json:
        print_json({"changes": changes})
    for line in changes or ["Streams and consumers are as they should be."]:
        say(line)


@db.command()
def upgrade(database_url: DatabaseUrl = None, json: opt.JsonOption = False) -> None:
    """Bring the tables to this version; safe to repeat, and from several machines at once."""
    import asyncio

    from grantwire.graph import migrate

    asyncio.run(migrate.upgrade(_given(database_url, "GRANTWIRE_DATABASE_URL")))
    if json:
        print_json({"upgraded": True})
    say("The tables are at this version.")


def _given(url: str | None, name: str) -> str:
    if not url:
        raise Stop(Exit.USAGE, f"{name} is not set.", "`grantwire up` does this by itself on its embedded servers.")
    return url
