"""`removals`: what the last reading lacks so much of that a person must say whether it is really gone."""

import sys
from datetime import datetime
from typing import Annotated, Any, Final

import typer

from grantwire.cli import options as opt
from grantwire.cli.asking import ask, segment
from grantwire.cli.exits import Exit, Stop
from grantwire.cli.output import err, print_json, print_table, say
from grantwire.cli.words import age, losses

group = typer.Typer(help="Removals that wait for a person.", no_args_is_help=True)
Scope = Annotated[str, typer.Argument(help="The scope, such as iam/123456789012.")]
Fingerprint = Annotated[
    str | None, typer.Option("--fingerprint", help="The set that `list` showed; else the one that waits now.")
]
_SOME: Final = 20  # rows shown before a confirmation; `list --all` shows every one


@group.command("list")
def list_all(
    all: Annotated[bool, typer.Option("--all", help="Name every row.")] = False,
    json: opt.JsonOption = False,
    state_dir: opt.StateDirOption = None,
) -> None:
    """What waits in which scope, and since when."""
    found = ask(state_dir, lambda api: api.get("/v1/removals", ids=str(all or json).lower()))
    if json:
        print_json(found)
        return
    now = datetime.fromisoformat(found["time"])
    print_table(("scope", "connector", "rows", "lost", "since"), [_line(each, now) for each in found["removals"]])
    for held in found["removals"] if all else ():
        print_table(("kind", "what"), [_row(each) for each in held["ids"]])
    _hint(found["removals"], all=all)


@group.command()
def confirm(
    scope: Scope, fingerprint: Fingerprint = None, json: opt.JsonOption = False, state_dir: opt.StateDirOption = None
) -> None:
    """They are really gone: let the next run, which begins at once, remove exactly these."""
    chosen = fingerprint or _shown(ask(state_dir, lambda api: api.get("/v1/removals", ids="true")), scope)
    answer = ask(state_dir, lambda api: api.post(f"/v1/removals/{segment(scope)}/confirm", {"fingerprint": chosen}))
    if json:
        print_json(answer)
    else:
        say(
            f"Confirmed. Run {answer['run']} reads {scope} anew and removes exactly these; `grantwire status` shows it."
        )


@group.command()
def reject(scope: Scope, json: opt.JsonOption = False, state_dir: opt.StateDirOption = None) -> None:
    """Keep the rows as last known, until the next run judges anew."""
    answer = ask(state_dir, lambda api: api.post(f"/v1/removals/{segment(scope)}/reject"))
    if json:
        print_json(answer)
    else:
        say(f"{scope}: {answer['reason']['text']}")


def _shown(found: dict[str, Any], scope: str) -> str:
    """Show what waits in a scope; the fingerprint of what was shown. Raises ``Stop`` for a person who says no."""
    held = next((each for each in found["removals"] if each["scope"] == scope), None)
    if held is None:
        raise Stop(Exit.NOT_FOUND, f"No removals wait in scope {scope!r}.", "`grantwire removals list` shows which do.")
    say(f"{scope} lacks {losses(held['losses'])}; {held['rows']} removals wait:", "bold")
    print_table(("kind", "what"), [_row(each) for each in held["ids"][:_SOME]], err())
    if held["rows"] > _SOME:
        say(f"and {held['rows'] - _SOME} more, which `grantwire removals list --all` names.")
    if sys.stdin.isatty() and not typer.confirm("Are they really gone?", err=True):
        raise Stop(Exit.FAILED, "Nothing was confirmed.", f"`grantwire removals reject {scope}` keeps the rows.")
    fingerprint: str = held["fingerprint"]
    return fingerprint


def _line(held: dict[str, Any], now: datetime) -> tuple[object, ...]:
    since = f"{age((now - datetime.fromisoformat(held['since'])).total_seconds())} ago"
    waits = f"{since}, confirmed" if held["confirmed"] else since
    return held["scope"], held["connector"], held["rows"], losses(held["losses"]), waits


def _row(row: dict[str, Any]) -> tuple[str, str]:
    return row["kind"], row.get("native_id") or f"{row['source']} → {row['target']}"


def _hint(removals: list[dict[str, Any]], *, all: bool) -> None:
    if not removals:
        say("No removals wait.")
        return
    if not all:
        say("--all names every row.", "dim")
    for held in removals:
        say(f"  grantwire removals confirm {held['scope']} --fingerprint {held['fingerprint']}", "cyan")
        say(f"  grantwire removals reject {held['scope']}", "cyan")
