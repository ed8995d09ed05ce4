"""`can` and `who-can`: the questions the graph is for."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Final

import typer

from grantwire.cli import options as opt
from grantwire.cli.asking import ask
from grantwire.cli.exits import Exit
from grantwire.cli.output import print_json, print_table, say
from grantwire.cli.words import conditions, freshness, name_of, way_back, way_there

_WARNING: Final = "This answer is {}: it may differ from what AWS says now."
_WARNINGS: Final = {
    "unreachable": "Some accounts that belong to this answer cannot be read: it may lack what is there."
}


def can(
    principal: Annotated[str, typer.Argument(help="ARN, name, unique id or e-mail of a user, group or role.")],
    json: opt.JsonOption = False,
    state_dir: opt.StateDirOption = None,
) -> None:
    """What a principal can assume, and how."""
    answer = ask(state_dir, lambda api: api.get("/v1/can", principal=principal))
    raise typer.Exit(tell(answer, "target", "{0} can assume: {1}", json=json))


def who_can(
    target: Annotated[str, typer.Argument(help="ARN, name or unique id of a role.")],
    json: opt.JsonOption = False,
    state_dir: opt.StateDirOption = None,
) -> None:
    """Who can assume a role, and how."""
    answer = ask(state_dir, lambda api: api.get("/v1/who-can", target=target))
    raise typer.Exit(tell(answer, "source", "Who can assume {0}: {1}", json=json))


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
    now = datetime.fromisoformat(answer["time"])
    say(heading.format(name_of(answer["subject"]), len(answer["paths"]) or "nothing known"), "bold")
    print_table(
        (end, "kind", "how", "effect", "conditions"), [_row(path, end, answer["subject"]) for path in answer["paths"]]
    )
    for scope in answer["freshness"]:
        say(freshness(scope, now), "dim" if scope["state"] == "complete" and not scope["overdue"] else "yellow")
    if answer["note"]:
        say(answer["note"], "yellow")
    if answer["paths"]:
        say(answer["caveat"], "dim")


def _row(path: Mapping[str, Any], end: str, subject: Mapping[str, Any]) -> tuple[str, str, str, str, str]:
    node = path[end]
    how = way_there(path["via"]) if end == "target" else way_back(path["via"], subject)
    notes = filter(None, (conditions(path["conditions"]), path["note"]))
    return name_of(node), node["kind"], how, path["effect"], "; ".join(notes)
