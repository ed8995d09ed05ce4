"""`connector`: the accounts under management."""

from datetime import datetime
from typing import Annotated, Any

import typer

from grantwire.cli import options as opt
from grantwire.cli.asking import ask, segment
from grantwire.cli.commands import gaps
from grantwire.cli.commands.status import connector_row
from grantwire.cli.output import print_json, print_table, say
from grantwire.cli.words import counted

group = typer.Typer(help="AWS accounts under management.", no_args_is_help=True)


@group.command()
def add(
    id: Annotated[str, typer.Argument(help="A short name of your choice, such as prod.")],
    role_arn: Annotated[str | None, typer.Option(help="The role to assume; none: the ambient account.")] = None,
    external_id: Annotated[str | None, typer.Option(help="The external id that its trust policy asks for.")] = None,
    name: Annotated[str, typer.Option(help="A longer name.")] = "",
    interval: Annotated[str | None, typer.Option(help="How often to sync, such as 15m.")] = None,
    organizations: Annotated[
        bool, typer.Option("--organizations", help="Read the whole organization of the role's account.")
    ] = False,
    child_role_name: Annotated[str | None, typer.Option(help="The role to assume in each other account.")] = None,
    child_external_id: Annotated[str | None, typer.Option(help="The external id that the child roles ask for.")] = None,
    include_account: Annotated[list[str] | None, typer.Option(help="Only this account; repeatable.")] = None,
    exclude_account: Annotated[list[str] | None, typer.Option(help="Not this account; repeatable.")] = None,
    include_ou: Annotated[list[str] | None, typer.Option(help="Only what is below this unit; repeatable.")] = None,
    exclude_ou: Annotated[list[str] | None, typer.Option(help="Nothing below this unit; repeatable.")] = None,
    no_child_iam: Annotated[bool, typer.Option("--no-child-iam", help="Not the IAM of the other accounts.")] = False,
    json: opt.JsonOption = False,
    state_dir: opt.StateDirOption = None,
) -> None:
    """Add a connector, or change one. It is checked against AWS at once, and its first sync begins."""
    from grantwire.cli.connectors_file import read_one

    given = {
        "id": id,
        "role_arn": role_arn,
        "external_id": external_id,
        "name": name,
        "interval": interval,
        "organizations": organizations,
        "child_role_name": child_role_name,
        "child_external_id": child_external_id,
        "include_accounts": include_account,
        "exclude_accounts": exclude_account,
        "include_ous": include_ou,
        "exclude_ous": exclude_ou,
    }
    chosen = {key: value for key, value in given.items() if value} | ({"child_iam": False} if no_child_iam else {})
    connector = read_one(chosen)
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
        print_table(
            ("connector", "account", "organization", "state", "reason"),
            [connector_row(each) for each in found["connectors"]],
        )


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


@group.command()
def remove(id: str, json: opt.JsonOption = False, state_dir: opt.StateDirOption = None) -> None:
    """Forget a connector. What it read is retired: kept for 30 days, out of every answer."""
    found = ask(state_dir, lambda api: api.delete(f"/v1/connectors/{segment(id)}"))
    if json:
        print_json(found)
        return
    print_table(("retired", "rows", "purged after"), [_retired(each) for each in found["retired"]])
    say(f"Connector {id} is removed; {counted(len(found['retired']), 'scope')} retired (`grantwire retired list`).")


group.command("gaps")(gaps.gaps)
group.command("accept-gap")(gaps.accept_gap)
group.command("withdraw-gap")(gaps.withdraw_gap)


def _retired(scope: dict[str, Any]) -> tuple[object, ...]:
    return scope["scope"], scope["rows"], f"{datetime.fromisoformat(scope['purged_after']):%Y-%m-%d}"


def _tell(answer: dict[str, Any]) -> None:
    view = answer["connector"]
    print_table(("connector", "account", "organization", "state", "reason"), [connector_row(view)])
    if answer["not_yet_acting"]:
        say(f"Accepted, but nothing acts on it yet: {', '.join(answer['not_yet_acting'])}.", "yellow")
    if answer["run"]:
        say(f"The first sync has begun; `grantwire sync {view['id']} --wait` follows the next one.")
    else:
        say("It was there already; nothing changed.")
