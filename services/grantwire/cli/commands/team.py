"""`team`: who may send commands over the bus, each in an account of its own."""

import asyncio
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

import typer

from grantwire.cli import options as opt
from grantwire.cli.output import print_json, print_table, say

if TYPE_CHECKING:
    from grantwire.cli.teams import Team

group = typer.Typer(help="Teams whose services send commands and hear changes.", no_args_is_help=True)

Name: TypeAlias = Annotated[str, typer.Argument(help="A short name of your choice, such as payments.")]

SENDS = "gw.cmd.CONNECTOR.ACCOUNT.grant and …revoke"
HEARS = "gw.outcome.CONNECTOR.ACCOUNT.VERB and gw.change.CONNECTOR.ACCOUNT.KIND"
ASKS = "gw.ask.COMMAND"
SNIPPET = """\
from pathlib import Path
from grantwire.client import Grantwire
gw = Grantwire("{url}", nkey_seed=Path("{seed_file}").read_text())"""


@group.command()
def add(name: Name, json: opt.JsonOption = False, state_dir: opt.StateDirOption = None) -> None:
    """Give a team an account on the bus and a key to it, and print what it needs. A running `grantwire up` lets it in
    at once; for another NATS (GRANTWIRE_NATS_URL) its new configuration is printed."""
    from grantwire.cli import teams
    from grantwire.cli.settings import Settings

    settings = Settings()
    team = asyncio.run(teams.add(teams.place(state_dir, settings), name, settings.nats_url))
    snippet = SNIPPET.format(url=team.url, seed_file=team.seed_file)
    if json:
        state = {"connected": team.now, "configuration": team.configuration}
        print_json({**_told(team), "sends": SENDS, "hears": HEARS, "asks": ASKS, "snippet": snippet, **state})
        return
    rows = [("server", team.url), ("key", team.seed_file), ("sends", SENDS), ("hears", HEARS), ("asks", ASKS)]
    print_table(("what", "where"), rows)
    typer.echo(f"\n{snippet}")
    _tell(team.configuration, f"Team {name} can connect." if team.now else f"Team {name} can connect once NATS runs.")
    say("Give the key file to the team, and to nobody else.")


@group.command("list")
def list_all(json: opt.JsonOption = False, state_dir: opt.StateDirOption = None) -> None:
    """Every team and its public key."""
    from grantwire.cli import teams
    from grantwire.cli.settings import Settings

    settings = Settings()
    found = asyncio.run(teams.all_of(teams.place(state_dir, settings), settings.nats_url))
    if json:
        print_json({"teams": [_told(each) for each in found]})
    elif found:
        print_table(("team", "public key", "key file"), [(each.name, each.key, each.seed_file) for each in found])
    else:
        say("There is no team. `grantwire team add NAME` makes one.")


@group.command()
def remove(name: Name, json: opt.JsonOption = False, state_dir: opt.StateDirOption = None) -> None:
    """Shut a team out: its connections end and its key is deleted. What it asked for before is carried out all the
    same."""
    from grantwire.cli import teams
    from grantwire.cli.settings import Settings

    settings = Settings()
    configuration = asyncio.run(teams.remove(teams.place(state_dir, settings), name, settings.nats_url))
    if json:
        print_json({"removed": name, "configuration": configuration})
    else:
        _tell(configuration, f"Team {name} is shut out.")


def _told(team: "Team") -> dict[str, Any]:
    return {"name": team.name, "key": team.key, "url": team.url, "seed_file": str(team.seed_file)}


def _tell(configuration: str | None, done: str) -> None:
    """What was done here, or what is to be done on a server that is not ours."""
    if configuration is None:
        say(done, "green")
        return
    typer.echo(f"\n{configuration}")
    say("This NATS is not ours: put these accounts into its configuration, and have it reload twice.", "bold yellow")
