"""`up` and `demo`: everything in one process; `demo chaos`: each service in one of its own, and killed."""

import functools
from pathlib import Path
from typing import Annotated, Any, TypeAlias

import typer

from grantwire.cli import options as opt

group = typer.Typer(invoke_without_command=True)

Count: TypeAlias = Annotated[int | None, typer.Option(min=1, max=20_000, help="In each account.", show_default=False)]
Seed: TypeAlias = Annotated[int, typer.Option(help="What is simulated follows from it.")]
Accounts: TypeAlias = Annotated[int, typer.Option(min=1, max=1_000, help="1: an account without an organization.")]
Plan: TypeAlias = Annotated[str, typer.Option(help="bulk: all permissions; minimum: only the four that are needed.")]
ReaderOption: TypeAlias = Annotated[
    str, typer.Option("--reader", help="Whose connector: the management account's, or the delegated administrator's.")
]


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


@group.callback()
def demo(
    context: typer.Context,
    connectors: opt.ConnectorsOption = None,
    exit_when_synced: opt.ExitOption = False,
    export: opt.ExportOption = None,
    json: opt.JsonOption = False,
    state_dir: opt.StateDirOption = None,
    port: opt.PortOption = None,
    traces: opt.TracesOption = True,
    timeout: opt.TimeoutOption = 600.0,
    verbose: opt.VerboseOption = False,
    seed: Seed = 1,
    accounts: Accounts = 12,
    users: Count = None,
    groups: Count = None,
    roles: Count = None,
    plan: Plan = "bulk",
    reader: ReaderOption = "management",
    keep: Annotated[
        bool, typer.Option("--keep", help="Move another simulation's state aside instead of deleting it.")
    ] = False,
) -> None:
    """Try Grantwire on a simulated AWS organization: no AWS, no Docker, nothing to install."""
    from grantwire.cli.settings import Settings, demo_state_dir
    from grantwire.cli.simulated import simulation_of

    if context.invoked_subcommand is not None:
        return
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
        simulation=simulation_of(seed, accounts, users=users, groups=groups, roles=roles),
        reader=_reader(plan, reader),
        keep=keep,
    )


@group.command()
def chaos(
    kills: Annotated[int, typer.Option(min=1, max=100, help="How many services are killed.")] = 6,
    every: Annotated[float, typer.Option(min=0.5, max=60, help="Seconds from one kill to the next.")] = 4.0,
    json: opt.JsonOption = False,
    state_dir: opt.StateDirOption = None,
    timeout: opt.TimeoutOption = 300.0,
    seed: Seed = 1,
    accounts: Annotated[int, typer.Option(min=2, max=1_000)] = 12,
    users: Count = None,
    groups: Count = None,
    roles: Count = None,
    plan: Plan = "bulk",
    reader: ReaderOption = "management",
) -> None:
    """Kill services during syncs, and compare the graph with the truth: 0 when it is equal, 1 when it is not."""
    from grantwire.cli import signals
    from grantwire.cli.chaos import Options, chaos
    from grantwire.cli.settings import Settings, demo_state_dir
    from grantwire.cli.simulated import simulation_of

    place = state_dir or demo_state_dir().with_name("grantwire-chaos")
    simulation = simulation_of(seed, accounts, users=users, groups=groups, roles=roles)
    options = Options(place.absolute(), simulation, _reader(plan, reader), kills, every, timeout, json)
    raise typer.Exit(signals.run(functools.partial(chaos, options, Settings())))


def _reader(plan: str, reader: str) -> Any:
    from grantwire.cli.simulated import Reader

    if plan not in ("bulk", "minimum"):
        raise typer.BadParameter("choose bulk or minimum", param_hint="--plan")
    if reader not in ("management", "delegated"):
        raise typer.BadParameter("choose management or delegated", param_hint="--reader")
    return Reader(plan, reader == "delegated")


def _live(command: str, state_dir: Path, connectors: Path | None, **rest: Any) -> None:
    from grantwire.cli import connectors_file, signals
    from grantwire.cli.beginning import process_age
    from grantwire.cli.live import Options, live
    from grantwire.cli.settings import Settings
    from grantwire.telemetry import monotonic

    given = connectors_file.load(connectors) if connectors else []
    options = Options(command, state_dir.absolute(), monotonic() - process_age(), given, **rest)
    raise typer.Exit(signals.run(functools.partial(live, options, Settings())))
