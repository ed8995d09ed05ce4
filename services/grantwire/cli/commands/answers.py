"""`can` and `who-can`: the questions the graph is for."""

from datetime import datetime
from typing import Annotated, Any, Final

import typer

from grantwire.cli import options as opt
from grantwire.cli.asking import ask
from grantwire.cli.exits import Exit
from grantwire.cli.output import print_json, print_table, say
from grantwire.cli.reaching import rows
from grantwire.cli.resting import lines
from grantwire.cli.words import name_of

_WARNING: Final = "This answer is {}: it may differ from what AWS says now."
_WARNINGS: Final = {
    "unreachable": "Some accounts that belong to this answer cannot be read: it may lack what is there."
}


def can(
    principal: Annotated[str, typer.Argument(help="ARN, id, name or e-mail of a person, group or role.")],
    json: opt.JsonOption = False,
    state_dir: opt.StateDirOption = None,
) -> None:
    """What a person, group or role can reach: permission sets in accounts, roles, groups; and how."""
    answer = ask(state_dir, lambda api: api.get("/v1/can", principal=principal))
    raise typer.Exit(tell(answer, "target", "{0} can reach: {1}", json=json))


def who_can(
    target: Annotated[
        str,
        typer.Argument(help="A role, group, account, permission set, or a set in an account (ACCOUNT/PERMISSION_SET)."),
    ],
    json: opt.JsonOption = False,
    state_dir: opt.StateDirOption = None,
) -> None:
    """Who can assume a role, enter an account, or holds a permission set, and how."""
    answer = ask(state_dir, lambda api: api.get("/v1/who-can", target=target))
    raise typer.Exit(tell(answer, "source", "Who can reach {0}: {1}", json=json))


def tell(answer: dict[str, Any], end: str, heading: str, *, json: bool) -> Exit:
    """Print an answer; a stale one is still printed, and says so."""
    if json:
        print_json(answer)
    else:
        _print(answer, end, heading)
    if answer["state"] == "complete":
        return Exit.OK
    say(_WARNINGS.get(answer["state"], _WARNING.format(answer["state"])), "bold yellow")
    return Exit.PARTIAL


def _print(answer: dict[str, Any], end: str, heading: str) -> None:
    found = rows(answer, end)
    say(heading.format(name_of(answer["subject"]), len(found) or "nothing known"), "bold")
    print_table((end, "kind", "how", "effect", "conditions"), found)
    for line, style in lines(answer["freshness"], datetime.fromisoformat(answer["time"])):
        say(line, style)
    if answer["note"]:
        say(answer["note"], "yellow")
    if any(step["relation"] == "can_assume" for path in answer["paths"] for step in path["via"]):
        say(answer["caveat"], "dim")
