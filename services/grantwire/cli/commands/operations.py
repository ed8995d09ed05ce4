"""`operations`: the commands of all teams, how far each is, and the wish to end one."""

from datetime import datetime
from typing import Annotated, Any

import typer

from grantwire.cli import options as opt
from grantwire.cli.asking import ask, segment
from grantwire.cli.commands.access import tell
from grantwire.cli.output import print_json, print_table, say
from grantwire.cli.telling import listed, step
from grantwire.cli.words import clock, reason_text

group = typer.Typer(help="Commands: grants and revokes of all teams.", no_args_is_help=True)
Id = Annotated[str, typer.Argument(help="The command's id.")]
Team = Annotated[str | None, typer.Option("--team", help="Of this team.")]


@group.command("list")
def list_all(
    connector: Annotated[str | None, typer.Option("--connector", help="Of this connector.")] = None,
    team: Team = None,
    open: Annotated[bool | None, typer.Option("--open/--ended", help="Only those without an outcome, or with.")] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, max=1_000, help="How many.")] = 50,
    json: opt.JsonOption = False,
    state_dir: opt.StateDirOption = None,
) -> None:
    """The newest first."""
    wanted: dict[str, str | float] = {"limit": limit}
    given = {"connector": connector, "team": team, "open": None if open is None else str(open).lower()}
    wanted |= {name: value for name, value in given.items() if value is not None}
    found = ask(state_dir, lambda api: api.get("/v1/operations", **wanted))
    if json:
        print_json(found)
        return
    now = datetime.fromisoformat(found["time"])
    headings = ("command", "when", "team", "verb", "principal", "target", "state", "why")
    print_table(headings, [listed(each, now) for each in found["operations"]], whole=1)
    if not found["operations"]:
        say("There is no such command: `grantwire grant` and `grantwire revoke` send one.")


@group.command()
def show(id: Id, team: Team = None, json: opt.JsonOption = False, state_dir: opt.StateDirOption = None) -> None:
    """One command: state, step, outcome, and what was noted of it."""
    found = ask(state_dir, lambda api: api.get(f"/v1/operations/{segment(id)}", **_of(team)))
    if json:
        print_json(found)
        return
    print_table(("what", "how"), _facts(found))
    print_table(("when (UTC)", "noted", "detail"), [_noted(line) for line in found["audit"]])
    if found["open"]:
        say(step(found))
    else:
        tell(found)


@group.command()
def cancel(id: Id, team: Team = None, json: opt.JsonOption = False, state_dir: opt.StateDirOption = None) -> None:
    """End a command that has written nothing yet; one that has goes on to its outcome."""
    path = f"/v1/operations/{segment(id)}/cancel" + (f"?team={segment(team)}" if team else "")
    found = ask(state_dir, lambda api: api.post(path))
    if json:
        print_json(found)
    else:
        say(f"Asked: it ends as refused, unless AWS was written to already. `grantwire operations show {id}` shows it.")


def _of(team: str | None) -> dict[str, str | float]:
    return {"team": team} if team is not None else {}


def _facts(found: dict[str, Any]) -> list[tuple[str, object]]:
    shown = {
        "command": found["id"],
        "asks": f"{found['verb']}{' (dry run)' if found['dry_run'] else ''}",
        "principal": f"{found['principal']['display']} ({found['principal']['native_id']})",
        "target": f"{found['target']['display']} ({found['target']['native_id']})",
        "account": found["account"],
        "connector": found["connector"],
        "team": found["team"],
        "requester": found["requester"],
        "reason": found["reason"],
        "valid until": clock(found["valid_until"]) if found["valid_until"] else "",
        "looked at next": clock(found["due_at"]) if found["open"] else "",
    }
    return [(name, value) for name, value in shown.items() if value]


def _noted(line: dict[str, Any]) -> tuple[str, str, str]:
    said = {name: value for name, value in line["detail"].items() if name not in ("principal", "target", "requester")}
    texts = (f"{name}: {_text(value)}" for name, value in said.items() if value not in (None, [], ""))
    return clock(line["at"]), line["what"], "; ".join(texts)


def _text(value: Any) -> str:
    return " ".join(map(str, value)) if isinstance(value, list) else reason_text(value)
