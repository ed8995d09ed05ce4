"""`connector`: the accounts under management."""

from typing import Annotated, Any

import typer

from grantwire.cli import options as opt
from grantwire.cli.asking import ask, segment
from grantwire.cli.commands.status import connector_row
from grantwire.cli.output import print_json, print_table, say

group = typer.Typer(help="AWS accounts under management.", no_args_is_help=True)


@group.command()
def add(
    id: Annotated[str, typer.Argument(help="A short name of your choice, such as prod.")],
    role_arn: Annotated[str | None, typer.Option(help="The role to assume; none: the ambient account.")] = None,
    external_id: Annotated[str | None, typer.Option(help="The external id that its trust policy asks for.")] = None,
    name: Annotated[str, typer.Option(help="A longer name.")] = "",
    interval: Annotated[str | None, typer.Option(help="How often to sync, such as 15m.")] = None,
    json: opt.JsonOption = False,
    state_dir: opt.StateDirOption = None,
) -> None:
    """Add a connector, or change one. It is checked against AWS at once, and its first sync begins."""
    from grantwire.cli.connectors_file import read_one

    given = {"id": id, "role_arn": role_arn, "external_id": external_id, "name": name, "interval": interval}
    connector = read_one({key: value for key, value in given.items() if value})
    body = connector.model_dump(mode="json", exclude_unset=True)
    answer = ask(state_dir, lambda api: api.post("/v1/connectors", body))
    if json:
        print_json(answer)
    else:
        _tell(answer)


@group.command("list")
def list_all(json: opt.JsonOption = False, state_dir: opt.StateDirOption = None) -> None:
    """Every connector, with its state."""
    found = ask(state_dir, lambda api: api.get("/v1/connectors"))
    if json:
        print_json(found)
    else:
        print_table(("connector", "account", "state", "reason"), [connector_row(each) for each in found["connectors"]])


@group.command()
def show(id: str, json: opt.JsonOption = False, state_dir: opt.StateDirOption = None) -> None:
    """One connector's settings and log. Secrets are shown as "set"."""
    found = ask(state_dir, lambda api: api.get(f"/v1/connectors/{segment(id)}"))
    if json:
        print_json(found)
        return
    shown = {name: value for name, value in found["settings"].items() if value not in (None, "", [], False)}
    print_table(("field", "value"), [("state", found["state"]), *shown.items()])
    for entry in found["log"]:
        say(" ".join(str(part) for part in (entry.values() if isinstance(entry, dict) else [entry])), "dim")


def _tell(answer: dict[str, Any]) -> None:
    view = answer["connector"]
    print_table(("connector", "account", "state", "reason"), [connector_row(view)])
    if answer["not_yet_acting"]:
        say(f"Accepted, but nothing acts on it yet: {', '.join(answer['not_yet_acting'])}.", "yellow")
    if answer["run"]:
        say(f"The first sync has begun; `grantwire sync {view['id']} --wait` follows the next one.")
    else:
        say("It was there already; nothing changed.")
