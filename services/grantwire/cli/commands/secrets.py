"""`secrets`: the keys that connectors' secrets are encrypted with, and what is encrypted with which."""

from typing import TYPE_CHECKING

import typer

from grantwire.cli import options as opt
from grantwire.cli.commands.upkeep import DatabaseUrl, given
from grantwire.cli.exits import Exit
from grantwire.cli.output import print_json, print_table, say
from grantwire.cli.words import counted

if TYPE_CHECKING:
    from grantwire.graph.resealing import Count

group = typer.Typer(help="The keys of connectors' secrets.", no_args_is_help=True)


@group.command("new-key")
def new_key(json: opt.JsonOption = False) -> None:
    """Print a random key. Put it above the others in the file that GRANTWIRE_SECRET_KEY_FILE names."""
    from grantwire.graph.keys import new_key as made

    key = made()
    if json:
        print_json({"key": key})
    else:
        typer.echo(key)


@group.command()
def check(database_url: DatabaseUrl = None, json: opt.JsonOption = False) -> None:
    """Count the stored secrets: in clear, encrypted with which key, unreadable. Ends with 1 unless all can be read and
    none is in clear."""
    found = _run(database_url, rotating=False)
    _show(found, json)
    if found.clear:
        say("`grantwire secrets rotate` encrypts those in clear.", "bold red")
    _end(found.clear + len(found.unreadable))


@group.command()
def rotate(database_url: DatabaseUrl = None, json: opt.JsonOption = False) -> None:
    """Encrypt every stored secret with the first key. Safe to repeat, and while Grantwire runs. Ends with 1 when some
    cannot be read: they stay as they are."""
    found = _run(database_url, rotating=True)
    _show(found, json)
    say(f"{counted(found.renewed, 'secret')} encrypted anew.", "green" if not found.unreadable else "")
    _end(len(found.unreadable))


def _run(database_url: str | None, *, rotating: bool) -> "Count":
    import asyncio

    from grantwire.graph import Graph, resealing
    from grantwire.graph.settings import KeySettings

    url, keys = given(database_url, "GRANTWIRE_DATABASE_URL"), KeySettings().keys()

    async def work() -> "Count":
        async with Graph.open(url, application_name="cli", keys=keys) as graph:
            return await (resealing.rotate(graph) if rotating else resealing.check(graph))

    return asyncio.run(work())


def _show(found: "Count", json: bool) -> None:
    if json:
        print_json(
            {
                "clear": found.clear,
                "sealed": dict(found.sealed),
                "unreadable": found.unreadable,
                "renewed": found.renewed,
            }
        )
        return
    rows = [("in clear", found.clear), *((f"key {name}", count) for name, count in sorted(found.sealed.items()))]
    print_table(("encrypted with", "secrets"), rows)
    for reason in dict.fromkeys(found.unreadable):
        say(reason, "bold red")


def _end(wrong: int) -> None:
    if wrong:
        raise typer.Exit(Exit.FAILED)
