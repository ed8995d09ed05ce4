"""`bus apply` and `db upgrade`: servers into the shape this version needs. `db check`: are the stored rows sound?"""

from typing import TYPE_CHECKING, Annotated

import typer

from grantwire.cli import options as opt
from grantwire.cli.exits import Exit, Stop
from grantwire.cli.output import print_json, print_table, say
from grantwire.cli.words import counted

if TYPE_CHECKING:
    from grantwire.graph.checking import Finding

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
    """Create or change the streams and consumers; safe to repeat. GRANTWIRE_NATS_NKEY_FILE is the admin's key, where
    NATS knows one."""
    import asyncio

    from grantwire import bus as streams

    login = streams.BusSettings(nats_url=given(nats_url, "GRANTWIRE_NATS_URL"))
    changes = asyncio.run(streams.apply(login.nats_url, seed=login.seed()))
    if json:
        print_json({"changes": changes})
    for line in changes or ["Streams and consumers are as they should be."]:
        say(line)


@bus.command()
def accounts(state_dir: opt.StateDirOption = None, json: opt.JsonOption = False) -> None:
    """Print the accounts and users of every service and team, for the configuration of a NATS that is not ours. The
    keys are made at first use and stay in the state directory, secrets/nkey-*."""
    import asyncio

    from grantwire.cli import teams
    from grantwire.cli.settings import Settings

    state = teams.place(state_dir, Settings())
    text = asyncio.run(teams.configuration(state))
    if json:
        print_json({"configuration": text, "keys": str(state.path / "secrets")})
        return
    typer.echo(text)
    say(f"Each service reads its key, {state.path / 'secrets'}/nkey-SERVICE, as GRANTWIRE_NATS_NKEY_FILE.")


@db.command()
def upgrade(database_url: DatabaseUrl = None, json: opt.JsonOption = False) -> None:
    """Bring the tables to this version; safe to repeat, and from several machines at once."""
    import asyncio

    from grantwire.graph import migrate

    asyncio.run(migrate.upgrade(given(database_url, "GRANTWIRE_DATABASE_URL")))
    if json:
        print_json({"upgraded": True})
    say("The tables are at this version.")


@db.command()
def check(
    database_url: DatabaseUrl = None,
    repair: Annotated[
        bool, typer.Option("--repair", help="Let the next run of a damaged scope read it whole.")
    ] = False,
    json: opt.JsonOption = False,
) -> None:
    """Compare every stored row with what was applied. Ends with 1 when a scope is damaged, and names it."""
    import asyncio
    from dataclasses import asdict

    found = asyncio.run(_checked(given(database_url, "GRANTWIRE_DATABASE_URL"), repair=repair))
    if json:
        print_json({"findings": [asdict(each) for each in found]})
    else:
        print_table(("scope", "connector", "damaged", "what"), [_row(each) for each in found])
    if not found:
        say("Every row is as it was applied.", "green")
        return
    step = "The next run of each reads it whole." if repair else "`grantwire db check --repair` has them read whole."
    say(f"{counted(len(found), 'scope')} damaged. {step}", "bold red")
    raise typer.Exit(Exit.FAILED)


async def _checked(database_url: str, *, repair: bool) -> "list[Finding]":
    from grantwire.graph import Graph
    from grantwire.graph.checking import check

    async with Graph.open(database_url, application_name="cli") as graph:
        return await check(graph, repair=repair)


def _row(finding: "Finding") -> tuple[object, ...]:
    return finding.scope, finding.connector, finding.damaged, finding.text


def given(url: str | None, name: str) -> str:
    """The URL of a server. Raises ``Stop`` when nobody gave it."""
    if not url:
        raise Stop(Exit.USAGE, f"{name} is not set.", "`grantwire up` does this by itself on its embedded servers.")
    return url
