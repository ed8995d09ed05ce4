"""`runs`: the history of syncs, and one of them with its scopes."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any

import typer

from grantwire.cli import options as opt
from grantwire.cli.asking import ask, segment
from grantwire.cli.output import print_json, print_table, say
from grantwire.cli.words import account_name, calls_of, last_run, parts, reason_text, run_line

group = typer.Typer(help="The history of syncs.", invoke_without_command=True)


@group.callback()
def history(
    context: typer.Context,
    connector: Annotated[str | None, typer.Option("--connector", help="Of this connector alone.")] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, max=1_000, help="How many.")] = 20,
    json: opt.JsonOption = False,
    state_dir: opt.StateDirOption = None,
) -> None:
    """The history of syncs, newest first."""
    if context.invoked_subcommand is not None:
        return
    wanted: dict[str, str | float] = {"limit": limit}
    if connector is not None:
        wanted["connector"] = connector
    found = ask(state_dir, lambda api: api.get("/v1/runs", **wanted))
    if json:
        print_json(found)
        return
    now = datetime.fromisoformat(found["time"])
    headings = ("run", "connector", "when", "cause", "state", "scopes", "calls", "throttled", "seconds")
    print_table(headings, [run_line(run, now) for run in found["runs"]])
    if not found["runs"]:
        say("There was no run yet: `grantwire sync CONNECTOR` asks for one.")


@group.command()
def show(
    run: Annotated[str, typer.Argument(help="The id that `runs` shows.")],
    json: opt.JsonOption = False,
    state_dir: opt.StateDirOption = None,
) -> None:
    """One run, a row for each of its scopes."""
    found = ask(state_dir, lambda api: api.get(f"/v1/runs/{segment(run)}"))
    if json:
        print_json(found)
        return
    headings = ("scope", "name", "state", "calls", "throttled", "seconds", "rows", "reason")
    print_table(headings, [_row(scope) for scope in found["scopes"]])
    asked = datetime.fromisoformat(found["requested_at"])
    say(f"{found['connector']} · {found['cause']} · {asked:%Y-%m-%d %H:%M:%S} UTC · {parts(found['parts'])}", "dim")
    say(last_run(found, asked), "dim")


def _row(scope: Mapping[str, Any]) -> tuple[object, ...]:
    rows = "+{inserted} ~{changed} -{removed}".format_map(scope)
    took = f"{scope['seconds']:.1f}"
    told = (calls_of(scope), scope["throttled"], took, rows, reason_text(scope["reason"]))
    return scope["scope"], account_name(scope), scope["state"], *told
