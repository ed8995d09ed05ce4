"""`up` and `demo`: everything started, every connector synced once, told; then until Ctrl-C, or done."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from grantwire import telemetry
from grantwire.cli import exporting, pasting, simulated, summary
from grantwire.cli.client import Api
from grantwire.cli.exits import Exit, Stop
from grantwire.cli.following import Synced, sync_all, within
from grantwire.cli.house import House, house
from grantwire.cli.output import print_json, print_stop, say
from grantwire.cli.progress import shown
from grantwire.cli.servers import servers
from grantwire.cli.settings import Settings
from grantwire.cli.signals import Ending
from grantwire.contracts.connectors import Connector
from grantwire.local import StateDir, ports
from grantwire.telemetry import monotonic


@dataclass(frozen=True)
class Options:
    """What the person asked for."""

    command: str
    state_dir: Path
    begun: float
    connectors: list[Connector] = field(default_factory=list)
    exit_when_synced: bool = False
    export: Path | None = None
    json: bool = False
    port: int | None = None
    traces: bool = True
    timeout: float = 600.0
    verbose: bool = False
    simulation: simulated.Simulation | None = None
    plan: str = "bulk"
    keep: bool = False


@dataclass(frozen=True)
class Told:
    """The summary, and what stands behind it."""

    synced: Synced
    summary: dict[str, Any]


async def live(options: Options, settings: Settings, ending: Ending) -> Exit:
    """Run the whole house. Raises ``Stop``, ``GrantwireError`` or ``StateError`` when it cannot stand."""
    async with _standing(options, settings) as (running, connectors):
        say(
            f"Grantwire is up at {running.api.url}"
            + (f", traces at {running.api.traces}" if running.api.traces else "")
        )
        told = await within(options.timeout, _synced(options, running, connectors))
        code = _tell(options, told)
        if options.exit_when_synced:
            return code
        await pasting.tell(options.command, running, told.summary)
        await ending.asked()
        say("Stopping; the state is kept.")
    return Exit.OK


@asynccontextmanager
async def _standing(options: Options, settings: Settings) -> AsyncIterator[tuple[House, list[Connector]]]:
    state = StateDir(options.state_dir)
    async with AsyncExitStack() as stack:
        stack.enter_context(state)
        port = _free_port(state, options.port)
        sandbox = await _sandbox(stack, state, options)
        ready = await stack.enter_async_context(
            servers(state, settings, traces=options.traces, verbose=options.verbose)
        )
        connectors = options.connectors
        if sandbox is not None:
            connectors = await _aimed(sandbox, options)
        running = await stack.enter_async_context(house(ready, port))
        yield running, connectors


def _free_port(state: StateDir, wanted: int | None) -> int:
    """Known before anything is started. Raises ``Stop`` when somebody else listens there."""
    port = state.port("api") if wanted is None else wanted
    if port and not ports.is_free(port):
        holder = ports.holder(port) or "another process"
        said = f"Port {port} on 127.0.0.1, where the api should listen, is in use by {holder}."
        raise Stop(Exit.CONFLICT, said, "Stop that process, or choose another port with --port (0: any that is free).")
    return port


async def _sandbox(stack: AsyncExitStack, state: StateDir, options: Options) -> simulated.Sandbox | None:
    if options.simulation is None:
        return None
    if said := simulated.make_room(state, options.simulation, keep=options.keep):
        say(said, "bold yellow")
    return await stack.enter_async_context(simulated.sandbox(options.simulation))


async def _aimed(sandbox: simulated.Sandbox, options: Options) -> list[Connector]:
    """Before any service is built: AWS clients read the environment when they are made."""
    facts = await sandbox.facts()
    simulated.aim_at(facts)
    say(
        f"SIMULATED ACCOUNT {facts['account']} (seed {facts['seed']}): made-up data, not for production.", "bold yellow"
    )
    return options.connectors or [simulated.connector_of(facts, options.plan)]


async def _synced(options: Options, running: House, connectors: list[Connector]) -> Told:
    """One trace from the command to the last change."""
    begun = monotonic()
    async with Api(running.api, telemetry.current_traceparent) as asking, Api(running.api) as waiting:
        with telemetry.span("cli", f"grantwire {options.command}") as root, shown(monotonic) as progress:
            others = await _others(waiting, connectors)
            synced = await sync_all(asking, waiting, connectors, others, progress)
            took = monotonic() - begun
            trace_id = format(root.get_span_context().trace_id, "032x")
        _require_any(options, synced)
        return Told(synced, await _summed_up(options, running, waiting, synced, took, trace_id))


async def _others(api: Api, connectors: list[Connector]) -> list[str]:
    """Connectors of earlier times are synced as well."""
    named = {connector.id for connector in connectors}
    return [each["id"] for each in (await api.get("/v1/connectors"))["connectors"] if each["id"] not in named]


def _require_any(options: Options, synced: Synced) -> None:
    if synced.refused and not synced.runs and len(synced.refused) == 1:
        raise next(iter(synced.refused.values()))
    if options.exit_when_synced and not synced.runs and not synced.refused:
        raise Stop(Exit.USAGE, "There is no connector to sync.", "Name a file with --connectors connectors.yaml.")


async def _summed_up(
    options: Options, running: House, api: Api, synced: Synced, took: float, trace_id: str
) -> dict[str, Any]:
    counts = await exporting.counted(api, options.export)
    found = summary.summary(counts, await api.get("/v1/status"), synced)
    traces = None if options.exit_when_synced else running.api.traces  # the viewer ends with this process
    return found | {
        "seconds": round(monotonic() - options.begun, 3),
        "sync_seconds": round(took, 3),
        "trace_id": trace_id if any(char != "0" for char in trace_id) else None,
        "trace": f"{traces}/traces/{trace_id}" if traces else None,
        "export": str(options.export) if options.export else None,
    }


def _tell(options: Options, told: Told) -> Exit:
    for name, stop in told.synced.refused.items():
        print_stop(Stop(stop.code, f"Connector {name}: {stop}", stop.next_step, stop.candidates))
    if options.json:
        print_json(told.summary)
    else:
        pasting.print_summary(told.summary)
    return summary.exit_of(told.synced)
