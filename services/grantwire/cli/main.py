"""`grantwire`: the commands, and how every one of them ends."""

import gc
import os
import sys
import traceback
from typing import Any

import typer

from grantwire.cli.commands import (
    access,
    answers,
    connector,
    dead_letters,
    export,
    inventory,
    live,
    operations,
    removals,
    retired,
    run,
    runs,
    secrets,
    status,
    sync,
    team,
    upkeep,
)
from grantwire.cli.exits import Exit, Stop, stop_of
from grantwire.cli.output import print_json, print_stop
from grantwire.contracts.failures import GrantwireError


def make() -> typer.Typer:
    """The command line, every command in its place."""
    app = typer.Typer(
        name="grantwire",
        help="An organization's AWS access, on a message bus: who can reach what, and what changed.",
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.add_typer(live.group, name="demo")
    app.command()(live.up)
    app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []})(
        run.run
    )
    for command in (sync.sync, status.status, answers.can, export.export, version):
        app.command()(command)
    app.command("who-can")(answers.who_can)
    app.command("grant")(access.grant)
    app.command("revoke")(access.revoke)
    app.add_typer(operations.group, name="operations")
    app.add_typer(connector.group, name="connector")
    app.add_typer(inventory.group, name="inventory")
    app.add_typer(runs.group, name="runs")
    app.add_typer(retired.group, name="retired")
    app.add_typer(removals.group, name="removals")
    app.add_typer(dead_letters.group, name="dead-letters")
    app.add_typer(secrets.group, name="secrets")
    app.add_typer(team.group, name="team")
    app.add_typer(upkeep.bus, name="bus")
    app.add_typer(upkeep.db, name="db")
    return app


def version(json: bool = typer.Option(False, "--json", help="One JSON object on stdout.")) -> None:
    """The version of this installation."""
    from importlib.metadata import version as installed

    if json:
        print_json({"version": installed("grantwire")})
    else:
        typer.echo(installed("grantwire"))


def main() -> None:
    """The console script."""
    code = invoke(make())
    gc.freeze()  # the memory goes with the process: a last look for garbage would take a fifth of a second
    sys.exit(code)


def invoke(app: Any) -> int:
    """Run a command line to its end; whatever happens becomes an exit code and, on stderr, a sentence."""
    try:
        app()
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else Exit.OK
    except Exception as error:
        if os.environ.get("GRANTWIRE_DEBUG") == "1":
            traceback.print_exc()
        stop = _stop_of(error)
        print_stop(stop)
        return stop.code
    return Exit.OK


def _stop_of(error: Exception) -> Stop:
    if isinstance(error, ExceptionGroup):  # services run in task groups; the first failure ended the others
        return _stop_of(error.exceptions[0])
    if isinstance(error, Stop):
        return error
    if isinstance(error, GrantwireError):
        return stop_of(error)
    return _from_below(error) or Stop(
        Exit.FAILED,
        f"Unexpected {type(error).__name__}: {error}",
        "GRANTWIRE_DEBUG=1 shows the traceback; `up` and `demo` log to logs/grantwire.log in the state directory.",
    )


def _from_below(error: Exception) -> Stop | None:
    """Failures of the embedded servers, which say themselves what to do; imported only where one can have happened."""
    if "grantwire.local.errors" not in sys.modules:
        return None
    from grantwire.local.errors import Locked, PortInUse, StateError

    if isinstance(error, Locked | PortInUse):
        return Stop(Exit.CONFLICT, str(error))
    return Stop(Exit.FAILED, str(error)) if isinstance(error, StateError) else None


if __name__ == "__main__":
    main()
