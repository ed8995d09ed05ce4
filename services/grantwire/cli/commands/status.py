"""`status`: connectors, scopes and how fresh they are."""

from datetime import datetime
from typing import Any, Final

import typer

from grantwire.cli import options as opt
from grantwire.cli.asking import ask
from grantwire.cli.exits import Exit
from grantwire.cli.output import out, print_json, print_table, say
from grantwire.cli.standing import HEADINGS, joined, overview
from grantwire.cli.words import counted, freshness, last_run, parts, reason_text

_FEW, _SOME = 3, 20  # scopes that are all named, and lines for those that are not well
_WORST: Final = ("stale", "held", "new", "unreachable", "complete")


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
    headings = ("connector", "account", "organization", "state", "reason", "accounts", "last run")
    print_table(headings, [_line(each, now) for each in found["connectors"]])
    if beside := overview(found["scopes"], now):
        out().print()
        print_table(HEADINGS, beside)
    out().print()
    shown = named(found["scopes"])
    if some := shown[:_SOME]:
        told = joined(some) if out().is_terminal else some  # elsewhere a line a scope, for whoever greps for it
        print_table(("scope",), [(freshness(scope, now),) for scope in told])
    if len(shown) > _SOME:
        say(f"and {len(shown) - _SOME:,} more that are not well; --json names them all", "yellow")
    if rest := len(found["scopes"]) - len(shown):
        say(f"{counted(rest, 'other scope')} complete", "green")
    counts = found["counts"]
    total = f"{sum(counts['resources'].values()):,} resources, {sum(counts['relations'].values()):,} relations"
    say(f"revision {found['revision']} · {total}", "dim")


def named(scopes: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The scopes to be named: all while they are few, else those that are not well, the worst first."""
    if len(scopes) <= _FEW:
        return scopes
    ill = [scope for scope in scopes if scope["state"] != "complete" or scope["overdue"]]
    return sorted(ill, key=lambda scope: _WORST.index(scope["state"]))


def connector_row(view: dict[str, Any]) -> tuple[str, str, str, str, str]:
    reason = reason_text(view["reason"])
    return view["id"], view["account"] or "-", view["organization"] or "-", view["state"], reason


def _line(view: dict[str, Any], now: datetime) -> tuple[str, ...]:
    return *connector_row(view), parts(view["accounts"]), last_run(view["last_run"], now)
