"""`connector`: the accounts under management, from a draft to what is removed."""

from datetime import datetime
from typing import Annotated, Any, TypeAlias

import typer

from grantwire.cli import options as opt
from grantwire.cli.asking import ask, segment
from grantwire.cli.commands import connector_life, gaps
from grantwire.cli.commands.status import connector_row
from grantwire.cli.given import with_settings
from grantwire.cli.guide import print_guide
from grantwire.cli.output import out, print_json, print_table, say
from grantwire.cli.showing import print_connector, print_versions, tell_saved
from grantwire.cli.words import counted

group = typer.Typer(help="AWS accounts under management.", no_args_is_help=True)

NewId: TypeAlias = Annotated[str, typer.Argument(help="A short name of your choice, such as prod.")]
Version: TypeAlias = Annotated[
    int | None, typer.Option("--version", help="Only if the settings still have this version.", show_default=False)
]


@group.command()
@with_settings
def add(
    id: NewId,
    settings: dict[str, Any],
    ambient: Annotated[
        bool, typer.Option("--ambient", help="No role: read the account of the ambient credentials themselves.")
    ] = False,
    json: opt.JsonOption = False,
    state_dir: opt.StateDirOption = None,
) -> None:
    """Add a connector: with --role-arn it is checked against AWS and syncs at once; without, it is a draft, and told is
    what to make in AWS, with an external id of its own."""
    from grantwire.cli.connectors_file import read_one

    connector = read_one({"id": id, **settings})
    body, draft = connector.model_dump(mode="json", exclude_unset=True), not (ambient or connector.role_arn)
    path = "/v1/connectors?draft=true" if draft else "/v1/connectors"
    answer = ask(state_dir, lambda api: api.post(path, body))
    if json:
        print_json(answer)
    elif draft:
        say(f"Connector {id} is a draft: it waits for its role.", "bold")
        print_guide(out(), answer["setup"], answer["connector"])
    else:
        tell_saved(answer)


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
def show(
    id: opt.ConnectorArgument,
    policies: Annotated[bool, typer.Option("--policies", help="What to make in AWS for it.")] = False,
    versions: Annotated[bool, typer.Option("--versions", help="When its settings were changed, and what.")] = False,
    watch: Annotated[bool, typer.Option("--watch", help="Its label and log as they change, until Ctrl-C.")] = False,
    json: opt.JsonOption = False,
    state_dir: opt.StateDirOption = None,
) -> None:
    """One connector's settings and log; of a draft, what to make in AWS. Secrets are shown as "set"."""
    path = f"/v1/connectors/{segment(id)}"
    if watch:
        connector_life.watched(id, state_dir)
    found = ask(state_dir, lambda api: api.get(path))
    if versions:
        found = ask(state_dir, lambda api: api.get(f"{path}/versions"))
        print_json(found) if json else print_versions(found)
        return
    if policies or found["state"] in ("draft", "failed"):
        found |= {"setup": ask(state_dir, lambda api: api.get(f"{path}/setup"))}
    print_json(found) if json else print_connector(found)


@group.command()
@with_settings
def edit(
    id: opt.ConnectorArgument,
    settings: dict[str, Any],
    unset: Annotated[
        list[str] | None, typer.Option("--unset", help="Put this setting back to its default; repeatable.")
    ] = None,
    version: Version = None,
    json: opt.JsonOption = False,
    state_dir: opt.StateDirOption = None,
) -> None:
    """Change some settings; the others stay. Checked against AWS like a new connector."""
    changes = connector_life.changes_of(settings, unset)
    body = changes | ({"version": version} if version is not None else {})
    answer = ask(state_dir, lambda api: api.patch(f"/v1/connectors/{segment(id)}", body))
    print_json(answer) if json else tell_saved(answer)


@group.command("set-role")
def set_role(
    id: opt.ConnectorArgument,
    role_arn: Annotated[str, typer.Argument(help="The role to assume, as arn:aws:iam::123456789012:role/Name.")],
    external_id: Annotated[
        str | None, typer.Option(help="Another external id than the connector has.", show_default=False)
    ] = None,
    version: Version = None,
    json: opt.JsonOption = False,
    state_dir: opt.StateDirOption = None,
) -> None:
    """Give a draft its role, or a connector another one: it is checked against AWS, and a sync begins."""
    given = {"role_arn": role_arn, "external_id": external_id, "version": version}
    body = {name: value for name, value in given.items() if value is not None}
    answer = ask(state_dir, lambda api: api.put(f"/v1/connectors/{segment(id)}/role", body))
    print_json(answer) if json else tell_saved(answer)


@group.command()
def remove(id: opt.ConnectorArgument, json: opt.JsonOption = False, state_dir: opt.StateDirOption = None) -> None:
    """Forget a connector. What it read is retired: kept for 30 days, out of every answer."""
    found = ask(state_dir, lambda api: api.delete(f"/v1/connectors/{segment(id)}"))
    if json:
        print_json(found)
        return
    print_table(("retired", "rows", "purged after"), [_retired(each) for each in found["retired"]])
    say(f"Connector {id} is removed; {counted(len(found['retired']), 'scope')} retired (`grantwire retired list`).")


group.command("test")(with_settings(connector_life.test))
group.command("pause")(connector_life.pause)
group.command("resume")(connector_life.resume)
group.command("logs")(connector_life.logs)
group.command("gaps")(gaps.gaps)
group.command("accept-gap")(gaps.accept_gap)
group.command("withdraw-gap")(gaps.withdraw_gap)


def _retired(scope: dict[str, Any]) -> tuple[object, ...]:
    return scope["scope"], scope["rows"], f"{datetime.fromisoformat(scope['purged_after']):%Y-%m-%d}"
