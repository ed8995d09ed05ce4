"""`status`: connectors, scopes and how fresh they are."""

from datetime import datetime
from typing import Any

import typer

from grantwire.cli import options as opt
from grantwire.cli.asking import ask
from grantwire.cli.exits import Exit
from grantwire.cli.output import out, print_json, print_table, say
from grantwire.cli.words import freshness, last_run, reason_text


def status(json: opt.JsonOption = False, state_dir: opt.StateDirOption = None) -> None:
    """Connectors, scopes, freshness, counts. Ends with 3 when something is stale or overdue."""
    found = ask(state_dir, lambda api: api.get("/v1/status"))
    if json:
        print_json(found)
    else:
        _print(found)
    raise typer.Exit(Exit.OK if found["state"] == "complete" else Exit.PARTIAL)


def _print(found: dict[str, Any]) -> None:
    if not found["connectors"]:
        say("There is no connector yet: add one with `grantwire connector add prod --role-arn ARN --external-id ID`.")
        return
    now = datetime.fromisoformat(found["time"])
    headings = ("connector", "account", "state", "reason", "last run")
    print_table(headings, [(*connector_row(each), last_run(each["last_run"], now)) for each in found["connectors"]])
    out().print()
    for scope in found["scopes"]:
        print_table(("scope",), [(freshness(scope, now),)])
    counts = found["counts"]
    total = f"{sum(counts['resources'].values()):,} resources, {sum(counts['relations'].values()):,} relations"
    say(f"revision {found['revision']} · {total}", "dim")


def connector_row(view: dict[str, Any]) -> tuple[str, str, str, str]:
    return view["id"], view["account"] or "-", view["state"], reason_text(view["reason"])
