"""`connector test`, `pause`, `resume`, `logs`: what happens to a connector that is there."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

from grantwire.cli import options as opt
from grantwire.cli.asking import ask, segment
from grantwire.cli.exits import Exit, Stop
from grantwire.cli.output import out, print_json, print_json_line, say
from grantwire.cli.showing import print_checks, print_log, tell_run


def test(
    id: opt.ConnectorArgument,
    settings: dict[str, Any],
    unset: Annotated[list[str] | None, typer.Option("--unset", help="Try it without this setting; repeatable.")] = None,
    json: opt.JsonOption = False,
    state_dir: opt.StateDirOption = None,
) -> None:
    """Try a connector out, point by point, or what it would be with some settings changed. Nothing is saved.

    Ends with 1 when something that is required does not work, with 3 when only something optional does not.
    """
    changes = _changes(settings, unset)
    found = ask(state_dir, lambda api: api.post(f"/v1/connectors/{segment(id)}/test", changes))
    print_json(found) if json else print_checks(found)
    failed = any(check["state"] == "failed" for check in found["checks"])
    raise typer.Exit(Exit.FAILED if not found["ok"] else Exit.PARTIAL if failed else Exit.OK)


def pause(
    id: opt.ConnectorArgument,
    reason: Annotated[str | None, typer.Option("--reason", help="Why, shown as long as it lasts.")] = None,
    json: opt.JsonOption = False,
    state_dir: opt.StateDirOption = None,
) -> None:
    """Begin no sync of a connector, by interval or by hand, until it is resumed."""
    found = ask(state_dir, lambda api: api.post(f"/v1/connectors/{segment(id)}/pause", {"reason": reason}))
    if json:
        print_json(found)
        return
    how = "is paused" if found["changed"] else "was paused already"
    say(f"Connector {id} {how}; what is being read now is read to its end. `grantwire connector resume {id}` ends it.")


def resume(id: opt.ConnectorArgument, json: opt.JsonOption = False, state_dir: opt.StateDirOption = None) -> None:
    """Let a connector run again; a sync begins at once."""
    found = ask(state_dir, lambda api: api.post(f"/v1/connectors/{segment(id)}/resume"))
    if json:
        print_json(found)
    elif found["changed"]:
        tell_run(id, f"Connector {id} runs again; a sync has begun.")
    else:
        say(f"Connector {id} was not paused; nothing changed.")


def logs(
    id: opt.ConnectorArgument,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="New lines as they come, until Ctrl-C.")] = False,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, max=1_000, help="How many of the newest.")] = 100,
    json: opt.JsonOption = False,
    state_dir: opt.StateDirOption = None,
) -> None:
    """A connector's log, oldest line first. With --follow, --json prints one object a line."""
    path = f"/v1/connectors/{segment(id)}/log"
    found = ask(state_dir, lambda api: api.get(path, limit=limit))
    if json and not follow:
        print_json(found)
        return
    for line in found["lines"]:
        _print_line(line, json=json)
    if follow:
        _followed(id, found["lines"][-1]["id"] if found["lines"] else 0, state_dir, json=json)


def watched(id: str, state_dir: Path | None) -> NoReturn:
    """Show the label and the log as they change, until Ctrl-C."""
    from grantwire.cli.watching import watch

    _until_interrupted(state_dir, lambda api: watch(api, id))


def changes_of(settings: Mapping[str, Any], unset: list[str] | None) -> dict[str, Any]:
    """At least one change. Raises ``Stop``."""
    if changes := _changes(settings, unset):
        return changes
    step = "Name a setting, such as --interval 1h, or --unset exclude_ous; --help lists them."
    raise Stop(Exit.USAGE, "Nothing to change was given.", step)


def _changes(settings: Mapping[str, Any], unset: list[str] | None) -> dict[str, Any]:
    names = [name.strip().lstrip("-").replace("-", "_") for name in unset or ()]
    return {**settings, **dict.fromkeys(names)}


def _followed(id: str, after: int, state_dir: Path | None, *, json: bool) -> NoReturn:
    from grantwire.cli.watching import follow_log

    _until_interrupted(state_dir, lambda api: follow_log(api, id, after, lambda line: _print_line(line, json=json)))


def _until_interrupted(state_dir: Path | None, question: Any) -> NoReturn:
    """Ctrl-C is how it ends, so nothing is said of that."""
    try:
        ask(state_dir, question)
    except Stop as stop:
        if stop.code is not Exit.INTERRUPTED:
            raise
    raise typer.Exit(Exit.INTERRUPTED)


def _print_line(line: Mapping[str, Any], *, json: bool) -> None:
    if json:
        print_json_line(line)
        return
    print_log([line], out())
