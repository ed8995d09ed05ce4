"""`up` and `demo`: everything in one process."""

import functools
from pathlib import Path
from typing import Annotated, Any

import typer

from grantwire.cli import options as opt

Count = Annotated[int, typer.Option(min=1, max=20_000)]


def up(
    connectors: opt.ConnectorsOption = None,
    exit_when_synced: opt.ExitOption = False,
    export: opt.ExportOption = None,
    json: opt.JsonOption = False,
    state_dir: opt.StateDirOption = None,
    port: opt.PortOption = None,
    traces: opt.TracesOption = True,
    timeout: opt.TimeoutOption = 600.0,
    verbose: opt.VerboseOption = False,
) -> None:
    """Run Grantwire: Postgres, NATS and every service, in one process, until Ctrl-C."""
    from grantwire.cli.settings import Settings, up_state_dir

    _live(
        "up",
        state_dir or Settings().state_dir or up_state_dir(),
        connectors,
        exit_when_synced=exit_when_synced,
        export=export,
        json=json,
        port=port,
        traces=traces,
        timeout=timeout,
        verbose=verbose,
    )


def demo(
    connectors: opt.ConnectorsOption = None,
    exit_when_synced: opt.ExitOption = False,
    export: opt.ExportOption = None,
    json: opt.JsonOption = False,
    state_dir: opt.StateDirOption = None,
    port: opt.PortOption = None,
    traces: opt.TracesOption = True,
    timeout: opt.TimeoutOption = 600.0,
    verbose: opt.VerboseOption = False,
    seed: Annotated[int, typer.Option(help="What the simulated account holds follows from it.")] = 1,
    users: Count = 100,
    groups: Count = 20,
    roles: Count = 50,
    plan: Annotated[str, typer.Option(help="bulk: all permissions; minimum: only the four that are needed.")] = "bulk",
    keep: Annotated[
        bool, typer.Option("--keep", help="Move another simulated account's state aside instead of deleting it.")
    ] = False,
) -> None:
    """Try Grantwire on a simulated AWS account: no AWS, no Docker, nothing to install."""
    from grantwire.cli.settings import Settings, demo_state_dir
    from grantwire.cli.simulated import Simulation

    if plan not in ("bulk", "minimum"):
        raise typer.BadParameter("choose bulk or minimum", param_hint="--plan")
    _live(
        "demo",
        state_dir or Settings().state_dir or demo_state_dir(),
        connectors,
        exit_when_synced=exit_when_synced,
        export=export,
        json=json,
        port=port,
        traces=traces,
        timeout=timeout,
        verbose=verbose,
        simulation=Simulation(seed, users, groups, roles),
        plan=plan,
        keep=keep,
    )


def _live(command: str, state_dir: Path, connectors: Path | None, **rest: Any) -> None:
    from grantwire.cli import connectors_file, signals
    from grantwire.cli.beginning import process_age
    from grantwire.cli.live import Options, live
    from grantwire.cli.settings import Settings
    from grantwire.telemetry import monotonic

    given = connectors_file.load(connectors) if connectors else []
    options = Options(command, state_dir.absolute(), monotonic() - process_age(), given, **rest)
    raise typer.Exit(signals.run(functools.partial(live, options, Settings())))
