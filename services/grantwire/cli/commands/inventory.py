"""`inventory`: lists of what there is, for people who keep order."""

import sys
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from grantwire.cli import keys
from grantwire.cli import options as opt
from grantwire.cli.asking import ask
from grantwire.cli.exits import Exit, Stop
from grantwire.cli.output import print_json, print_table, say
from grantwire.cli.spreadsheet import csv_text
from grantwire.cli.words import counted

if TYPE_CHECKING:
    from grantwire.cli.client import Api

group = typer.Typer(help="Lists of what there is.", no_args_is_help=True)
_PATH: Final = "/v1/inventory/secrets"
_PAGE: Final = 1_000
_WARNINGS: Final = {
    "partial": "This list is not whole: some keys could not be read.",
    "unknown": "Nothing is known yet: no connector has read an account.",
    "unreachable": "Some accounts cannot be read: this list may lack what is there.",
}


@group.command()
def secrets(
    account: Annotated[str | None, typer.Option("--account", help="Of this account: id or name.")] = None,
    owner: Annotated[str | None, typer.Option("--owner", help="Of this user: name, ARN or e-mail.")] = None,
    status: Annotated[str | None, typer.Option("--status", help="active or inactive.")] = None,
    older_than: Annotated[str | None, typer.Option("--older-than", help="Made longer ago, such as 90d.")] = None,
    unused_for: Annotated[
        str | None, typer.Option("--unused-for", help="Not used for so long, such as 90d; nor since it was made.")
    ] = None,
    never_used: Annotated[bool, typer.Option("--never-used", help="Never used at all.")] = False,
    root: Annotated[bool, typer.Option("--root", help="Root users without MFA, and root users' keys.")] = False,
    csv: Annotated[bool, typer.Option("--csv", help="CSV that no spreadsheet executes, on stdout.")] = False,
    json: opt.JsonOption = False,
    state_dir: opt.StateDirOption = None,
) -> None:
    """Access keys, the oldest first: owner, age, last use. Ends with 3 when some could not be read or are stale."""
    if csv and json:
        raise Stop(Exit.USAGE, "Either --csv or --json.", "Leave one of the two out.")
    given = {"account": account, "owner": owner, "status": status, "older_than": older_than, "unused_for": unused_for}
    switches = {name: "true" for name, on in (("never_used", never_used), ("root", root)) if on}
    wanted = {name: value for name, value in given.items() if value is not None} | switches
    found = ask(state_dir, lambda api: _all(api, wanted))
    if json:
        print_json(found)
    else:
        _print_csv(found, root=root) if csv else _print(found, root=root)
        _say(found, root=root)
    raise typer.Exit(_ending(found["state"]))


async def _all(api: "Api", wanted: dict[str, str]) -> dict[str, Any]:
    """Every page as one."""
    whole: dict[str, Any] = await api.get(_PATH, limit=_PAGE, **wanted)
    while (cursor := whole.pop("next")) is not None:
        page = await api.get(_PATH, limit=_PAGE, cursor=cursor, **wanted)
        whole["secrets"] += page["secrets"]
        whole["next"] = page["next"]
    return whole


def _print(found: dict[str, Any], *, root: bool) -> None:
    now = datetime.fromisoformat(found["time"])
    if root:
        shown = keys.without_mfa(found["roots"])
        print_table(keys.ROOT_HEADINGS, [keys.root_row(each, found["accounts"], now) for each in shown])
    if found["secrets"] or not root:
        print_table(keys.HEADINGS, [keys.row(each, now) for each in found["secrets"]], whole=1)


def _print_csv(found: dict[str, Any], *, root: bool) -> None:
    """UTF-8 whatever the locale."""
    if root:
        shown = [keys.root_values(each, found["accounts"]) for each in keys.without_mfa(found["roots"])]
        text = csv_text(keys.ROOT_COLUMNS, shown)
    else:
        text = csv_text(keys.COLUMNS, map(keys.values, found["secrets"]))
    sys.stdout.buffer.write(text.encode())
    sys.stdout.buffer.flush()


def _say(found: dict[str, Any], *, root: bool) -> None:
    bare = keys.without_mfa(found["roots"])
    if root:
        say(f"{counted(len(found['roots']) - len(bare), 'root user')} with MFA.", "dim")
    else:
        say(f"{counted(len(found['secrets']), 'access key')}.", "bold")
        if bare:
            say(f"{counted(len(bare), 'root user')} without MFA: `grantwire inventory secrets --root`.", "yellow")
    for line, style in keys.about(found["accounts"], datetime.fromisoformat(found["time"])):
        say(line, style)


def _ending(state: str) -> Exit:
    if state == "complete":
        return Exit.OK
    say(_WARNINGS.get(state, f"This list is {state}: it may differ from what AWS says now."), "bold yellow")
    return Exit.PARTIAL
