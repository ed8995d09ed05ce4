"""`retired`: scopes that no longer count, kept until they are purged."""

import sys
from datetime import datetime
from typing import Annotated, Any

import typer

from grantwire.cli import options as opt
from grantwire.cli.asking import ask
from grantwire.cli.exits import Exit, Stop
from grantwire.cli.output import print_json, print_table, say
from grantwire.cli.words import age, counted

group = typer.Typer(help="Scopes that no longer count, kept until they are purged.", no_args_is_help=True)
HEADINGS = ("scope", "connector", "rows", "retired", "purged after", "why")


@group.command("list")
def list_all(json: opt.JsonOption = False, state_dir: opt.StateDirOption = None) -> None:
    """Which scopes are retired, why, and when they are purged."""
    found = ask(state_dir, lambda api: api.get("/v1/retired"))
    if json:
        print_json(found)
        return
    now = datetime.fromisoformat(found["time"])
    print_table(HEADINGS, [row(each, now) for each in found["retired"]])
    if not found["retired"]:
        say("No scope is retired.")


@group.command()
def purge(
    scope: Annotated[str | None, typer.Argument(help="One scope, such as iam/123456789012, at once.")] = None,
    all: Annotated[bool, typer.Option("--all", help="Every retired scope, at once.")] = False,
    json: opt.JsonOption = False,
    state_dir: opt.StateDirOption = None,
) -> None:
    """Delete for good what retired scopes hold; without a scope or --all, of those whose time is over."""
    if scope and all:
        raise Stop(Exit.USAGE, "Either one scope or --all.", "Leave one of the two out.")
    if all and sys.stdin.isatty() and not typer.confirm("Delete everything that retired scopes hold?", err=True):
        raise Stop(Exit.FAILED, "Nothing was purged.", "`grantwire retired purge SCOPE` deletes one.")
    found = ask(state_dir, lambda api: api.post("/v1/retired/purge", {"scope": scope, "all": all}))
    if json:
        print_json(found)
        return
    print_table(("scope", "connector", "rows", "history"), [_purged(each) for each in found["purged"]])
    say(f"{counted(len(found['purged']), 'scope')} purged.")


def row(scope: dict[str, Any], now: datetime) -> tuple[object, ...]:
    """A retired scope in a table."""
    since = f"{age((now - datetime.fromisoformat(scope['retired_at'])).total_seconds())} ago"
    after = f"{datetime.fromisoformat(scope['purged_after']):%Y-%m-%d}"
    return scope["scope"], scope["connector"], scope["rows"], since, after, scope["why"]


def _purged(scope: dict[str, Any]) -> tuple[object, ...]:
    return scope["scope"], scope["connector"], scope["rows"], scope["history"]
