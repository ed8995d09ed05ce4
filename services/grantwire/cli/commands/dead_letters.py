"""`dead-letters`: messages that were given up on."""

from typing import Annotated, Any

import typer

from grantwire.cli import options as opt
from grantwire.cli.asking import ask
from grantwire.cli.output import print_json, print_table, say

group = typer.Typer(help="Messages that were given up on.", no_args_is_help=True)
Seq = Annotated[int, typer.Argument(min=1, help="The number that `list` shows.")]


@group.command("list")
def list_all(json: opt.JsonOption = False, state_dir: opt.StateDirOption = None) -> None:
    """Every message that was given up on, and why."""
    found = ask(state_dir, lambda api: api.get("/v1/dead-letters"))
    if json:
        print_json(found)
    elif found["dead_letters"]:
        print_table(
            ("seq", "stream", "consumer", "deliveries", "reason"), [_row(each) for each in found["dead_letters"]]
        )
    else:
        say("No message was given up on.")


@group.command()
def show(seq: Seq, json: opt.JsonOption = False, state_dir: opt.StateDirOption = None) -> None:
    """One message: where it was going, its headers, its body."""
    found = ask(state_dir, lambda api: api.get(f"/v1/dead-letters/{seq}"))
    if json:
        print_json(found)
        return
    headers = found.pop("headers", None) or {}
    print_table(("field", "value"), [*found.items(), *headers.items()])


@group.command()
def replay(seq: Seq, json: opt.JsonOption = False, state_dir: opt.StateDirOption = None) -> None:
    """Send one message on its way again."""
    found = ask(state_dir, lambda api: api.post(f"/v1/dead-letters/{seq}/replay"))
    if json:
        print_json(found)
    else:
        say(f"Message {seq} is on its way again.")


def _row(letter: dict[str, Any]) -> list[Any]:
    return [letter.get(name, "") for name in ("seq", "stream", "consumer", "deliveries", "reason")]
